"""How long ridges and stacks in passes over features on disk take, and how far from the Gram's.

    python scripts/bench_ridge_in_passes.py --scans 40000 --features 44850
    python scripts/bench_ridge_in_passes.py --scans 40000 --features 44850 --views 5
    python scripts/bench_ridge_in_passes.py --scans 4000 --features 12000 --compare

Features are made on disk (7.2 GB a view of 40,000 x 44,850) and removed afterwards. Prints every
pass as it ends, then passes, wall and CPU seconds of the whole, and the peak of anonymous memory;
with --compare the largest difference of predictions from the Gram path at the same penalties. Folds
and the model of everyone are fitted together, as `brainage train` does; a stack (--views) compares
three age scales, as `recommended` does. --passes N ends after so many passes.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from brainage.clock.options import PENALTIES
from brainage.clock.regressors import iterative
from brainage.clock.regressors.contract import PassFit, PassTraining
from brainage.clock.regressors.grams import gram_of
from brainage.clock.regressors.ridge import RidgeRegressor, fit_ridge_on_gram
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.clock.regressors.stacked import StackedRegressor


def make_features(path: Path, n_scans: int, n_features: int, seed: int) -> np.ndarray:
    """Write features with a spectrum like connectivity's (power law) and an age in them."""
    rng = np.random.default_rng(seed)
    n_axes = 200
    scores = scores_of(n_scans)
    axes = rng.normal(size=(n_axes, n_features)).astype(np.float32)
    noise = rng.standard_normal((500, n_features), np.float32)
    values = np.lib.format.open_memmap(path, "w+", np.float32, (n_scans, n_features))
    for start in range(0, n_scans, 500):
        part = slice(start, min(start + 500, n_scans))
        # Drawn once and turned: as good as new for a solver, and most of the time of making it.
        turned = np.roll(noise[: part.stop - start], 61 * start, axis=1)
        values[part] = 0.2 + 0.1 * (scores[part].astype(np.float32) @ axes) + 0.2 * turned
    values.flush()
    return np.load(path, mmap_mode="r")


def scores_of(n_scans: int) -> np.ndarray:
    """Return what people differ in, shared by all views."""
    return np.random.default_rng(0).normal(size=(n_scans, 200)) * np.arange(1, 201) ** -0.7


def ages_of(n_scans: int) -> np.ndarray:
    """Return ages that five of those differences and noise make up, years."""
    noise = np.random.default_rng(1).normal(0, 5, n_scans)
    return np.clip(55 + 12 * scores_of(n_scans)[:, 1:6] @ np.ones(5) + noise, 5, None)


def anonymous_mb() -> float:
    """Return the process's anonymous memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


class EnoughError(Exception):
    """As many passes as were asked for."""


class Watch:
    """Counts and times passes, and looks at memory while they run."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.passes: list[tuple[int, float, float]] = []
        self.peak_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        self._own, iterative._one_pass = iterative._one_pass, self._timed(iterative._one_pass)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        iterative._one_pass = self._own

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self.peak_mb = max(self.peak_mb, anonymous_mb())

    def _timed(self, one_pass: Callable) -> Callable:
        def timed(values: np.ndarray, *rest: np.ndarray) -> tuple:
            wall, cpu = time.perf_counter(), time.process_time()
            result = one_pass(values, *rest)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            columns = result[1].shape[1]
            if len(self.passes) == self.most:
                raise EnoughError
            self.passes.append((columns, wall, cpu))
            print(
                f"pass {len(self.passes)}: {columns} columns, {wall:.1f} s, CPU {cpu:.1f} s",
                flush=True,
            )
            return result

        return timed


def largest_difference(
    values: np.ndarray, ages: np.ndarray, splits: list, fits: list[PassFit]
) -> float:
    """Return the largest difference from ridges by the Gram at equal penalties, years."""
    gram, worst = gram_of(values), 0.0
    for fit, (train, test) in zip(fits, splits, strict=True):
        if not len(test):
            continue
        own = gram[np.ix_(train, train)]
        unit = (np.trace(own) - own.sum() / len(own)) / len(own)
        penalty = fit.model.chosen["penalty"] / unit
        exact = fit_ridge_on_gram(own, ages[train], penalties=[penalty])
        predicted = gram[np.ix_(test, train)] @ exact.dual + exact.intercept
        worst = max(worst, float(np.abs(predicted - fit.predicted[test]).max()))
    return worst


def main() -> None:
    """Make features, fit every fold, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=4000)
    parser.add_argument("--features", type=int, default=12_000)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--stack", action="store_true", help="a stack also of one view")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--folder", help="on a disk with room; default: the system's temporary one")
    parser.add_argument("--passes", type=int, help="end after so many")
    parser.add_argument("--compare", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="brainage-passes-") as folder:
        views = [
            make_features(Path(folder, f"view{i}.npy"), asked.scans, asked.features, seed=i)
            for i in range(asked.views)
        ]
        ages, fold = ages_of(asked.scans), np.arange(asked.scans) % asked.folds
        splits = [
            (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(asked.folds)
        ]
        splits.append((np.arange(asked.scans), np.arange(0)))
        regressor = (
            StackedRegressor() if asked.stack or asked.views > 1 else RidgeRegressor(PENALTIES)
        )
        seen = [SeenFeatures(view) for view in views]
        training = PassTraining(seen, ages, np.arange(len(ages)), splits, 5)
        wall, cpu = time.perf_counter(), time.process_time()
        fits = []
        with Watch(asked.passes) as watch, contextlib.suppress(EnoughError):
            fits = regressor.fit_in_passes(training)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{asked.views} view(s) of {asked.scans} x {asked.features}, {asked.folds} folds: "
            f"{len(watch.passes)} passes beside sums, {wall:.0f} s, CPU {cpu:.0f} s, peak "
            f"anonymous {watch.peak_mb:.0f} MB"
        )
        if not fits:
            return
        errors = [
            np.abs(fit.predicted[test] - ages[test])
            for fit, (_, test) in zip(fits, splits, strict=True)
        ]
        print(f"MAE {np.mean(np.concatenate(errors)):.3f} years")
        if asked.compare:
            worst = largest_difference(views[0], ages, splits, fits)
            print(f"largest difference from the Gram path at equal penalties: {worst:.2e} years")


if __name__ == "__main__":
    main()
