#!/usr/bin/env python3
"""Time the connectivity room: features from files, and tangent space inside cross-validation.

    python scripts/bench_connectivity.py [--scans 3360] [--parcels 300] [--tangent-scans 564]

1. `build_features(kinds=["fisher_z"])` from *_timeseries.tsv files, reading included; the files
   are made in a temporary folder first (timed apart), 100 volumes each.
2. Tangent space in 10-fold cross-validation: nilearn's ConnectivityMeasure, pyRiemann's
   TangentSpace, and our TangentTransformer, followed by the same ridge. The peers run
   `--peer-folds` folds and are scaled to ten; the printed line says so.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.connectome import ConnectivityMeasure
from pyriemann.tangentspace import TangentSpace
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import KFold

from brainage.clock.stacked import fit_ridge_on_gram
from brainage.connectivity import TangentTransformer, build_features, spd
from brainage.connectivity.covariance import estimate_covariance, standardize
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
    people = pd.DataFrame({"participant_id": [f"{i:05d}" for i in range(n_scans)],
                           "session_id": "n/a", "age_years": ages})  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        for i in range(n_scans):
            values = synthetic_signals(i, n_parcels, 100, ages[i])
            write_series(ParcelSeries(
                f"{i:05d}", "n/a", "n/a", "rest", values, tuple(map(str, range(n_parcels))),
                (None,) * n_parcels, np.arange(100), 2.0, "bench", "bench",
                ScanQuality(None, 100, 100, 200.0, None),
            ), Path(folder, "series"))  # fmt: skip
        print(f"wrote {n_scans} series: {time.perf_counter() - start:.1f} s")
        start = time.perf_counter()
        build_features(find_series(Path(folder, "series")), people, n_jobs=n_jobs,
                       folder=Path(folder, "features"))  # fmt: skip
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"fisher_z of {n_scans} scans x {n_parcels} parcels from TSV, n_jobs={n_jobs}: "
        f"{seconds:.1f} s ({1000 * seconds / n_scans:.1f} ms a scan), peak {peak:.2f} GB"
    )


def bench_tangent(n_scans: int, n_parcels: int, peer_folds: int) -> None:
    """Time tangent space within cross-validation against nilearn and pyRiemann."""
    ages = np.random.default_rng(2).uniform(18, 90, n_scans)
    signals = [standardize(synthetic_signals(i, n_parcels, 150, age))
               for i, age in enumerate(ages)]  # fmt: skip
    splits = list(KFold(10, shuffle=True, random_state=0).split(ages))

    def shrunk(scans) -> np.ndarray:
        return np.array([estimate_covariance(s, shrinkage="ledoit_wolf") for s in scans])

    def nilearn_fold(train, test):
        measure = ConnectivityMeasure(kind="tangent", cov_estimator=LedoitWolf(), vectorize=True,
                                      standardize=False)  # fmt: skip
        return (measure.fit_transform([signals[i] for i in train]),
                measure.transform([signals[i] for i in test]))  # fmt: skip

    def pyriemann_fold(train, test):
        space = TangentSpace(metric="riemann", tsupdate=False)
        return space.fit_transform(covariances[train]), space.transform(covariances[test])

    def our_fold(reference):
        def fold(train, test):
            transformer = TangentTransformer(reference).fit(vectors[train])
            return transformer.transform(vectors[train]), transformer.transform(vectors[test])

        return fold

    start = time.perf_counter()
    covariances = shrunk(signals)
    vectors = spd.half_vectorise(covariances)
    once = time.perf_counter() - start
    print(
        f"tangent space, {n_scans} scans x {n_parcels} parcels, {os.cpu_count()} cores; "
        f"covariances once: {once:.1f} s"
    )
    seconds = {}
    for name, fold, n_folds in (
        ("nilearn", nilearn_fold, peer_folds),
        ("pyRiemann", pyriemann_fold, peer_folds),
        ("ours, affine-invariant", our_fold("affine_invariant"), 10),
        ("ours, log-Euclidean (default)", our_fold("log_euclidean"), 10),
    ):
        start, errors = time.perf_counter(), []
        for train, test in splits[:n_folds]:
            own, held_out = fold(train, test)
            mean = own.mean(axis=0)
            ridge = fit_ridge_on_gram((own - mean) @ (own - mean).T, ages[train])
            predicted = (held_out - mean) @ (own - mean).T @ ridge.dual + ridge.intercept
            errors.append(np.abs(predicted - ages[test]).mean())
        seconds[name] = (time.perf_counter() - start) * 10 / n_folds
        scaled = "" if n_folds == 10 else f" ({n_folds} fold(s) run, scaled to 10)"
        print(f"  {name}: {seconds[name]:.1f} s for 10 folds{scaled}, MAE of fold 1 "
              f"{errors[0]:.3f}, nilearn takes {seconds['nilearn'] / seconds[name]:.1f} x",
              flush=True)  # fmt: skip


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=3360)
    parser.add_argument("--parcels", type=int, default=300)
    parser.add_argument("--tangent-scans", type=int, default=564)
    parser.add_argument("--tangent-parcels", type=int, default=264)
    parser.add_argument("--peer-folds", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    bench_features(args.scans, args.parcels, args.n_jobs)
    bench_tangent(args.tangent_scans, args.tangent_parcels, args.peer_folds)


if __name__ == "__main__":
    main()
