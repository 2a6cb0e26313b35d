"""How long a ridge in passes over features on disk takes, and how far from the Gram's it is.

    python scripts/bench_ridge_in_passes.py [--scans 4000] [--features 12000] [--compare]

Prints passes, wall time a pass, peak anonymous memory, and with --compare the largest difference
of predictions from the Gram path at the same penalties.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from brainage.clock.options import PENALTIES
from brainage.clock.regressors.contract import PassTraining
from brainage.clock.regressors.grams import gram_of
from brainage.clock.regressors.ridge import RidgeRegressor, fit_ridge_on_gram


def make_features(path: Path, n_scans: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Write features with a spectrum like connectivity's (power law) and an age in them."""
    rng = np.random.default_rng(0)
    n_axes = 200
    scores = rng.normal(size=(n_scans, n_axes)) * np.arange(1, n_axes + 1) ** -0.7
    axes = rng.normal(size=(n_axes, n_features)).astype(np.float32)
    age = 55 + 12 * scores[:, 1:6] @ np.ones(5) + rng.normal(0, 5, n_scans)
    values = np.lib.format.open_memmap(path, "w+", np.float32, (n_scans, n_features))
    for start in range(0, n_scans, 500):
        part = slice(start, min(start + 500, n_scans))
        noise = rng.normal(0, 1, (part.stop - start, n_features)).astype(np.float32)
        values[part] = 0.2 + 0.1 * (scores[part].astype(np.float32) @ axes) + 0.2 * noise
    values.flush()
    return np.load(path, mmap_mode="r"), age


def anonymous_mb() -> float:
    """Return the process's anonymous memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=4000)
    parser.add_argument("--features", type=int, default=12_000)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--compare", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "features.npy")
        values, age = make_features(path, arguments.scans, arguments.features)
        fold = np.arange(len(age)) % arguments.folds
        splits = [
            (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(arguments.folds)
        ]
        peak, ended = [0.0], threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                peak[0] = max(peak[0], anonymous_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        training = PassTraining([values], age, np.arange(len(age)), splits, 5)
        fits = RidgeRegressor(PENALTIES).fit_in_passes(training)
        seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
        errors = [
            np.abs(fit.predicted[test] - age[test])
            for fit, (_, test) in zip(fits, splits, strict=True)
        ]
        print(
            f"{arguments.scans} x {arguments.features}, {arguments.folds} folds: {seconds:.0f} s, "
            f"peak anonymous {peak[0]:.0f} MB, MAE {np.mean(np.concatenate(errors)):.3f} years"
        )
        if arguments.compare:
            gram, worst = gram_of(values), 0.0
            for fit, (train, test) in zip(fits, splits, strict=True):
                own = gram[np.ix_(train, train)]
                unit = (np.trace(own) - own.sum() / len(own)) / len(own)
                penalty = fit.model.chosen["penalty"] / unit
                exact = fit_ridge_on_gram(own, age[train], penalties=[penalty])
                predicted = gram[np.ix_(test, train)] @ exact.dual + exact.intercept
                worst = max(worst, float(np.abs(predicted - fit.predicted[test]).max()))
            print(f"largest difference from the Gram path at equal penalties: {worst:.2e} years")


if __name__ == "__main__":
    main()
