"""The repeated-measures model on change from baseline, and the same model done otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    NothingToDo,
    between_arms,
    within_arms,
)
from brainage.trial.design.join import TrialDesign, join_scores
from brainage.trial.design.sets import COMPLETERS, PER_PROTOCOL
from brainage.trial.models.mmrm import DegreesOfFreedom, fit_mmrm
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.options import TrialOptions
from brainage.trial.results.contrasts import AVERAGE, BASELINE

CROSSED = ("baseline_gap", "baseline_age")
COVARIATE_SETTINGS = ("strata", "covariates", "score_covariates")
MODEL_SETTINGS = (*COVARIATE_SETTINGS, "degrees_of_freedom", "covariance_by_arm")


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


def fit_changes(
    changes: pd.DataFrame,
    design: TrialDesign,
    *,
    covariates: tuple[str, ...] | None = None,
    extra_covariates: tuple[str, ...] = (),
    degrees_of_freedom: DegreesOfFreedom | None = None,
    covariance_by_arm: bool | None = None,
) -> MmrmFit:
    """Fit the repeated-measures model on change from baseline.

    Parameters
    ----------
    changes : DataFrame
        One network's changes.
    design : TrialDesign
        Arms, visits, covariates.
    covariates : tuple of str or None, default=None
        In the place of the prespecified ones; None: those.
    extra_covariates : tuple of str, default=()
        For sensitivity analyses.
    degrees_of_freedom : {"satterthwaite", "kenward_roger"} or None, default=None
        None: the design's.
    covariance_by_arm : bool or None, default=None
        None: the design's.

    Returns
    -------
    fit : MmrmFit
    """
    options = design.options
    data = model_data(changes, design)
    own = baseline_covariates(data, design) if covariates is None else covariates
    return fit_mmrm(
        data,
        response="change",
        arms=design.arms,
        visits=design.later_visits,
        covariates=(*own, *extra_covariates),
        crossed_with_visit=CROSSED,
        degrees_of_freedom=degrees_of_freedom or options.degrees_of_freedom,
        covariance_by_arm=options.covariance_by_arm
        if covariance_by_arm is None
        else covariance_by_arm,
    )


def main_model(inputs: AnalysisInputs) -> MmrmFit:
    """Return the headline's model, or the same model where another analysis is the headline."""
    own = inputs.headline.fit if inputs.headline is not None else None
    return own or fit_changes(inputs.changes, inputs.design)


def rows_of_fit(fit: MmrmFit, design: TrialDesign) -> AnalysisResult:
    """Return the contrasts with control and the changes within arms of a fitted model.

    Parameters
    ----------
    fit : MmrmFit
        Change or constrained form.
    design : TrialDesign
        Arms and visits.

    Returns
    -------
    result : AnalysisResult
    """
    between = [
        EffectRow(
            arm,
            versus,
            visit,
            fit.contrast(arm, None if visit == AVERAGE else visit),
            *people_of(fit, (arm, versus), visit),
            fit.method,
        )
        for arm, versus, visit in between_arms(design.options, average=True)
    ]
    within = [
        EffectRow(
            arm,
            BASELINE,
            visit,
            fit.arm_delta(arm, visit),
            *people_of(fit, (arm,), visit),
            fit.method,
        )
        for arm, _, visit in within_arms(design.options)
    ]
    return AnalysisResult(
        tuple(between), tuple(within), fit=fit, covariates=fit.covariates, notes=fit.notes
    )


def people_of(fit: MmrmFit, arms: tuple[str, ...], visit: str) -> tuple[int, int]:
    """Count the people of some arms in a model, and those of them with a row at a visit.

    Parameters
    ----------
    fit : MmrmFit
        A fitted model.
    arms : tuple of str
        Whose people.
    visit : str
        A label, or "average over visits": any later visit.

    Returns
    -------
    n_model, n_at_visit : int
    """
    frame = fit.frame
    mine = np.isin(frame.arm, [frame.arms.index(arm) for arm in arms])
    wanted = frame.later_visits if visit == AVERAGE else (visit,)
    there = mine & np.isin(frame.visit, [frame.visits.index(each) for each in wanted])
    return len(np.unique(frame.person[mine])), len(np.unique(frame.person[there]))


def contrasts_of(fit: MmrmFit, design: TrialDesign) -> AnalysisResult:
    """Return the contrasts between arms only: the variant says little new within an arm."""
    return replace(rows_of_fit(fit, design), deltas=())


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


def average_between(options: TrialOptions) -> list[tuple[str, str, str]]:
    """Return what every repeated-measures model promises between arms."""
    return between_arms(options, average=True)


def _main_rows(options: TrialOptions) -> list[tuple[str, str, str]]:
    return [*average_between(options), *within_arms(options)]


