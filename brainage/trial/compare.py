"""Scores meet the allocation: arm deltas, contrasts, and everything that qualifies them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
from joblib import Parallel, delayed

from brainage.progress import Progress, silent
from brainage.tables import WHOLE_BRAIN, complete_scores
from brainage.trial.analyses.change import WITHIN_ARM, within_arm_changes
from brainage.trial.analyses.named_contrasts import NAMED_CONTRASTS
from brainage.trial.analyses.planned import HEADLINE, analysis, asked_for
from brainage.trial.analyses.record import AnalysisInputs, AnalysisResult, TrialInputs
from brainage.trial.analyses.running import DONE, Run, run_analyses
from brainage.trial.design.flow import check_analysed, participant_flow
from brainage.trial.design.join import (
    TrialData,
    TrialDesign,
    hash_scores,
    join_scores,
    outcome_in_scores,
)
from brainage.trial.design.motion import motion_by_arm
from brainage.trial.design.sets import INTENTION_TO_TREAT, analysis_sets
from brainage.trial.design.timing import timing_table
from brainage.trial.models.formula import formula_in_words, formula_r
from brainage.trial.notes import all_notes
from brainage.trial.plan.families import NetworkResult, adjusted_contrasts, arm_deltas
from brainage.trial.plan.labelling import labelled_table, labels_of
from brainage.trial.plan.plan import Plan
from brainage.trial.plan.plan_words import missing_data_words
from brainage.trial.results.contrasts import NO_PLAN, contrast_table
from brainage.trial.results.result import TrialResult
from brainage.trial.results.schemas import (
    ANALYSES,
    BY_OTHER_MEANS,
    COVARIATES,
    DEPENDENCE,
    MODELS,
    SENSITIVITY,
    SPECIFICATIONS,
)
from brainage.trial.results.tables import TableRecord

#: What each form of the repeated-measures model models, as the analysis data set calls it.
RESPONSE = {"change": "change", "constrained": "gap"}


def compare_arms(
    scores: pd.DataFrame,
    design: TrialDesign,
    *,
    plan: Plan | None = None,
    exclusions: pd.DataFrame | None = None,
    more: TrialInputs | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> TrialResult:
    """Compare the arms of a trial as planned.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`, without arm; several rows a scan, one a network.
        participant_id, session_id, age_years and a predicted age or a gap suffice.
    design : TrialDesign
        Arms, visits, allocation, analyses.
    plan : Plan, optional
        In force; without one every row is post hoc.
    exclusions : DataFrame, optional
        participant_id, session_id, reason: scans without a score, for the flow.
    more : TrialInputs, optional
        Features, outcomes and clocks, for the analyses that need them.
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

    Examples
    --------
    >>> result = examples.result()  # compare_arms(examples.scores(), examples.design())
    >>> contrast = result.primary
    >>> contrast.arm, contrast.versus, contrast.visit, contrast.estimate_years < 0
    ('HRT', 'CON', '1 year', True)
    """
    # Before anything here looks at an arm.
    scores_hash = hash_scores(scores)
    scores = complete_scores(scores)
    options = outcome_in_scores(design.options, scores.columns)
    design = replace(design, options=options)
    inputs = _inputs_by_network(scores, design, more=more or TrialInputs(), seed=seed)
    data, names = inputs[0].data, [each.network for each in inputs]
    flow, excluded = participant_flow(data, design, exclusions)
    networks = _headlines(inputs, plan, n_jobs=n_jobs, progress=progress)
    first = networks[0]
    if first.model.fit is not None:
        check_analysed(flow, first.model.fit.n_observations, baseline=design.baseline)
    runs = _run_the_others(inputs[0], first.model, progress)
    contrasts, adjust_notes, adjusted = adjusted_contrasts(
        networks, design, plan, secondary=_secondary(runs)["p_value"]
    )
    runs = _with_adjusted(runs, adjusted)
    headline = Run(analysis(first.labels.analysis), HEADLINE[options.style], DONE, first.model)
    within = Run(WITHIN_ARM, WITHIN_ARM.title(options), DONE, AnalysisResult())
    sensitivity = _sensitivity(runs, design, plan, network=names[0])
    own, records = _own_tables([headline, *runs], design, plan)
    scans = data.scans[data.scans["network"] == names[0]]
    result = TrialResult(
        deltas=arm_deltas(networks, design, plan),
        contrasts=contrasts,
        flow=flow,
        exclusions=excluded,
        sensitivity=sensitivity,
        specifications=_specifications(contrasts, sensitivity, [headline, *runs]),
        analyses=_analyses_table([headline, within, *runs], design, plan),
        motion=motion_by_arm(scans, design, outcome=options.outcome),
        timing=timing_table(scans, design.arms, design.visits),
        models=_models_table(networks, runs),
        covariates=_covariates_table([headline, *runs], names[0]),
        notes=(),
        estimand=_estimand(design, contrasts),
        scores_hash=scores_hash,
        plan_hash=plan.hash if plan else NO_PLAN,
        seed=seed,
        plan_written=plan.written if plan else NO_PLAN,
        shows_nothing=_that_show_nothing(inputs[0].more, names),
        tables=own,
        table_records=records,
        files=_files(runs),
    )
    notes = all_notes(result, inputs[0], networks, runs, plan=plan, of_adjustment=adjust_notes)
    return replace(result, notes=notes)


def _inputs_by_network(
    scores: pd.DataFrame, design: TrialDesign, *, more: TrialInputs, seed: int
) -> list[AnalysisInputs]:
    """Join scores to arms and return what analyses are given, network by network."""
    data = join_scores(scores, design, outcome=design.options.outcome)
    sets = analysis_sets(data, design)
    return [
        AnalysisInputs(
            design,
            data,
            scores,
            network=name,
            changes=_changes_of(data, name),
            sets=sets,
            seed=seed,
            more=more,
        )
        for name in _networks(data)
    ]


def _run_the_others(
    inputs: AnalysisInputs, headline: AnalysisResult, progress: Progress
) -> list[Run]:
    """Run what is asked for beside the headline, on everyone randomised."""
    changes = inputs.sets[INTENTION_TO_TREAT].of(inputs.changes)
    asked = asked_for(inputs.design.options)
    return run_analyses(
        [record for record in asked if not _ran_already(record.key, inputs.design)],
        replace(inputs, changes=changes, headline=headline),
        progress=progress,
    )


def _files(runs: list[Run]) -> dict[str, str]:
    return {name: text for each in runs if each.result for name, text in each.result.files.items()}


def _networks(data: TrialData) -> list[str]:
    names = list(dict.fromkeys(data.scans["network"]))
    return sorted(names, key=lambda name: name != WHOLE_BRAIN)


def _that_show_nothing(more: TrialInputs, networks: list[str]) -> dict[str, str]:
    """Return the clocks behind these scores that their training found no better than the median."""
    why = {name: more.clocks.get(name, {}).get("shows_nothing", "") for name in networks}
    return {name: reason for name, reason in why.items() if reason}


def _changes_of(data: TrialData, network: str) -> pd.DataFrame:
    return data.changes[data.changes["network"] == network].reset_index(drop=True)


def _ran_already(key: str, design: TrialDesign) -> bool:
    return analysis(key).beside_headline or key == HEADLINE[design.options.style]


def _headlines(
    inputs: list[AnalysisInputs], plan: Plan | None, *, n_jobs: int, progress: Progress
) -> list[NetworkResult]:
    """Run the headline analysis for every network, the whole brain first."""
    jobs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(_headline)(each, plan) for each in inputs
    )
    found: list[NetworkResult] = []
    for each in jobs:
        found.append(each)
        progress(len(found), len(inputs), f"contrasts of {each.labels.network}")
    return found


def _headline(inputs: AnalysisInputs, plan: Plan | None) -> NetworkResult:
    design, options = inputs.design, inputs.design.options
    record = analysis(HEADLINE[options.style])
    within = within_arm_changes(inputs.changes, design.arms, design.later_visits)
    model = record.run(inputs)
    beside = labels_of(WITHIN_ARM, options, plan, inputs.network)
    return NetworkResult(
        labels_of(record, options, plan, inputs.network),
        model,
        within,
        () if model.deltas else tuple(map(beside.contrast, WITHIN_ARM.run(inputs).deltas)),
    )


def _sensitivity(
    runs: Iterable[Run], design: TrialDesign, plan: Plan | None, *, network: str
) -> pd.DataFrame:
    """Return the same contrasts by other means; not adjusted, no second chance."""
    empty = pd.Series(dtype=object)
    tables = [contrast_table([]).assign(analysis=empty, role=empty)]
    for each in runs:
        if each.result is None:
            continue
        labels = labels_of(each.record, design.options, plan, network)
        rows = [labels.contrast(row) for row in (*each.result.contrasts, *each.result.deltas)]
        if rows:
            role = DEPENDENCE if each.record.after_randomisation else BY_OTHER_MEANS
            tables.append(contrast_table(rows).assign(analysis=each.title, role=role))
    return pd.concat(tables[1:] or tables, ignore_index=True)[list(SENSITIVITY.names)]


def _specifications(
    contrasts: pd.DataFrame, sensitivity: pd.DataFrame, runs: Iterable[Run]
) -> pd.DataFrame:
    """Return the primary contrast by every means, from the lowest estimate to the highest."""
    primary = contrasts[contrasts["primary"]]
    same = sensitivity
    for name in ("network", "arm", "versus", "visit"):
        same = same[same[name] == primary[name].iloc[0]]
    main = "main analysis"
    table = pd.concat([primary.assign(analysis=main, role=main), same], ignore_index=True)
    runs = list(runs)
    keys = {each.title: each.record.key for each in runs} | {main: runs[0].record.key}
    held = {
        each.title: "; ".join(each.result.covariates) or None for each in runs if each.result
    } | {main: "; ".join(runs[0].result.covariates) or None if runs[0].result else None}
    table = table.sort_values("estimate_years", kind="stable", ignore_index=True).assign(
        rank=lambda t: range(1, len(t) + 1),
        key=lambda t: t["analysis"].map(keys),
        model=lambda t: t["method"].str.split(",").str[0],
        covariates=lambda t: t["analysis"].map(held),
    )
    return table[list(SPECIFICATIONS.names)]


def _secondary(runs: Iterable[Run]) -> pd.DataFrame:
    """Return the named contrasts that are adjusted together with those with control."""
    for each in runs:
        table = each.result.tables.get(NAMED_CONTRASTS.name) if each.result else None
        if table is not None:
            return table[table["family"] == "secondary"]
    return pd.DataFrame({"p_value": pd.Series(dtype=float)})


def _with_adjusted(runs: list[Run], adjusted: list[float]) -> list[Run]:
    index = _secondary(runs).index
    if not len(index):
        return runs
    out = []
    for each in runs:
        result = each.result
        if result is not None and NAMED_CONTRASTS.name in result.tables:
            table = result.tables[NAMED_CONTRASTS.name].copy()
            table.loc[index, "p_adjusted"] = adjusted
            tables = {**result.tables, NAMED_CONTRASTS.name: table}
            each = replace(each, result=replace(result, tables=tables))
        out.append(each)
    return out


def _own_tables(
    runs: Iterable[Run], design: TrialDesign, plan: Plan | None
) -> tuple[dict[str, pd.DataFrame], dict[str, TableRecord]]:
    tables: dict[str, pd.DataFrame] = {}
    records: dict[str, TableRecord] = {}
    for each in runs:
        if each.result is None:
            continue
        for name, rows in each.result.tables.items():
            kind = each.record.table(name)
            schema = kind.labelled(each.result.more_columns.get(name, ()))
            labelled = labelled_table(rows, each.record, name, options=design.options, plan=plan)
            tables[name] = labelled[list(schema.names)]
            records[name] = TableRecord(
                each.record.key, each.title, kind.caption, kind.shown, schema
            )
    return tables, records


def _analyses_table(runs: Iterable[Run], design: TrialDesign, plan: Plan | None) -> pd.DataFrame:
    rows = [
        {
            "analysis": each.record.key,
            "title": each.title,
            "words": each.record.words,
            "planned": plan is not None and plan.names_analysis(each.record, design.options),
            "state": each.state,
            "reason": each.reason or None,
            "tables": ", ".join(each.result.tables) or None if each.result else None,
        }
        for each in runs
    ]
    return pd.DataFrame(rows, columns=list(ANALYSES.names))


def _models_table(networks: Iterable[NetworkResult], runs: Iterable[Run]) -> pd.DataFrame:
    networks = list(networks)
    fitted = [(each.labels.analysis, each.labels.network, each.model.fit) for each in networks]
    main = networks[0].labels.network
    fitted += [(each.title, main, each.result.fit) for each in runs if each.result]
    rows = [
        {
            "analysis": name,
            "network": network,
            "covariance": fit.covariance_name,
            "fell_back_because": "; ".join(fit.fell_back_because) or None,
            "n_participants": fit.n_participants,
            "n_observations": fit.n_observations,
            "log_likelihood": fit.log_likelihood,
            "n_covariance_parameters": fit.n_covariance_parameters,
            "aic": fit.aic,
            "formula": formula_in_words(fit, RESPONSE[fit.frame.form]),
            "formula_r": formula_r(fit, RESPONSE[fit.frame.form]),
            "method": fit.method,
        }
        for name, network, fit in fitted
        if fit is not None
    ]
    return pd.DataFrame(rows, columns=list(MODELS.names)).drop_duplicates(ignore_index=True)


def _covariates_table(runs: Iterable[Run], network: str) -> pd.DataFrame:
    rows = [
        {"analysis": each.title, "network": network, "covariate": covariate}
        for each in runs
        if each.result
        for covariate in each.result.covariates
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
        **design.options.estimand_in_words,
    }
