#!/usr/bin/env python3
"""CPU time of cross-validating with half scans as training rows, beside whole scans alone.

    python scripts/bench_half_scans.py [--scans 600] [--features 10000]

The features of the halves are made up here, and not timed: at their real cost they are two scans
of half the length each. One ridge, 10 folds; process time, so other work does not count. Up to
1,333 scans (4,000 rows) people are left out exactly; beyond, rows are fitted in passes over the
features.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.connectivity import FeatureTable, HalfFeatures, View, ViewSpec


def made_up(n_scans: int, n_features: int) -> FeatureTable:
    """Return random features of people with their halves."""
    rng = np.random.default_rng(0)
    parcels = int(np.ceil((1 + np.sqrt(1 + 8 * n_features)) / 2))
    names = tuple(f"P{i}" for i in range(parcels))
    spec = ViewSpec("fisher_z", "none", "upper", names, (None,) * parcels, "made up", "made up")
    age = rng.uniform(20, 80, n_scans)
    whole = rng.standard_normal((n_scans, spec.n_features), dtype=np.float32)
    whole[:, :200] += 0.02 * (age - 50)[:, None].astype(np.float32)
    sides = [whole + rng.standard_normal(whole.shape, dtype=np.float32) for _ in range(2)]
    rows = pd.DataFrame({"participant_id": [f"{i:05d}" for i in range(n_scans)], "age_years": age})
    rows = rows.assign(
        session_id="n/a", sex=None, site=None, scanner=None, family_id=None, mean_fd_mm=0.1
    ).assign(retained_s=400.0)
    table = FeatureTable({"fisher_z": View(whole, spec)}, rows)
    first, second = ({"fisher_z": side} for side in sides)
    return replace(table, halves=HalfFeatures(first, second, table.excluded))


def main() -> None:
    """Print seconds of CPU with and without halves, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=600)
    parser.add_argument("--features", type=int, default=10_000)
    asked = parser.parse_args()
    features = made_up(asked.scans, asked.features)
    seconds = {}
    for rows in ("off", "half_weight"):
        options = ClockOptions(half_scans=rows, validation=ValidationOptions(n_bootstrap=0))
        started = time.process_time()
        cross_validate_clock(features, options)
        seconds[rows] = time.process_time() - started
        print(f"{asked.scans} x {asked.features}, half_scans {rows}: {seconds[rows]:.1f} s of CPU")
    print(f"ratio {seconds['half_weight'] / seconds['off']:.1f}")


if __name__ == "__main__":
    main()
