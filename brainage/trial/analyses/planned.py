"""The planned analyses on scores that have met their arms: models in, `Contrast` rows out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from brainage.trial.analyses.change import welch_difference
from brainage.trial.analyses.levakov import LevakovOutcome
from brainage.trial.design.join import TrialData, TrialDesign
from brainage.trial.models.ancova import fit_ancova
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.models.mmrm import MmrmFit, fit_mmrm
from brainage.trial.plan.labelling import Labels
from brainage.trial.results.contrasts import AVERAGE, BASELINE, Contrast

CROSSED = ("baseline_gap", "baseline_age")


@dataclass(frozen=True)
class FittedModel:
    """One model's rows and what it was.

    Parameters
    ----------
    contrasts : tuple of Contrast
        Between arms.
    deltas : tuple of Contrast
        Within arms, against baseline; empty where the model has none.
    fit : MmrmFit or None
        Behind them, for joint tests.
    covariates, notes : tuple of str
        In the model; to print.
    """

    contrasts: tuple[Contrast, ...]
    deltas: tuple[Contrast, ...] = ()
    fit: MmrmFit | None = field(default=None, repr=False)
    covariates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def baseline_covariates(changes: pd.DataFrame, design: TrialDesign) -> tuple[str, ...]:
    """Return the prespecified covariates: nothing measured after randomisation is among them.

    Sex and site, where the design names them, enter if they vary; strata and the design's
    covariates always.
    """
    options = design.options
    names = [*CROSSED, *options.strata, *options.covariates]
    names += [name for name in options.score_covariates if changes[name].nunique() > 1]
    return tuple(dict.fromkeys(names))


def model_data(changes: pd.DataFrame, design: TrialDesign) -> pd.DataFrame:
    """Return changes with no missing category: "not recorded" is a category of its own.

    Leaving these people out would break the intention to treat.
    """
    text = [name for name in (*design.options.strata, "sex", "site") if name in changes]
    return changes.assign(
        **{
            name: changes[name].astype(object).where(changes[name].notna(), "not recorded")
            for name in text
        }
    )


def mmrm_analysis(
    changes: pd.DataFrame,
    design: TrialDesign,
    labels: Labels,
    *,
    extra_covariates: tuple[str, ...] = (),
    degrees_of_freedom: str | None = None,
    covariance_by_arm: bool | None = None,
) -> FittedModel:
    """Fit the repeated-measures model on change from baseline.

    Parameters
    ----------
    changes : DataFrame
        One network's changes.
    design : TrialDesign
        Arms, visits, covariates.
    labels : Labels
        Of the rows.
    extra_covariates : tuple of str, default=()
        For sensitivity analyses.
    degrees_of_freedom : {"satterthwaite", "kenward_roger"} or None, default=None
        None: the design's.
    covariance_by_arm : bool or None, default=None
        None: the design's.

    Returns
    -------
    fitted : FittedModel
    """
    data = model_data(changes, design)
    fit = fit_mmrm(
        data,
        response="change",
        arms=design.arms,
        visits=design.later_visits,
        covariates=(*baseline_covariates(data, design), *extra_covariates),
        crossed_with_visit=CROSSED,
        degrees_of_freedom=degrees_of_freedom or design.options.degrees_of_freedom,
        covariance_by_arm=design.options.covariance_by_arm
        if covariance_by_arm is None
        else covariance_by_arm,
    )
    return _rows_of(fit, design, labels)


def constrained_analysis(
    data: TrialData, design: TrialDesign, labels: Labels, *, participants: frozenset[str]
) -> FittedModel:
    """Fit the constrained longitudinal form, which keeps people without a follow-up.

    Parameters
    ----------
    data : TrialData
        Scores joined to the design.
    design : TrialDesign
        Arms, visits, covariates.
    labels : Labels
        Of the rows; names the outcome and the network.
    participants : frozenset of str
        Analysis set.

    Returns
    -------
    fitted : FittedModel
    """
    scans = data.scans[data.scans["network"] == labels.network]
    scans = scans[scans["participant_id"].isin(participants)]
    nominal = scans["visit"].map({v.label: v.nominal_years for v in design.visits})
    # Without a baseline scan, age at baseline is age at the scan minus the planned interval.
    began = scans["age_years"] - scans["years"].fillna(nominal)
    options = design.options
    allocated = list(dict.fromkeys((*options.strata, *options.covariates)))
    # Of a person's first scan, whatever later ones say: nothing after randomisation may enter.
    of_scan = ["baseline_age", *(name for name in ("sex", "site") if name not in allocated)]
    first = scans.assign(baseline_age=began).drop_duplicates("participant_id")
    scans = scans.drop(columns=[*allocated, *of_scan], errors="ignore")
    for table, columns in ((first, of_scan), (design.allocation, allocated)):
        scans = scans.merge(table[["participant_id", *columns]], on="participant_id")
    long = model_data(scans, design)
    fit = fit_mmrm(
        long,
        response=labels.outcome,
        arms=design.arms,
        visits=(design.baseline, *design.later_visits),
        covariates=tuple(c for c in baseline_covariates(long, design) if c != "baseline_gap"),
        crossed_with_visit=CROSSED,
        form="constrained",
        degrees_of_freedom=options.degrees_of_freedom,
        covariance_by_arm=options.covariance_by_arm,
    )
    return _rows_of(fit, design, labels)


def ancova_analysis(changes: pd.DataFrame, design: TrialDesign, labels: Labels) -> FittedModel:
    """Fit an analysis of covariance with HC3 errors at each visit."""
    rows, notes, covariates = [], [], ()
    for visit in design.later_visits:
        data = model_data(changes[changes["visit"] == visit], design)
        fit = fit_ancova(
            data, response="change", arms=design.arms, covariates=baseline_covariates(data, design)
        )
        covariates = fit.covariates
        notes += [f"{visit}: {note}" for note in fit.notes]
        rows += [
            labels.contrast(
                (arm, design.control_arm, visit),
                fit.contrast(arm),
                n=fit.n_by_arm[arm] + fit.n_by_arm[design.control_arm],
                method=fit.method,
            )
            for arm in design.active_arms
        ]
    return FittedModel(tuple(rows), covariates=covariates, notes=tuple(notes))


def change_score_analysis(
    changes: pd.DataFrame, design: TrialDesign, labels: Labels
) -> FittedModel:
    """Compare plain change scores between arms (Welch): the contrast beside a paired t test."""
    rows = []
    for arm in design.active_arms:
        for visit in design.later_visits:
            here = changes[changes["visit"] == visit]
            own = here.loc[here["arm"] == arm, "change"]
            control = here.loc[here["arm"] == design.control_arm, "change"]
            found = welch_difference(own, control)
            rows.append(
                labels.contrast(
                    (arm, design.control_arm, visit),
                    found,
                    n=len(own) + len(control),
                    method="change scores, Welch t",
                )
            )
    return FittedModel(tuple(rows))


def levakov_rows(outcome: LevakovOutcome, design: TrialDesign, labels: Labels) -> FittedModel:
    """Return Levakov's attenuation as `Contrast` rows: sign turned, so that below zero is younger.

    Errors, intervals and tests are the bootstrap's, with the slope refitted.
    """
    method = "Levakov's expected minus observed, sign turned; people bootstrapped, slope refitted"
    between = [
        labels.contrast(
            (row.arm, design.control_arm, row.visit), _turned(row), n=int(row.n), method=method
        )
        for row in outcome.between.itertuples()
    ]
    within = [
        labels.contrast((row.arm, BASELINE, row.visit), _turned(row), n=int(row.n), method=method)
        for row in outcome.table.itertuples()
    ]
    return FittedModel(tuple(between), tuple(within))


def _turned(row) -> Estimate:
    z = -row.attenuation_years / row.bootstrap_se_years
    return Estimate(
        estimate=-row.attenuation_years,
        se=row.bootstrap_se_years,
        df=math.nan,
        statistic=float(z),
        p_value=float(2 * stats.norm.sf(abs(z))),
        ci_low=-row.bootstrap_ci_high_years,
        ci_high=-row.bootstrap_ci_low_years,
    )


def _rows_of(fit: MmrmFit, design: TrialDesign, labels: Labels) -> FittedModel:
    visits = design.later_visits
    wanted = [*visits, AVERAGE] if len(visits) > 1 else list(visits)
    n_of = _people_by_arm(fit)
    control = design.control_arm
    between = [
        labels.contrast(
            (arm, control, visit),
            fit.contrast(arm, None if visit == AVERAGE else visit),
            n=n_of[arm] + n_of[control],
            method=fit.method,
        )
        for arm in design.active_arms
        for visit in wanted
    ]
    within = [
        labels.contrast(
            (arm, BASELINE, visit), fit.arm_delta(arm, visit), n=n_of[arm], method=fit.method
        )
        for arm in design.arms
        for visit in visits
    ]
    return FittedModel(tuple(between), tuple(within), fit, fit.covariates, fit.notes)


def _people_by_arm(fit: MmrmFit) -> dict[str, int]:
    arm_of_person = dict(zip(fit.frame.person.tolist(), fit.frame.arm.tolist(), strict=True))
    codes = list(arm_of_person.values())
    return {arm: codes.count(code) for code, arm in enumerate(fit.frame.arms)}


def contrast_correlation(fit: MmrmFit, arms: tuple[str, ...], visit: str | None) -> np.ndarray:
    """Return the correlation of the contrasts of several arms with control at one visit.

    Parameters
    ----------
    fit : MmrmFit
        A fitted model.
    arms : tuple of str
        Active arms.
    visit : str or None
        None: the average over visits.

    Returns
    -------
    correlation : ndarray of shape (n_arms, n_arms)
    """
    weights = np.stack([fit.contrast_weights(arm, visit) for arm in arms])
    covariance = weights @ fit.vcov.to_numpy() @ weights.T
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd)
