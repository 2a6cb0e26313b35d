#!/usr/bin/env python3
"""CPU time and memory of cross-validating with half scans as training rows, beside whole scans.

    python scripts/bench_half_scans.py [--scans 600] [--features 10000]

Features of scans and halves are made up here, on disk, and not timed: at their real cost halves are
two scans of half the length each. Memory is the peak of what no file stands behind (Linux). One
ridge, 10 folds; process time, so other work does not count. Up to 1,333 scans (4,000 rows) people
are left out exactly; beyond, rows are fitted in passes over the features.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.connectivity import FeatureTable, HalfFeatures, View, ViewSpec


def made_up(folder: Path, n_scans: int, n_features: int) -> FeatureTable:
    """Return random features of people with their halves, as memory maps."""
    rng = np.random.default_rng(0)
    parcels = int(np.ceil((1 + np.sqrt(1 + 8 * n_features)) / 2))
    names = tuple(f"P{i}" for i in range(parcels))
    spec = ViewSpec("fisher_z", "none", "upper", names, (None,) * parcels, "made up", "made up")
    age = rng.uniform(20, 80, n_scans)
    shape = (n_scans, spec.n_features)
    whole, *sides = (
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, shape)
        for name in ("whole", "first", "second")
    )
    for rows in blocks(*shape):
        whole[rows] = rng.standard_normal(whole[rows].shape, dtype=np.float32)
        whole[rows, :200] += 0.02 * (age[rows] - 50)[:, None].astype(np.float32)
        for side in sides:
            side[rows] = whole[rows] + rng.standard_normal(whole[rows].shape, dtype=np.float32)
    people = pd.DataFrame({"participant_id": [f"{i:05d}" for i in range(n_scans)]}).assign(
        age_years=age, session_id="n/a", sex=None, site=None, scanner=None, family_id=None
    )
    table = FeatureTable(
        {"fisher_z": View(whole, spec)}, people.assign(mean_fd_mm=0.1, retained_s=400.0)
    )
    first, second = ({"fisher_z": side} for side in sides)
    return replace(table, halves=HalfFeatures(first, second, table.excluded))


class Watch:
    """CPU seconds and the peak of anonymous memory while it is entered."""

    def __enter__(self) -> Watch:
        self.started, self.peak_gb = time.process_time(), 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_s = time.process_time() - self.started
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.peak_gb = max(self.peak_gb, kilobytes / 1e6)


def main() -> None:
    """Print seconds of CPU with and without halves, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=600)
    parser.add_argument("--features", type=int, default=10_000)
    asked = parser.parse_args()
    size = f"{asked.scans} x {asked.features}"
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="brainage-halves-") as folder:
        features = made_up(Path(folder), asked.scans, asked.features)
        for rows in ("off", "half_weight"):
            options = ClockOptions(half_scans=rows, validation=ValidationOptions(n_bootstrap=0))
            with Watch() as watch:
                cross_validate_clock(features, options)
            seconds[rows] = watch.cpu_s
            print(
                f"{size}, half_scans {rows}: {watch.cpu_s:.1f} s of CPU, "
                f"{watch.peak_gb:.2f} GB of anonymous memory",
                flush=True,
            )
    print(f"ratio {seconds['half_weight'] / seconds['off']:.1f}")


if __name__ == "__main__":
    main()
