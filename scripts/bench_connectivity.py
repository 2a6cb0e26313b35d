#!/usr/bin/env python3
"""Time the connectivity room: features from files.

    python scripts/bench_connectivity.py [--scans 3360] [--parcels 300] [--n-jobs 2]

`build_features(kinds=["fisher_z"])` from *_timeseries.tsv files, reading included; the files are
made in a temporary folder first (timed apart), 100 volumes each. Tangent space inside
cross-validation is timed by `bench_clock.py --part tangent`.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.connectivity import build_features
from brainage.series import ParcelSeries, ScanQuality, find_series, write_series


def synthetic_signals(number: int, n_parcels: int, n_volumes: int, age: float) -> np.ndarray:
    """Signals whose correlation drifts with age along one direction."""
    rng = np.random.default_rng(number)
    loadings = np.random.default_rng(0).standard_normal((2, n_parcels))
    strength = 0.5 + 0.005 * age
    factors = rng.standard_normal((n_volumes, 2)) * [1.0, strength]
    return factors @ loadings + rng.standard_normal((n_volumes, n_parcels))


def bench_features(n_scans: int, n_parcels: int, n_jobs: int) -> None:
    """Time features from files."""
    ages = np.random.default_rng(1).uniform(18, 90, n_scans)
    people = pd.DataFrame(
        {
            "participant_id": [f"{i:05d}" for i in range(n_scans)],
            "session_id": "n/a",
            "age_years": ages,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        for i in range(n_scans):
            values = synthetic_signals(i, n_parcels, 100, ages[i])
            write_series(
                ParcelSeries(
                    f"{i:05d}",
                    "n/a",
                    "n/a",
                    "rest",
                    values,
                    tuple(map(str, range(n_parcels))),
                    (None,) * n_parcels,
                    np.arange(100),
                    2.0,
                    "bench",
                    "bench",
                    ScanQuality(None, 100, 100, 200.0, None),
                ),
                Path(folder, "series"),
            )
        print(f"wrote {n_scans} series: {time.perf_counter() - start:.1f} s")
        start = time.perf_counter()
        build_features(
            find_series(Path(folder, "series")),
            people,
            n_jobs=n_jobs,
            folder=Path(folder, "features"),
        )
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"fisher_z of {n_scans} scans x {n_parcels} parcels from TSV, n_jobs={n_jobs}: "
        f"{seconds:.1f} s ({1000 * seconds / n_scans:.1f} ms a scan), peak {peak:.2f} GB"
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=3360)
    parser.add_argument("--parcels", type=int, default=300)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    bench_features(args.scans, args.parcels, args.n_jobs)


if __name__ == "__main__":
    main()
