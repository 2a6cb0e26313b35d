#!/usr/bin/env python
"""How hard are the synthetic studies? Trains the default ridge on one and prints what it reaches.

    python scripts/calibrate_synthetic.py [--preset twin] [--seed 1] [--jobs 2] [--reference N]

The twin must land at out-of-fold r 0.6-0.9, raw gap slope on age -0.2 to -0.6 and two-scan ICC of
the age-adjusted gap 0.4-0.8; the demo may be easier. Everything is drawn at feature depth, so the
demo's figures here are those before its images are cleaned, which costs it degrees of freedom.
Exit code 1: a figure of the twin misses its range.
"""

from __future__ import annotations

import argparse
import sys
import time

import pandas as pd

from brainage.clock import ClockOptions, cross_validate_clock, fit_clock, gap_slope
from brainage.synthetic import (
    SyntheticOptions,
    SyntheticStudy,
    clock_scale_truth,
    demo_options,
    make_study,
    twin_options,
)

PRESETS = {"twin": twin_options, "demo": demo_options}
TARGETS = {"r": (0.6, 0.9), "gap slope": (-0.6, -0.2), "ICC": (0.4, 0.8)}


def main() -> int:
    arguments = parse_arguments()
    started = time.perf_counter()
    options = PRESETS[arguments.preset]()
    if arguments.reference:
        reference = options.reference.model_copy(update={"n": arguments.reference})
        options = options.model_copy(update={"reference": reference})
    study = make_study(options, seed=arguments.seed)
    print("\n".join(study.lines))
    figures, scale = calibrate(study, options, arguments.jobs)
    print(f"\n{'figure':<28}{'value':>8}   range")
    misses = 0
    for name, value in figures.items():
        low, high = TARGETS.get(name, (None, None))
        if low is None:
            print(f"{name:<28}{value:>8.2f}")
            continue
        held = low <= value <= high
        misses += not held
        print(f"{name:<28}{value:>8.2f}   {low:g} to {high:g}  {'PASS' if held else 'MISS'}")
    print("\nplanted years and what this clock can see of them (same scans with and without):")
    print(scale.round(2).to_string(index=False))
    print(f"\n{time.perf_counter() - started:.0f} s")
    return int(misses > 0 and arguments.preset == "twin")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", choices=PRESETS, default="twin")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--reference", type=int, help="a smaller reference cohort")
    return parser.parse_args()


def calibrate(
    study: SyntheticStudy, options: SyntheticOptions, n_jobs: int
) -> tuple[dict[str, float], pd.DataFrame]:
    """Return the figures by name, and the clock-scale truth."""
    reference = study.features("reference", n_jobs=n_jobs)
    clock_options = ClockOptions()
    cv = cross_validate_clock(reference, clock_options, n_jobs=n_jobs)
    clock = fit_clock(reference, clock_options, cv=cv, n_jobs=n_jobs)
    out_of_fold = cv.mean_predictions()
    ages = out_of_fold["age_years"].to_numpy()
    gaps = out_of_fold["predicted_age_years"].to_numpy() - ages
    metrics = cv.metrics.set_index("metric")["estimate"]
    with_, without = (
        clock.score(study.features("trial", n_jobs=n_jobs, counterfactual=counterfactual))
        for counterfactual in (False, True)
    )
    sessions = [visit.session_id for visit in options.trial.visits[:2]]
    pairs = without.pivot(
        index="participant_id", columns="session_id", values="gap_corrected_years"
    )[sessions].dropna()
    change = pairs[sessions[1]] - pairs[sessions[0]]
    trial_ages = (options.trial.age_low_years, options.trial.age_high_years)
    figures = {
        "r": float(metrics["r"]),
        "MAE (years)": float(metrics["MAE"]),
        "MAE of the median": float(metrics["MAE_median"]),
        "gap slope": gap_slope(ages, gaps).slope,
        "gap slope at the trial's ages": gap_slope(ages, gaps, window_years=trial_ages).slope,
        "ICC": consistency_icc(pairs),
        "SD of the gap (years)": float(pairs[sessions[0]].std()),
        "SD of its change (years)": float(change.std()),
    }
    return figures, clock_scale_truth(with_, without, study.truth)


def consistency_icc(pairs: pd.DataFrame) -> float:
    """Return ICC(3,1) of two visits: people apart from each other against scans apart."""
    values = pairs.to_numpy()
    between = 2 * values.mean(axis=1).var(ddof=1)
    change = values[:, 1] - values[:, 0]
    within = change.var(ddof=1) / 2
    return float((between - within) / (between + within))


if __name__ == "__main__":
    sys.exit(main())
