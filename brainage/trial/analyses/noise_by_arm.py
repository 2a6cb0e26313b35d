"""How reliable the gaps were in this trial, and who changed beyond noise, network by network."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.clock_facts import ClockFacts
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.noise.individual_change import (
    NOISE_ALONE,
    change_reliability,
    individual_response,
    share_difference,
)
from brainage.trial.noise.repeated_scans import RELIABILITY, reliability_table
from brainage.trial.results.tables import ResultTable

_Z = float(stats.norm.ppf(0.975))
_NO_RETEST = "reliability of change needs scans soon repeated or halves, which the clock lacks"


def _number(name: str, text: str, unit: str | None = "years") -> Column:
    return Column(name, "number", text, unit, nullable=True)


def _share(name: str, text: str) -> Column:
    return Column(name, "number", text, nullable=True, low=-1, high=1)


INDIVIDUAL_CHANGE = TableSchema(
    "individual_change",
    (
        Column("network", "text", "'whole_brain' or the network of the clock."),
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Participants of the arm with both scans."),
        Column("n_control", "integer", "The same of control."),
        _number("mdc95_years", "Minimal detectable change of one person."),
        Column("mdc_from", "text", "Where that noise is from.", nullable=True),
        Column("direction", "text", "'younger' or 'older' by more than that."),
        _share("share_beyond", "Share of the arm's people beyond it: not responders."),
        _share("control_share_beyond", "Share of control's."),
        _share("difference", "Arm minus control."),
        _share("ci_low", "Lower end of Newcombe's 95 % interval."),
        _share("ci_high", "Upper end of it."),
        _share("noise_alone", "Share that noise alone puts there."),
        _number(
            "sd_individual_response_years", "Root of the arms' difference in variance, signed."
        ),
        _number("sd_individual_response_ci_low_years", "Lower end of its 95 % interval."),
        _number("sd_individual_response_ci_high_years", "Upper end of its 95 % interval."),
        _number("reliability_of_change", "Of the arm: variance of change that is no error.", None),
        _number("reliability_ci_low", "Lower end of its 95 % interval.", None),
        _number("reliability_ci_high", "Upper end of its 95 % interval.", None),
        Column("reads", "text", "What is not known, or why it was not run.", nullable=True),
    ),
    key=("network", "arm", "visit", "direction"),
)


def noise_tables(inputs: AnalysisInputs) -> AnalysisResult:
    """Return the reliability of every network's gap in control, and changes beyond noise.

    Parameters
    ----------
    inputs : AnalysisInputs
        Scores with arms.

    Returns
    -------
    result : AnalysisResult
        Tables `RELIABILITY` (control arm, which nobody trained: "stability" where the visits are
        far apart) and `INDIVIDUAL_CHANGE`.
    """
    design = inputs.design
    scans = inputs.data.scans
    control = scans[scans["arm"] == design.control_arm]
    tables: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    try:
        tables[RELIABILITY.name] = reliability_table(
            control,
            outcome=design.options.outcome,
            sessions=(design.baseline, *design.later_visits),
            session_column="visit",
            people=design.control_arm,
            seed=inputs.seed,
        )
    except DesignError as error:
        notes.append(str(error))
    rows = [
        row
        for network, changes in inputs.data.changes.groupby("network", sort=False)
        for row in _rows_of(str(network), changes, inputs)
    ]
    tables[INDIVIDUAL_CHANGE.name] = pd.DataFrame(rows, columns=list(INDIVIDUAL_CHANGE.names))
    return AnalysisResult(tables=tables, notes=tuple(notes))


def _rows_of(network: str, changes: pd.DataFrame, inputs: AnalysisInputs) -> list[dict]:
    design = inputs.design
    facts = ClockFacts.of(inputs.more.clocks.get(network))
    rows = []
    for visit in design.later_visits:
        here = changes[changes["visit"] == visit]
        control = _changes_of(here, design.control_arm)
        for arm in design.active_arms:
            own = _changes_of(here, arm)
            head = {
                "network": network,
                "arm": arm,
                "versus": design.control_arm,
                "visit": visit,
                "n": len(own),
                "n_control": len(control),
            }
            rows += [head | row for row in _both_directions(own, control, facts)]
    return rows


def _changes_of(here: pd.DataFrame, arm: str) -> np.ndarray:
    return here.loc[here["arm"] == arm, "change"].to_numpy(dtype=float)


def _both_directions(own: np.ndarray, control: np.ndarray, facts: ClockFacts) -> list[dict]:
    try:
        spread = individual_response(own, control)
    except DesignError as error:
        reason = {"mdc_from": "n/a", "reads": f"not run: {error}"}
        return [_EMPTY | {"direction": way} | reason for way in ("younger", "older")]
    limit, source = _detectable(spread.sd_change_control_years, facts)
    of_change, words = _of_change(own, facts)
    both = {
        "mdc95_years": limit,
        "mdc_from": source,
        "noise_alone": NOISE_ALONE,
        "sd_individual_response_years": spread.sd_years,
        "sd_individual_response_ci_low_years": spread.ci_low_years,
        "sd_individual_response_ci_high_years": spread.ci_high_years,
        "reads": words,
    } | of_change
    rows = []
    for way, sign in (("younger", -1.0), ("older", 1.0)):
        found = share_difference(sign * own > limit, sign * control > limit)
        rows.append(
            both
            | {
                "direction": way,
                "share_beyond": found.share,
                "control_share_beyond": found.control_share,
                "difference": found.difference,
                "ci_low": found.ci_low,
                "ci_high": found.ci_high,
            }
        )
    return rows


_EMPTY = {column.name: np.nan for column in INDIVIDUAL_CHANGE.columns if column.nullable}


def _detectable(sd_control: float, facts: ClockFacts) -> tuple[float, str]:
    """Return the minimal detectable change and where its noise is from."""
    if np.isfinite(facts.retest_sem_years):
        limit = _Z * float(np.sqrt(2)) * facts.retest_sem_years
        return limit, (
            "scans soon repeated or halves of scans, of the clock's record: real change between "
            "visits is not in it"
        )
    return _Z * sd_control, "SD of change in control: real change over the interval is in it"


def _of_change(own: np.ndarray, facts: ClockFacts) -> tuple[dict, str | None]:
    absent = dict.fromkeys(
        ("reliability_of_change", "reliability_ci_low", "reliability_ci_high"), np.nan
    )
    if not np.isfinite(facts.retest_sem_years):
        return absent, _NO_RETEST
    df = facts.retest_df if np.isfinite(facts.retest_df) else np.inf
    found = change_reliability(own, sem_years=facts.retest_sem_years, sem_df=df)
    return {
        "reliability_of_change": found.reliability,
        "reliability_ci_low": found.ci_low,
        "reliability_ci_high": found.ci_high,
    }, None


INDIVIDUAL_NOISE = Analysis(
    key="individual_change",
    title=lambda _: "noise and individual change",
    words=(
        "reliability of the gap in control over the visits; share of people beyond the minimal "
        "detectable change beside what noise alone gives; spread of individual response"
    ),
    settings=(),
    run=noise_tables,
    tables=(
        ResultTable(
            RELIABILITY,
            "Reliability of the age-corrected gap. Over visits far apart it is stability: real "
            "change between them counts as error.",
            shown="folded",
        ),
        ResultTable(
            INDIVIDUAL_CHANGE,
            "People whose change exceeds the minimal detectable change, arm minus control. They "
            "are not responders: noise alone puts 2.5 % there on each side.",
            shown="folded",
        ),
    ),
)
