"""Change in brain age with change in measured outcomes, arm by arm and pooled: one table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.association import (
    FEWEST_PAIRS,
    Correlation,
    SlopesByArm,
    partial_correlation,
    pearson,
    repeated_measures_correlation,
    slopes_by_arm,
    spearman,
)
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.analyses.repeated_measures import (
    COVARIATE_SETTINGS,
    baseline_covariates,
    model_data,
)
from brainage.trial.analyses.robust_lines import covariate_columns, fit_robust_line
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.results.tables import ResultTable

ALL_ARMS = "all arms"
ALL_VISITS = "all visits"
_NOT_AN_EFFECT = "association of two changes after randomisation, not an effect of one on the other"
_CORRELATION, _YEARS = "correlation", "years per unit of the outcome"

ASSOCIATION = TableSchema(
    "association",
    (
        Column("network", "text", "'whole_brain' or the network of the clock."),
        Column("outcome", "text", "Measured outcome whose change is compared."),
        Column("arm", "text", "Arm, or 'all arms'."),
        Column("visit", "text", "Change from baseline to this visit; 'all visits'."),
        Column("measure", "text", "Which association."),
        Column("estimate", "number", "In `unit`.", nullable=True),
        Column("ci_low", "number", "Lower end of the 95 % interval.", nullable=True),
        Column("ci_high", "number", "Upper end of the 95 % interval.", nullable=True),
        Column("unit", "text", "correlation; years per unit of the outcome; F."),
        Column("statistic", "number", "t, or F of a joint test.", nullable=True),
        Column("numerator_df", "number", "Of a joint test.", nullable=True),
        Column("df", "number", "Degrees of freedom.", nullable=True),
        Column("p_value", "number", "Two-sided.", nullable=True, low=0, high=1),
        Column("n", "integer", "Participants (all visits: scans) with both."),
        Column("n_without_outcome", "integer", "Participants with the scans and no outcome."),
        Column("reads", "text", "What it is, or why it was not run."),
    ),
)


def association_table(inputs: AnalysisInputs) -> pd.DataFrame:
    """Return the associations of every outcome that the design names.

    Parameters
    ----------
    inputs : AnalysisInputs
        With outcomes.

    Returns
    -------
    table : DataFrame
        Schema `ASSOCIATION`; what cannot be run is a row that says why.
    """
    options, outcomes = inputs.design.options.association, inputs.more.outcomes
    if options is None or outcomes is None:
        raise DesignError(
            "change with change: expected outcomes in science.trial.association and a table of "
            "them (paths.outcomes)."
        )
    rows: list[dict] = []
    for outcome in options.outcomes:
        for visit in inputs.design.later_visits:
            pairs, lost = _pairs(inputs, outcomes, outcome, visit)
            own = _visit_rows(pairs, inputs.design)
            rows += [row | _of(outcome, visit) | {"n_without_outcome": lost} for row in own]
        own = _repeated_rows(inputs, outcomes, outcome)
        rows += [row | _of(outcome, ALL_VISITS) | {"n_without_outcome": 0} for row in own]
    table = pd.DataFrame(rows).assign(network=inputs.network)
    return table[list(ASSOCIATION.names)]


def _of(outcome: str, visit: str) -> dict[str, str]:
    return {"outcome": outcome, "visit": visit}


def _pairs(
    inputs: AnalysisInputs, outcomes: pd.DataFrame, outcome: str, visit: str
) -> tuple[pd.DataFrame, int]:
    """Return the people with both changes at a visit, and how many lack the outcome's."""
    design = inputs.design
    sessions = {each.label: each.session_id for each in design.visits}
    keyed = outcomes.set_index(["participant_id", "session_id"])[outcome]
    here = model_data(inputs.changes[inputs.changes["visit"] == visit], design)
    values = {
        name: keyed.reindex(
            pd.MultiIndex.from_product([here["participant_id"], [sessions[label]]])
        ).to_numpy(dtype=float)
        for name, label in (("first_outcome", design.baseline), ("last_outcome", visit))
    }
    pairs = here.assign(**values)
    pairs = pairs.assign(outcome_change=pairs["last_outcome"] - pairs["first_outcome"])
    known = pairs["outcome_change"].notna()
    names = list(baseline_covariates(pairs, design))
    complete = known & pairs[names].notna().all(axis=1)
    return pairs[complete], int((~known).sum())


def _visit_rows(pairs: pd.DataFrame, design: TrialDesign) -> list[dict]:
    rows = []
    for arm in design.arms:
        rows += _correlations(pairs[pairs["arm"] == arm], arm, ("baseline_gap", "first_outcome"))
    others = [name for name in baseline_covariates(pairs, design) if name != "baseline_gap"]
    held = ("arm", "baseline_gap", "first_outcome", *others)
    rows += _correlations(pairs, ALL_ARMS, held)
    rows.append(_attempt(lambda: _slope(pairs, held), ALL_ARMS, "slope, arm and baselines held"))
    baselines = ("baseline_gap", "first_outcome", *others)
    try:
        found = slopes_by_arm(
            pairs, arms=design.arms, outcome_change="outcome_change", covariates=baselines
        )
    except DesignError as error:
        return [*rows, _row(ALL_ARMS, "arm x outcome", "F") | _failed(error, len(pairs))]
    return [*rows, *_interaction_rows(found, pairs, design)]


