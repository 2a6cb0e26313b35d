"""What `lisa_like` gives on simulated adults, beside that group's own released predictions.

    python scripts/check_lisa_like.py [--people 2016] [--seeds 0 1 2] [--repeats 15]

Their released fMRI predictions (2,016 adults of 21 to 95 years) have r = .738, a mean absolute
error of 9.02 years (median predictor 13.3) and a raw gap slope on age of -0.525 a year. The
generator here was not fitted to these figures. Prints a row a seed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.clock import cross_validate_clock, gap_slope
from brainage.config import study_from_mapping
from brainage.connectivity import FeatureTable, View
from brainage.synthetic import SyntheticOptions, make_study


def row_of(people: int, seed: int, repeats: int) -> dict[str, float]:
    """Return accuracy and gap slopes of one simulated cohort."""
    started = time.perf_counter()
    options = SyntheticOptions.model_validate(
        {
            "n_parcels": 90,
            "n_volumes": 200,
            "reference": {"n": people, "age_low_years": 21, "age_high_years": 95},
            "trial": None,
        }
    )
    made = make_study(options, seed=seed).features("reference")
    view = made.views["fisher_z"]
    pearson = View(np.tanh(view.values), replace(view.spec, kind="pearson"))
    features = FeatureTable({"pearson": pearson}, made.rows)
    clock = study_from_mapping({"extends": "lisa_like"}).science.clock
    validation = clock.validation.model_copy(update={"n_repeats": repeats, "n_bootstrap": 0})
    clock = clock.model_copy(update={"validation": validation, "networks": False})
    cv = cross_validate_clock(features, clock, seed=seed)
    mean = cv.mean_predictions()
    age, predicted = (mean[n].to_numpy(float) for n in ("age_years", "predicted_age_years"))
    old = (62.0, 70.0)
    figures = cv.metrics.set_index("metric")["estimate"]
    return {
        "seed": seed,
        "r": float(np.corrcoef(age, predicted)[0, 1]),
        "MAE_years": float(np.mean(np.abs(age - predicted))),
        "MAE_median_years": figures["MAE_median"],
        "raw_gap_slope": gap_slope(age, predicted - age).slope,
        "raw_gap_slope_62_70": gap_slope(age, predicted - age, window_years=old).slope,
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=2016)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    rows = [row_of(arguments.people, seed, arguments.repeats) for seed in arguments.seeds]
    theirs = {
        "seed": "released",
        "r": 0.738,
        "MAE_years": 9.02,
        "MAE_median_years": 13.3,
        "raw_gap_slope": -0.525,
        "raw_gap_slope_62_70": -0.40,
    }
    print(pd.DataFrame([*rows, theirs]).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
