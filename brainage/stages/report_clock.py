"""What the page shows of a clock: accuracy, bias, sites, patterns, from its own folder or file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brainage.clock import (
    METRICS,
    NETWORKS,
    PARCELS,
    PREDICTIONS,
    STABILITY,
    AgeBiasCorrector,
    BrainClock,
    gap_slope,
)
from brainage.stages.report_tables import site_table
from brainage.stages.train import EXPLAIN, clocks_that_show_nothing, load_trained
from brainage.tables import WHOLE_BRAIN, read_table


def trained_fields(folder: Path, trial_ages: np.ndarray | None) -> dict[str, Any]:
    """Return what a finished train folder says of its clock, as fields of `StudyResults`.

    Parameters
    ----------
    folder : Path
        ``output/train``.
    trial_ages : ndarray or None
        Ages of the scored scans, for the slope of the gap there.
    """
    clocks = load_trained(folder).clocks
    clock = clocks[WHOLE_BRAIN]
    predictions = read_table(folder / "cross_validation.tsv", PREDICTIONS)
    keys = ["participant_id", "session_id"]
    mean = predictions.groupby(keys, as_index=False).agg(
        age_years=("age_years", "first"),
        predicted_age_years=("predicted_age_years", "mean"),
        median_age_years=("median_age_years", "mean"),
        site=("site", "first"),
    )
    age, predicted = (mean[name].to_numpy(float) for name in ("age_years", "predicted_age_years"))
    gaps = pd.DataFrame(
        {
            "age_years": age,
            "gap_years": predicted - age,
            "gap_corrected_years": clock.bias.corrected_gap(age, predicted),
        }
    )
    return _pattern_fields(folder / EXPLAIN) | {
        "predictions": mean,
        "metrics": read_table(folder / "metrics.tsv", METRICS),
        "gap_slopes": gap_slopes(mean, clock.bias, trial_ages),
        "clock_slopes": _clock_slopes(clocks) if len(clocks) > 1 else None,
        "card": clock.card(),
        **length_fields(clock),
        "reference_gaps": gaps,
        "sites": site_table(mean),
        "shows_nothing": clocks_that_show_nothing(clocks),
    }


def length_fields(clock: BrainClock) -> dict[str, Any]:
    """Return what a clock knows of scan length, as fields of `StudyResults`."""
    curve = clock.length_curve
    if curve is None:
        reason = clock.facts.get("length_curve_not_known") or "never measured"
        return {"length_words": f"not known: {reason}"}
    return {"length_curve": curve.rows, "length_words": curve.cut}


def trust_summary(scores: pd.DataFrame) -> pd.DataFrame | None:
    """Count, by session, the scans that the whole-brain clock must extrapolate for.

    None for scores made elsewhere: nobody knows where their clock extrapolates.
    """
    whole = scores[scores["network"] == WHOLE_BRAIN]
    if "in_age_range" not in whole:
        return None
    whole = whole.assign(outside=~whole["in_age_range"], far=whole["distance_percentile"] > 95)
    return whole.groupby("session_id", as_index=False, sort=False).agg(
        scans=("participant_id", "size"),
        youngest_years=("age_years", "min"),
        oldest_years=("age_years", "max"),
        outside_age_range=("outside", "sum"),
        median_distance_percentile=("distance_percentile", "median"),
        beyond_95th_percentile=("far", "sum"),
    )


def gap_slopes(
    predictions: pd.DataFrame, bias: AgeBiasCorrector, trial_ages: np.ndarray | None
) -> pd.DataFrame:
    """Return the slope of the out-of-fold gap on age, raw and corrected, overall and locally.

    Parameters
    ----------
    predictions : DataFrame
        One row a reference scan, predictions averaged over repeats.
    bias : AgeBiasCorrector
        The clock's frozen correction.
    trial_ages : ndarray or None
        Ages of the scored scans: the local window, because a line over 18-90 need not have the
        slope the trial's people meet.
    """
    age = predictions["age_years"].to_numpy(float)
    predicted = predictions["predicted_age_years"].to_numpy(float)
    people = predictions["participant_id"].to_numpy()
    windows: list[tuple[str, tuple[float, float] | None]] = [("all ages", None)]
    if trial_ages is not None and len(trial_ages):
        low, high = float(np.min(trial_ages)), float(np.max(trial_ages))
        windows.append((f"ages {low:.0f}-{high:.0f}, as in the trial", (low, high)))
    rows = []
    for words, window in windows:
        for name, gap in (
            ("raw", predicted - age),
            ("corrected", bias.corrected_gap(age, predicted)),
        ):
            slope = gap_slope(age, gap, people=people, window_years=window)
            rows.append(
                {
                    "gap": f"{name}, {words}",
                    "slope": slope.slope,
                    "low": slope.low,
                    "high": slope.high,
                    "n": slope.n,
                }
            )
    return pd.DataFrame(rows)


def _clock_slopes(clocks: dict[str, BrainClock]) -> pd.DataFrame:
    rows = []
    for name, clock in clocks.items():
        left_out = clock.facts["gap_slope_out_of_fold"]
        for word, when in (("raw", "before"), ("corrected", "after")):
            numbers = {key: left_out[when][key] for key in ("slope", "low", "high", "n")}
            rows.append({"network": name, "gap": word, **numbers})
    return pd.DataFrame(rows)


def _pattern_fields(folder: Path) -> dict[str, pd.DataFrame]:
    """Read what the clock looks at, strongest first; a kernel clock leaves no such tables."""
    tables = {"parcels": PARCELS, "networks": NETWORKS, "stability": STABILITY}
    fields = {}
    for name, schema in tables.items():
        path = folder / f"patterns_{name}.tsv"
        if path.is_file():
            table = read_table(path, schema)
            if "pattern_absolute" in table:
                table = table.sort_values(
                    "pattern_absolute", ascending=False, kind="stable", ignore_index=True
                )
            fields[f"pattern_{name}"] = table
    return fields
