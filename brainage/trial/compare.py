"""Scores meet the allocation: arm deltas, contrasts, and everything that qualifies them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd
from joblib import Parallel, delayed

from brainage.errors import DesignError
from brainage.progress import Progress, silent
from brainage.tables import WHOLE_BRAIN
from brainage.trial.analyses.change import within_arm_changes
from brainage.trial.analyses.levakov import LevakovOutcome, levakov_outcome
from brainage.trial.analyses.planned import (
    FittedModel,
    change_score_analysis,
    contrast_correlation,
    levakov_rows,
    mmrm_analysis,
)
from brainage.trial.analyses.sensitivity import MainNetwork, sensitivity_analyses
from brainage.trial.design.flow import check_analysed, participant_flow
from brainage.trial.design.join import TrialData, TrialDesign, hash_scores, join_scores
from brainage.trial.design.motion import motion_by_arm, scanner_notes
from brainage.trial.design.sets import INTENTION_TO_TREAT, analysis_sets
from brainage.trial.design.timing import timing_notes, timing_table
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.models.multiplicity import adjust, benjamini_hochberg, dunnett
from brainage.trial.notes import count_notes, estimand_notes, fit_notes, plan_notes
from brainage.trial.plan.labelling import Labels
from brainage.trial.plan.plan import HEADLINE, Plan
from brainage.trial.plan.plan_words import missing_data_words
from brainage.trial.results.contrasts import (
    AVERAGE,
    BASELINE,
    COVARIATES,
    DELTAS,
    LEVAKOV,
    MODELS,
    NO_PLAN,
    Contrast,
    contrast_table,
    empty_table,
)
from brainage.trial.results.result import TrialResult


@dataclass(frozen=True)
class _NetworkResult:
    model: FittedModel
    changes: pd.DataFrame = field(repr=False)
    within: pd.DataFrame = field(repr=False)
    levakov: LevakovOutcome | None = field(repr=False)
    labels: Labels
    no_levakov_because: str = ""


def compare_arms(
    scores: pd.DataFrame,
    design: TrialDesign,
    *,
    plan: Plan | None = None,
    exclusions: pd.DataFrame | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> TrialResult:
    """Compare the arms of a trial as planned.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`, without arm; several rows a scan, one a network.
    design : TrialDesign
        Arms, visits, allocation, analyses.
    plan : Plan, optional
        In force; without one every row is post hoc.
    exclusions : DataFrame, optional
        participant_id, session_id, reason: scans without a score, for the flow.
    seed : int, default=0
        Of the bootstrap and the re-randomisation.
    n_jobs : int, default=1
        Networks analysed at a time.
    progress : Progress, optional
        Told of every network.

    Returns
    -------
    result : TrialResult

    Raises
    ------
    TableError
        Scores with repeated rows or absent columns.
    DesignError
        See `join_scores`, `fit_mmrm`; too few people in an arm at a visit.
    """
    # Before anything here looks at an arm.
    scores_hash = hash_scores(scores)
    options = design.options
    data = join_scores(scores, design, outcome=options.outcome)
    sets = analysis_sets(data, design)
    flow, excluded = participant_flow(data, design, exclusions)
    networks = _networks(data)
    jobs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(_analyse_network)(network, data, design, (plan, seed, network == networks[0]))
        for network in networks
    )
    found = []
    for each in jobs:
        found.append(each)
        progress(len(found), len(networks), f"contrasts of {each.labels.network}")
    first = found[0]
    if first.model.fit is not None:
        check_analysed(flow, first.model.fit.n_observations, baseline=design.baseline)
    main = MainNetwork(
        scores,
        data,
        sets[INTENTION_TO_TREAT].of(first.changes),
        sets,
        first.levakov,
        first.no_levakov_because,
    )
    sensitivity, models, more = sensitivity_analyses(main, design, first.labels, seed=seed)
    contrasts, adjust_notes = _adjusted_contrasts(found, design, plan)
    named = [(HEADLINE[options.style], first.model), *models]
    scans = data.scans[data.scans["network"] == networks[0]]
    timing = timing_table(scans, design.arms, design.visits)
    result = TrialResult(
        deltas=_deltas(found, design, plan),
        contrasts=contrasts,
        flow=flow,
        exclusions=excluded,
        sensitivity=sensitivity,
        levakov=_levakov_table(first),
        motion=motion_by_arm(scans, design, outcome=options.outcome),
        timing=timing,
        models=_models_table(found, models),
        covariates=_covariates_table(named, networks[0]),
        notes=(),
        estimand=_estimand(design, contrasts),
        scores_hash=scores_hash,
        plan_hash=plan.hash if plan else NO_PLAN,
        seed=seed,
    )
    fitted = [(each.labels.network, each.model) for each in found]
    notes = [
        *data.notes,
        *plan_notes(plan, design.options, result),
        *estimand_notes(options),
        *adjust_notes,
        *fit_notes(fitted),
        *count_notes(result),
        *timing_notes(timing),
        *scanner_notes(first.changes, design),
        *more,
    ]
    return replace(result, notes=tuple(dict.fromkeys(notes)))


def _networks(data: TrialData) -> list[str]:
    names = list(dict.fromkeys(data.scans["network"]))
    return sorted(names, key=lambda name: name != WHOLE_BRAIN)


def _analyse_network(network: str, data: TrialData, design: TrialDesign, context):
    plan, seed, is_main = context
    options = design.options
    analysis = HEADLINE[options.style]
    labels = Labels(analysis, options, plan, options.outcome, network)
    changes = data.changes[data.changes["network"] == network].reset_index(drop=True)
    within = within_arm_changes(changes, design.arms, design.later_visits)
    levakov, reason = None, ""
    if is_main or analysis == "levakov":
        scans = data.scans[data.scans["network"] == network]
        try:
            levakov = levakov_outcome(
                scans,
                changes,
                arms=design.arms,
                visits=design.later_visits,
                baseline=design.baseline,
                n_bootstraps=options.n_bootstraps,
                seed=seed,
            )
        except DesignError as error:
            # Beside another headline it is one sensitivity analysis that cannot be done.
            if analysis == "levakov":
                raise
            reason = str(error)
    if analysis == "mmrm":
        model = mmrm_analysis(changes, design, labels)
    elif analysis == "levakov":
        model = levakov_rows(levakov, design, labels)
    else:
        model = change_score_analysis(changes, design, labels)
    return _NetworkResult(model, changes, within, levakov, labels, reason)


def _adjusted_contrasts(
    found: list[_NetworkResult], design: TrialDesign, plan: Plan | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return every between-arm row, primary first; networks adjusted over networks."""
    rows, notes = _confirmatory(found[0].model, design)
    rows = [
        replace(
            row,
            prespecified=row.prespecified
            and _adjusted_as_planned(plan, design, "primary" if row.primary else "contrasts"),
        )
        for row in rows
    ]
    tables = [contrast_table(rows)]
    if len(found) > 1:
        local = contrast_table([row for each in found[1:] for row in each.model.contrasts])
        family = local.groupby(["arm", "visit"], sort=False)["p_value"]
        alike = _adjusted_as_planned(plan, design, "networks")
        tables.append(
            local.assign(
                p_adjusted=family.transform(benjamini_hochberg),
                prespecified=local["prespecified"] & alike,
            )
        )
    return pd.concat(tables, ignore_index=True), notes


def _adjusted_as_planned(plan: Plan | None, design: TrialDesign, family: str) -> bool:
    return plan is not None and plan.adjusts_alike(family, design.options)


def _confirmatory(model: FittedModel, design: TrialDesign) -> tuple[list[Contrast], list[str]]:
    """Mark the primary contrast and adjust the others as one family."""
    wanted = (design.primary_arm, design.primary_visit)
    rows = [replace(row, primary=(row.arm, row.visit) == wanted) for row in model.contrasts]
    rows.sort(key=lambda row: not row.primary)
    method, notes = design.options.multiplicity, []
    if method == "dunnett" and model.fit is None:
        method = "holm"
        notes.append("Dunnett needs the repeated-measures model; Holm was used instead")
    if method == "dunnett":
        adjusted = _dunnett_by_visit(rows, model, design)
    else:
        adjusted = dict(
            zip(
                [(row.arm, row.visit) for row in rows[1:]],
                adjust([row.p_value for row in rows[1:]], method),
                strict=True,
            )
        )
    return [
        replace(row, p_adjusted=float(row.p_value if row.primary else adjusted[row.arm, row.visit]))
        for row in rows
    ], notes


def _dunnett_by_visit(rows: list[Contrast], model: FittedModel, design: TrialDesign) -> dict:
    adjusted = {}
    for visit in dict.fromkeys(row.visit for row in rows):
        here = {row.arm: row for row in rows if row.visit == visit}
        arms = design.active_arms
        p_values = dunnett(
            [here[arm].statistic for arm in arms],
            contrast_correlation(model.fit, arms, None if visit == AVERAGE else visit),
            df=min(here[arm].df for arm in arms),
        )
        adjusted |= {(arm, visit): p for arm, p in zip(arms, p_values, strict=True)}
    return adjusted


def _deltas(found: list[_NetworkResult], design: TrialDesign, plan: Plan | None) -> pd.DataFrame:
    """Return within-arm changes: the headline analysis's estimate beside the plain paired one."""
    tables = []
    for each in found:
        table = each.within.rename(
            columns={
                "n": "n_paired",
                "df": "paired_df",
                "statistic": "paired_statistic",
                "p_value": "paired_p_value",
            }
        )
        headline = contrast_table(each.model.deltas or _paired_rows(each))
        kept = [
            "arm",
            "visit",
            "versus",
            "network",
            "estimate_years",
            "se_years",
            "ci_low_years",
            "ci_high_years",
            "df",
            "statistic",
            "p_value",
            "n",
            "prespecified",
            "outcome",
            "analysis_set",
            "estimand_id",
            "method",
            "plan_hash",
        ]
        tables.append(table.drop(columns="se_years").merge(headline[kept], on=["arm", "visit"]))
    method = design.options.within_arm_multiplicity
    whole = tables[0].assign(
        p_adjusted=adjust(tables[0]["p_value"], method),
        paired_p_adjusted=adjust(tables[0]["paired_p_value"], method),
    )
    parts = [whole]
    if len(tables) > 1:
        local = pd.concat(tables[1:], ignore_index=True)
        family = local.groupby(["arm", "visit"], sort=False)
        parts.append(
            local.assign(
                p_adjusted=family["p_value"].transform(lambda p: adjust(p, method)),
                paired_p_adjusted=family["paired_p_value"].transform(lambda p: adjust(p, method)),
            )
        )
    deltas = pd.concat(parts, ignore_index=True)[list(DELTAS.names)]
    alike = _adjusted_as_planned(plan, design, "deltas")
    return deltas.assign(prespecified=deltas["prespecified"] & alike)


def _levakov_table(first: _NetworkResult) -> pd.DataFrame:
    """Return the attenuation in its own sign, each row marked as planned or not."""
    if first.levakov is None:
        return empty_table(LEVAKOV)
    labels = replace(first.labels, analysis="levakov")
    table = first.levakov.table
    planned = [labels.prespecified(row.arm, BASELINE, row.visit) for row in table.itertuples()]
    plan_hash = labels.plan.hash if labels.plan else NO_PLAN
    return table.assign(prespecified=planned, plan_hash=plan_hash)[list(LEVAKOV.names)]


def _paired_rows(each: _NetworkResult) -> list[Contrast]:
    """Return the paired tests as rows against baseline, for styles whose headline they are."""
    labels = replace(each.labels, analysis="within_arm")
    rows = []
    for row in each.within.itertuples():
        found = _paired_estimate(row)
        rows.append(
            labels.contrast(
                (row.arm, BASELINE, row.visit),
                found,
                n=int(row.n),
                method="change from baseline, paired t",
            )
        )
    return rows


def _paired_estimate(row) -> Estimate:
    return Estimate(
        row.mean_change_years,
        row.se_years,
        row.df,
        row.statistic,
        row.p_value,
        row.change_ci_low_years,
        row.change_ci_high_years,
    )


def _models_table(found: list[_NetworkResult], models) -> pd.DataFrame:
    fitted = [(each.labels.analysis, each.labels.network, each.model.fit) for each in found]
    fitted += [(name, found[0].labels.network, model.fit) for name, model in models]
    rows = [
        {
            "analysis": name,
            "network": network,
            "covariance": fit.covariance_name,
            "fell_back_because": "; ".join(fit.fell_back_because) or None,
            "n_participants": fit.n_participants,
            "n_observations": fit.n_observations,
            "method": fit.method,
        }
        for name, network, fit in fitted
        if fit is not None
    ]
    return pd.DataFrame(rows, columns=list(MODELS.names)).drop_duplicates(ignore_index=True)


def _covariates_table(named, network: str) -> pd.DataFrame:
    rows = [
        {"analysis": name, "network": network, "covariate": covariate}
        for name, model in named
        for covariate in model.covariates
    ]
    return pd.DataFrame(rows, columns=list(COVARIATES.names)).drop_duplicates(ignore_index=True)


def _estimand(design: TrialDesign, contrasts: pd.DataFrame) -> dict:
    primary = contrasts[contrasts["primary"]].iloc[0]
    return {
        "id": primary["estimand_id"],
        "arm": primary["arm"],
        "versus": primary["versus"],
        "visit": primary["visit"],
        "outcome": primary["outcome"],
        "missing_data": missing_data_words(),
        **design.options.estimand.model_dump(mode="json"),
    }