def _main(inputs: AnalysisInputs) -> AnalysisResult:
    return rows_of_fit(fit_changes(inputs.changes, inputs.design), inputs.design)


def _uncorrected(inputs: AnalysisInputs) -> AnalysisResult:
    scores = inputs.scores[inputs.scores["network"] == inputs.network]
    data = join_scores(scores, inputs.design, outcome="gap_years")
    return rows_of_fit(fit_changes(data.changes, inputs.design), inputs.design)


def _constrained(inputs: AnalysisInputs) -> AnalysisResult:
    """Fit the constrained longitudinal form, which keeps people without a follow-up."""
    design, options = inputs.design, inputs.design.options
    scans = inputs.scans
    nominal = scans["visit"].map({v.label: v.nominal_years for v in design.visits})
    # Without a baseline scan, age at baseline is age at the scan minus the planned interval.
    began = scans["age_years"] - scans["years"].fillna(nominal)
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
        response=options.outcome,
        arms=design.arms,
        visits=(design.baseline, *design.later_visits),
        covariates=tuple(c for c in baseline_covariates(long, design) if c != "baseline_gap"),
        crossed_with_visit=CROSSED,
        form="constrained",
        degrees_of_freedom=options.degrees_of_freedom,
        covariance_by_arm=options.covariance_by_arm,
    )
    return rows_of_fit(fit, design)


def _other_name(options: TrialOptions) -> DegreesOfFreedom:
    other: dict[str, DegreesOfFreedom] = {
        "satterthwaite": "kenward_roger",
        "kenward_roger": "satterthwaite",
    }
    return other[options.degrees_of_freedom]


def _other_degrees_of_freedom(inputs: AnalysisInputs) -> AnalysisResult:
    other = _other_name(inputs.design.options)
    return contrasts_of(
        fit_changes(inputs.changes, inputs.design, degrees_of_freedom=other), inputs.design
    )


def _other_covariance(inputs: AnalysisInputs) -> AnalysisResult:
    by_arm = not inputs.design.options.covariance_by_arm
    return contrasts_of(
        fit_changes(inputs.changes, inputs.design, covariance_by_arm=by_arm), inputs.design
    )


def _of_set(inputs: AnalysisInputs, name: str) -> AnalysisResult:
    if name not in inputs.sets:
        raise NothingToDo(f"no analysis set '{name}'")
    return contrasts_of(
        fit_changes(inputs.sets[name].of(inputs.changes), inputs.design), inputs.design
    )


MMRM = Analysis(
    key="mmrm",
    title=lambda _: "mmrm",
    words="mixed model for repeated measures on change from baseline (arm x visit and the "
    "covariates below; unstructured covariance, REML)",
    settings=MODEL_SETTINGS,
    rows=_main_rows,
    run=_main,
    style="recommended",
)
UNCORRECTED = Analysis(
    key="uncorrected",
    title=lambda _: "uncorrected gap",
    words="sensitivity: the model on the uncorrected gap",
    settings=MODEL_SETTINGS,
    rows=_main_rows,
    run=_uncorrected,
    outcome=lambda _: "gap_years",
    asked=lambda options: options.outcome != "gap_years",
)
CONSTRAINED = Analysis(
    key="constrained",
    title=lambda _: "constrained longitudinal form",
    words="sensitivity: constrained longitudinal form (baseline in the response)",
    settings=MODEL_SETTINGS,
    rows=_main_rows,
    run=_constrained,
)
OTHER_DEGREES_OF_FREEDOM = Analysis(
    key="other_degrees_of_freedom",
    title=lambda options: f"{_other_name(options)} degrees of freedom",
    words="sensitivity: Kenward-Roger for Satterthwaite, or the reverse",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_other_degrees_of_freedom,
)
OTHER_COVARIANCE = Analysis(
    key="other_covariance",
    title=lambda options: (
        f"covariance {'common to all arms' if options.covariance_by_arm else 'per arm'}"
    ),
    words="sensitivity: one covariance for all arms for one per arm, or the reverse",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=_other_covariance,
)
COMPLETERS_ONLY = Analysis(
    key=COMPLETERS,
    title=lambda _: "completers",
    words="sensitivity: participants with every planned scan",
    settings=MODEL_SETTINGS,
    rows=average_between,
    run=lambda inputs: _of_set(inputs, COMPLETERS),
    analysis_set=COMPLETERS,
)
PER_PROTOCOL_ONLY = Analysis(
    key=PER_PROTOCOL,
    title=lambda _: "per protocol",
    words="sensitivity: active participants with the least dose, where dose is recorded",
    settings=(*MODEL_SETTINGS, "dose_column", "per_protocol_min_dose"),
    rows=average_between,
    run=lambda inputs: _of_set(inputs, PER_PROTOCOL),
    asked=lambda options: options.dose_column is not None,
    analysis_set=PER_PROTOCOL,
)