def _correlations(own: pd.DataFrame, arm: str, held: tuple[str, ...]) -> list[dict]:
    first, second = (own[name].to_numpy(dtype=float) for name in ("outcome_change", "change"))
    words = "arm and baselines" if "arm" in held else "both baselines"
    measures: list[tuple[str, Callable[[], Correlation]]] = [
        ("Pearson r", lambda: pearson(first, second)),
        ("Spearman rho", lambda: spearman(first, second)),
        (f"partial r, {words} held", lambda: _partial(own, held)),
    ]
    return [_attempt(measure, arm, name) for name, measure in measures]


def _partial(own: pd.DataFrame, held: tuple[str, ...]) -> Correlation:
    first, second = (own[name].to_numpy(dtype=float) for name in ("outcome_change", "change"))
    given = covariate_columns(own, held, np.ones((len(own), 1)))
    # Arms differ in spread: one that is noisier in both changes would fake an association.
    return partial_correlation(first, second, given, robust="arm" in held)


def _slope(pairs: pd.DataFrame, held: tuple[str, ...]) -> Estimate:
    if len(pairs) < FEWEST_PAIRS:
        raise DesignError(
            f"slope of change on change: expected {FEWEST_PAIRS} pairs or more, found {len(pairs)}."
        )
    moved = pairs["outcome_change"].to_numpy(dtype=float)
    given = np.column_stack([np.ones(len(pairs)), moved - moved.mean()])
    design = np.column_stack([given, covariate_columns(pairs, held, given)])
    response = pairs["change"].to_numpy(dtype=float)
    return fit_robust_line(design, response, what="slope of change on change").coefficient(1)


def _attempt(measure: Callable[[], Correlation | Estimate], arm: str, name: str) -> dict:
    """Return a measure's row, or the same row with the reason why there is none."""
    try:
        found = measure()
    except DesignError as error:
        unit = _YEARS if name.startswith("slope") else _CORRELATION
        return _row(arm, name, unit) | _failed(error, 0)
    if isinstance(found, Correlation):
        return _row(arm, name, _CORRELATION) | _tested(found, found.r) | {"n": found.n}
    return _row(arm, name, _YEARS) | _tested(found, found.estimate) | {"n": int(found.df)}


def _interaction_rows(found: SlopesByArm, pairs: pd.DataFrame, design: TrialDesign) -> list[dict]:
    n_of = pairs["arm"].value_counts()
    rows = [
        _row(arm, "slope, baselines held", _YEARS)
        | _tested(slope, slope.estimate)
        | {"n": int(n_of[arm])}
        for arm, slope in found.slopes.items()
    ]
    rows += [
        _row(arm, f"slope minus that of {design.control_arm}", _YEARS)
        | _tested(slope, slope.estimate)
        | {"n": int(n_of[arm] + n_of[design.control_arm])}
        for arm, slope in found.differences.items()
    ]
    joint = {
        "statistic": found.statistic,
        "numerator_df": float(found.numerator_df),
        "df": float(found.df),
        "p_value": found.p_value,
        "n": len(pairs),
    }
    return [*rows, _row(ALL_ARMS, "arm x outcome", "F") | joint]


def _repeated_rows(inputs: AnalysisInputs, outcomes: pd.DataFrame, outcome: str) -> list[dict]:
    design = inputs.design
    own = outcomes[["participant_id", "session_id", outcome]].rename(columns={outcome: "_value"})
    sessions = {each.label: each.session_id for each in design.visits}
    scans = inputs.scans.assign(session_id=inputs.scans["visit"].map(sessions))
    scans = scans.merge(own, on=["participant_id", "session_id"])
    scans = scans[scans["_value"].notna()]
    rows = []
    for arm in (*design.arms, ALL_ARMS):
        mine = scans if arm == ALL_ARMS else scans[scans["arm"] == arm]

        def measure(mine: pd.DataFrame = mine) -> Correlation:
            return repeated_measures_correlation(
                mine["_value"].to_numpy(dtype=float),
                mine[design.options.outcome].to_numpy(dtype=float),
                mine["participant_id"].to_numpy(),
            )

        rows.append(_attempt(measure, arm, "repeated-measures r, within people"))
    return rows


def _row(arm: str, measure: str, unit: str) -> dict:
    absent = {column.name: np.nan for column in ASSOCIATION.columns if column.nullable}
    return absent | {"arm": arm, "measure": measure, "unit": unit, "reads": _NOT_AN_EFFECT}


def _failed(error: DesignError, n: int) -> dict:
    return {"n": n, "reads": f"not run: {error}"}


def _tested(found: Correlation | Estimate, value: float) -> dict:
    return {
        "estimate": value,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "statistic": found.statistic,
        "df": found.df,
        "p_value": found.p_value,
    }


def _run(inputs: AnalysisInputs) -> AnalysisResult:
    return AnalysisResult(tables={ASSOCIATION.name: association_table(inputs)})


CHANGE_WITH_CHANGE = Analysis(
    key="association",
    title=lambda _: "change with change",
    words=(
        "change in brain age with change in measured outcomes: correlations within arms and "
        "pooled, arm x outcome, repeated-measures correlation (association, no mediation)"
    ),
    settings=(*COVARIATE_SETTINGS, "association"),
    run=_run,
    tables=(
        ResultTable(
            ASSOCIATION,
            "Change in brain age with change in measured outcomes. Neither was randomised: an "
            "association, not an effect of one on the other.",
        ),
    ),
    needs=lambda options: ("outcomes",),
    asked=lambda options: options.association is not None,
)
