#!/usr/bin/env python3
"""Measure length curves and half scans as training rows on the ABIDE controls.

    python scripts/fetch_abide_controls.py DIR
    python scripts/abide_length.py DIR [--seeds 0 1 ... 9] [--clocks fisher_z stacked]
                                   [--rows off half_weight] [--length-scans 200]

For each clock: as it is, and trained on whole scans and halves with the weights (1, 1/2, 1/2) and
(1, 1, 1). Printed are error and r, the within-scan figures of docs/efficiency.md, and the length
curve (parts cut after filtering: the released series are band-passed), each the mean over seeds,
with the largest |shift| and |slope on age x SD of age| from one half upward. After every seed the
tables so far are printed, and written where --out says.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import (
    LENGTH_CUTS,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    measure_efficiency,
    measure_length_curve,
    predict_halves,
    scans_for_curve,
)
from brainage.connectivity import (
    FeatureTable,
    HalfFeatures,
    PartFeatures,
    build_features,
    build_half_features,
    build_part_features,
)
from brainage.series import find_series, read_series
from brainage.tables import LengthCurve, read_people

DIRECTIONS = ("log_correlation_direction", "log_correlation_direction_80")
OURS = ("log_covariance", "log_correlation", *DIRECTIONS, "lagged", "amplitude")
VALIDATION = ValidationOptions(n_folds=10, n_bootstrap=0)
CLOCKS = {
    "fisher_z": ClockOptions(views=("fisher_z",), validation=VALIDATION),
    "log_correlation": ClockOptions(views=("log_correlation",), validation=VALIDATION),
    "stacked": ClockOptions(
        estimator="stacked", views=OURS, strong_views=DIRECTIONS, validation=VALIDATION
    ),
}
ROWS = ("off", "half_weight", "full_weight")
MEASURES = (
    "within_scan_noise_years",
    "share_pooled",
    "share_within_site",
    "participants_change_state_0",
    "participants_change_state_4",
)


def load(
    folder: Path, views: tuple[str, ...], n_length_scans: int, n_jobs: int
) -> tuple[FeatureTable, PartFeatures]:
    """Build the 457 controls' views with their halves, and the parts of the length curve.

    Parts of all of them in seven views are 9 GB.
    """
    people = read_people(folder / "participants.tsv")
    # Read once: they are cut three times.
    series = [read_series(file) for file in find_series(folder)]
    features = build_features(
        series,
        people,
        kinds=views,
        parcel_presence=0.99,
        incomplete_scans="exclude",
        n_jobs=n_jobs,
    )
    halves: HalfFeatures = build_half_features(series, people, features, views=views, n_jobs=n_jobs)
    print(f"{len(features)} scans; too short to halve: {len(halves.reasons)}", flush=True)
    parts = build_part_features(
        series,
        people,
        features,
        views=views,
        cuts=LENGTH_CUTS,
        scans=scans_for_curve(features, n_length_scans),
        n_jobs=n_jobs,
    )
    print(f"length curve of {len(parts.scans)} scans spread over the ages", flush=True)
    return replace(features, halves=halves), parts


def measure(
    features: FeatureTable, parts: PartFeatures, options: ClockOptions, seed: int
) -> tuple[dict[str, float], LengthCurve]:
    """Return the figures of one clock on one draw of folds, and its length curve."""
    cv = cross_validate_clock(features, options, seed=seed)
    halves = predict_halves(features, features.halves, options, cv)
    asked = measure_efficiency(halves, n_bootstrap=0).set_index("measure")["estimate"]
    found = cv.metrics.set_index("metric")["estimate"]
    figures = {"MAE": found["MAE"], "r": found["r"]}
    figures |= {name: float(asked[name]) for name in MEASURES}
    return figures, measure_length_curve(features, parts, options, cv)


def show(figures: pd.DataFrame, curves: pd.DataFrame, sd_age: float, out: Path | None) -> None:
    """Print the means over seeds; write them as TSV where a folder is given."""
    keys = ["clock", "half_scans"]
    means = figures.groupby(keys, sort=False).mean(numeric_only=True).drop(columns="seed")
    curve = curves.groupby([*keys, "loss", "share_kept"], sort=False)[
        ["shift_years", "slope_on_age"]
    ].mean()
    curve["slope_x_sd_years"] = curve["slope_on_age"] * sd_age
    from_half = curve[curve.index.get_level_values("share_kept") >= 0.5]
    worst = from_half[["shift_years", "slope_x_sd_years"]].abs().groupby(keys, sort=False).max()
    means = means.join(worst.add_suffix(", worst from 1/2"))
    n_seeds = figures["seed"].nunique()
    print(f"\nmeans over {n_seeds} seed(s); SD of age {sd_age:.2f} years")
    print(means.round(3).T.to_string())
    print(curve["shift_years"].unstack("share_kept").round(2).to_string())
    print(curve["slope_x_sd_years"].unstack("share_kept").round(2).to_string(), flush=True)
    if out is not None:
        means.round(4).to_csv(out / "half_scans.tsv", sep="\t")
        curve.round(4).to_csv(out / "length_curves.tsv", sep="\t")


def main() -> None:
    """Measure every clock on every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--clocks", nargs="+", choices=CLOCKS, default=list(CLOCKS))
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--length-scans", type=int, default=457)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    views = tuple(dict.fromkeys(v for name in asked.clocks for v in CLOCKS[name].views))
    features, parts = load(asked.folder, views, asked.length_scans, asked.jobs)
    figures, curves = [], []
    for seed in asked.seeds:
        for name in asked.clocks:
            for rows in asked.rows:
                options = CLOCKS[name].model_copy(update={"half_scans": rows})
                own, curve = measure(features, parts, options, seed)
                labels = {"clock": name, "half_scans": rows, "seed": seed}
                figures.append(labels | own)
                curves.append(curve.rows.assign(**labels))
        show(pd.DataFrame(figures), pd.concat(curves), float(np.std(features.ages)), asked.out)


if __name__ == "__main__":
    main()
