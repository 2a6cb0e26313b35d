"""What a clock file says in words and figures: every fact that scores and card read, checked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.clock.model.bias import GapSlope
from brainage.clock.model.worth import why_it_shows_nothing
from brainage.clock.preparation.stored_harmonizer import calibrations_from_stored
from brainage.clock.stored import (
    ABOVE_ZERO,
    MAX_AGE_YEARS,
    flag,
    number,
    optional_number,
    record,
    text,
    whole,
)
from brainage.errors import ClockFileError
from brainage.tables import LENGTH_CURVE, LOSSES

_FACTS = (
    "cohort",
    "estimator",
    "options",
    "chosen",
    "metrics",
    "shows_nothing",
    "intervals",
    "versions",
    "gap_slope_out_of_fold",
)
_COHORT = ("n_scans", "n_people", "age_range_years", "median_age_years", "sexes", "sites")
_METRIC = ("validation", "metric", "estimate", "low", "high", "shows_nothing")
#: What a figure of each metric can be at most and at least.
_BOUNDS = {
    "MAE": (0.0, np.inf),
    "RMSE": (0.0, np.inf),
    "MAE_median": (0.0, np.inf),
    "r": (-1.0, 1.0),
    "R2": (-np.inf, 1.0),
    "skill": (-np.inf, 1.0),
}
_ROUNDING = 1e-9
#: Of a length curve: far more than any that is made.
_MOST_PARTS = 1000
_MEASURE = ("measure", "estimate", "low", "high", "n", "note")
#: Of an efficiency: far more rows than any that is made.
_MOST_MEASURES = 200


def checked_facts(facts: object) -> dict:
    """Return a clock's facts.

    Facts that nothing here reads are kept as they are: they change no score.

    Raises
    ------
    ClockFileError
        One that is absent or cannot be true: a reversed age range, a correlation of 3, sites
        whose scans are not the cohort's, an accuracy that shows nothing and is not called so.
    """
    if not isinstance(facts, dict) or not set(_FACTS) <= set(facts):
        raise ClockFileError(f"facts: expected {list(_FACTS)}, found {facts!r:.200}")
    _check_cohort(facts["cohort"])
    for name in ("estimator", "intervals", "shows_nothing"):
        text(facts[name], f"facts {name}")
    for name in ("study", "cleaning", "source", "length_curve_not_known"):
        text(facts.get(name, ""), f"facts {name}")
    for name in ("options", "versions"):
        if not isinstance(facts[name], dict):
            raise ClockFileError(f"facts {name}: expected an object, found {facts[name]!r:.80}")
    for when, slope in record(
        facts["gap_slope_out_of_fold"], "gap slope out of fold", ("before", "after")
    ).items():
        GapSlope.from_dict(slope, f"gap slope out of fold, {when}")
    calibrations_from_stored(facts.get("calibrations", []))
    _check_metrics(facts["metrics"], facts["shows_nothing"])
    if facts.get("length_curve") is not None:
        _check_length_curve(facts["length_curve"])
    _check_efficiency(facts.get("efficiency", []))
    return facts


def _check_length_curve(curve: object) -> None:
    names = ("cut", "mean_age_years", "sd_age_years", "retained_s", "rows")
    curve = record(curve, "length curve", names)
    text(curve["cut"], "length curve, cut")
    number(curve["mean_age_years"], "length curve, mean age", low=0, high=MAX_AGE_YEARS)
    number(curve["sd_age_years"], "length curve, SD of age", low=0, high=MAX_AGE_YEARS)
    optional_number(curve["retained_s"], "length curve, seconds")
    if not isinstance(curve["rows"], list) or len(curve["rows"]) > _MOST_PARTS:
        raise ClockFileError(f"length curve: expected a list, found {curve['rows']!r:.80}")
    seen = set()
    for row in curve["rows"]:
        record(row, "length curve", LENGTH_CURVE.names)
        loss = text(row["loss"], "length curve, loss", among=LOSSES)
        share = number(row["share_kept"], "length curve, share", low=ABOVE_ZERO, high=1)
        whole(row["n"], "length curve, n")
        for name in LENGTH_CURVE.names[3:]:
            optional_number(row[name], f"length curve, {name}")
        seen.add((loss, share))
    if len(seen) < len(curve["rows"]):
        raise ClockFileError("length curve: expected each share once of each loss")


def _check_efficiency(rows: object) -> None:
    """Refuse an efficiency that is no table of figures; an absent one was not measured."""
    if not isinstance(rows, list) or len(rows) > _MOST_MEASURES:
        raise ClockFileError(f"efficiency: expected a list of rows, found {rows!r:.80}")
    seen = set()
    for row in rows:
        record(row, "efficiency", _MEASURE)
        seen.add(text(row["measure"], "efficiency measure"))
        low, _, high = (optional_number(row[key], key) for key in ("low", "estimate", "high"))
        whole(row["n"], "efficiency n")
        if row["note"] is not None:
            text(row["note"], "efficiency note")
        if low > high:
            raise ClockFileError(
                f"efficiency {row['measure']!r:.80}: expected its interval's lower end first"
            )
    if len(seen) < len(rows):
        raise ClockFileError("efficiency: expected each measure once")


def _check_cohort(cohort: object) -> None:
    cohort = record(cohort, "cohort", _COHORT)
    n_scans = whole(cohort["n_scans"], "cohort n_scans", low=1)
    whole(cohort["n_people"], "cohort n_people", low=1, high=n_scans)
    ages = cohort["age_range_years"]
    if not isinstance(ages, list) or len(ages) != 2:
        raise ClockFileError(f"age range: expected two ages, found {ages!r:.80}")
    low, high = (number(age, "age range", low=0, high=MAX_AGE_YEARS) for age in ages)
    if low >= high:
        raise ClockFileError(f"age range: expected the youngest first, found {low:g} and {high:g}")
    number(cohort["median_age_years"], "median age", low=low, high=high)
    for name in ("sexes", "sites"):
        if not isinstance(cohort[name], dict):
            raise ClockFileError(f"cohort {name}: expected counts, found {cohort[name]!r:.80}")
        for label, count in cohort[name].items():
            whole(count, f"cohort {name} {label!r:.40}", high=n_scans)
    if sum(cohort["sites"].values()) != n_scans:
        raise ClockFileError(f"cohort sites: expected {n_scans} scans in all, found others")


def _check_metrics(metrics: object, said: str) -> None:
    if not isinstance(metrics, list) or not metrics:
        raise ClockFileError(f"metrics: expected a list, found {metrics!r:.80}")
    for one in metrics:
        record(one, "metrics", _METRIC)
        text(one["validation"], "metrics validation")
        name = text(one["metric"], "metric", among=_BOUNDS)
        flag(one["shows_nothing"], "metrics shows_nothing")
        least, most = _BOUNDS[name]
        values = [optional_number(one[key], f"{name} {key}") for key in ("low", "estimate", "high")]
        for value in values:
            if value < least - _ROUNDING or value > most + _ROUNDING:
                raise ClockFileError(f"{name}: expected {least:g} to {most:g}, found {value:g}")
        if values[0] > values[2]:
            raise ClockFileError(f"{name}: expected its interval's lower end first")
    table = pd.DataFrame(metrics).astype({"estimate": float, "low": float})
    first = table[table["validation"] == table["validation"].iloc[0]]
    if sorted(first["metric"]) != sorted(_BOUNDS):
        raise ClockFileError(f"metrics: expected {sorted(_BOUNDS)}, each once, of each validation")
    if why_it_shows_nothing(first) != said:
        raise ClockFileError(
            f"shows_nothing: its metrics say {why_it_shows_nothing(first)!r}, found {said!r:.80}"
        )
