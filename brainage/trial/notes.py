"""What a comparison says about itself: plan, estimand, fall-backs, counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brainage.trial.analyses.record import AnalysisInputs, AnalysisResult
from brainage.trial.analyses.running import Run, grouped_notes, run_notes
from brainage.trial.design.motion import scanner_notes
from brainage.trial.design.timing import timing_notes
from brainage.trial.options import TREATMENT_POLICY, TrialOptions
from brainage.trial.plan.families import NetworkResult
from brainage.trial.plan.plan import AFTERWARDS, OTHER_SCORES, Plan
from brainage.trial.results.result import BY_COMPARISON, TrialResult


def all_notes(
    result: TrialResult,
    inputs: AnalysisInputs,
    networks: Sequence[NetworkResult],
    runs: Iterable[Run],
    *,
    plan: Plan | None,
    of_adjustment: Iterable[str],
) -> tuple[str, ...]:
    """Return everything that a comparison says about itself, each once, what matters most first.

    Parameters
    ----------
    result : TrialResult
        As it stands, without notes.
    inputs : AnalysisInputs
        Of the first network.
    networks : sequence of NetworkResult
        The headline of each network.
    runs : iterable of Run
        The other analyses.
    plan : Plan or None
        In force.
    of_adjustment : iterable of str
        What was said of the adjustment for several tests.
    """
    options = inputs.design.options
    notes = [
        *result.read_first,
        *inputs.data.notes,
        *plan_notes(plan, options, result),
        *estimand_notes(options),
        *of_adjustment,
        *fit_notes((each.labels.network, each.model) for each in networks),
        *count_notes(result),
        *timing_notes(result.timing),
        *scanner_notes(inputs.changes, inputs.design),
        *run_notes(runs),
    ]
    return tuple(dict.fromkeys(notes))


def plan_notes(plan: Plan | None, options: TrialOptions, result: TrialResult) -> list[str]:
    """Say what was not as planned, and which rows are post hoc.

    Parameters
    ----------
    plan : Plan or None
        In force.
    options : TrialOptions
        As used.
    result : TrialResult
        Whose rows are marked.

    Returns
    -------
    notes : list of str
    """
    if plan is None:
        return ["no plan was written before the allocation was read: every result is post hoc"]
    notes = []
    if plan.written == AFTERWARDS:
        notes.append("the plan was written after arms had been compared: every result is post hoc")
    if plan.written == OTHER_SCORES:
        notes.append(
            "not as planned: the choices behind the scores (atlas, cleaning, exclusion, "
            "connectivity, clock or seed) are not those of the plan: every result is post "
            "hoc"
        )
    if plan.written == BY_COMPARISON:
        notes.append(
            "the plan was written by the comparison itself, moments before it read the "
            "allocation: nobody else can tell that it came first. `brainage compare "
            "--plan` writes one to register beforehand"
        )
    notes += [f"not as planned: {each}" for each in plan.differences(options)]
    tables = (
        ("contrast", result.contrasts, "method"),
        ("change within an arm", result.deltas, "method"),
        ("sensitivity", result.sensitivity, "analysis"),
    )
    for kind, table, column in tables:
        unplanned = table[~table["prespecified"]]
        if len(unplanned):
            names = ", ".join(dict.fromkeys(unplanned[column]))
            notes.append(
                f"post hoc: {len(unplanned)} {kind} row(s) that the plan does not name, "
                f"or adjusts otherwise ({names})"
            )
    for name, table in result.tables.items():
        if "prespecified" not in table:
            continue
        unplanned = int((~table["prespecified"]).sum())
        if unplanned:
            title = result.table_records[name].title
            notes.append(f"post hoc: {unplanned} row(s) of {title} that the plan does not name")
    return notes


def estimand_notes(options: TrialOptions) -> list[str]:
    """Say which intercurrent events have a strategy that the analyses do not carry out."""
    other = [
        f"{event}: {strategy}"
        for event, strategy in options.estimand.intercurrent_events.items()
        if strategy != TREATMENT_POLICY
    ]
    if not other:
        return []
    return [
        "the estimand handles some intercurrent events by other than treatment policy ("
        + "; ".join(other)
        + "); the analyses take every scored scan as it is, so this holds "
        "only if the scans after those events are not among the scores"
    ]


def fit_notes(fitted: Iterable[tuple[str, AnalysisResult]]) -> list[str]:
    """Say which covariance was fallen back on and what else the models say, network by network."""
    pairs = []
    for network, model in fitted:
        fit = model.fit
        if fit is not None and fit.fell_back_because:
            why = "; ".join(fit.fell_back_because)
            pairs.append((network, f"covariance fell back to {fit.covariance_name} ({why})"))
        pairs += [(network, note) for note in model.notes]
    return grouped_notes(pairs)


def count_notes(result: TrialResult) -> list[str]:
    """Say how many people each form of the repeated-measures model keeps."""
    counts = result.models.groupby("analysis", sort=False)["n_participants"].first()
    constrained = counts.get("constrained longitudinal form")
    change = counts.get("mmrm")
    if constrained is None or change is None:
        return []
    return [
        f"people analysed: {int(change)} in the change form (a follow-up is needed), "
        f"{int(constrained)} in the constrained form (any scan)"
    ]
