#!/usr/bin/env python3
"""Measure two presets on LEMON end to end: error over seeds, size of the file, time to predict.

    python scripts/lemon_accuracy.py FOLDER_OF_LEMON [--seeds 0 1 ... 9]

The folder holds connectivity.npz, participants.tsv and regions.csv. Each preset is trained by the
train stage (seed 0), its file weighed and one scan scored at a time; then 10-fold errors of other
seeds' folds. Ages are midpoints of five-year bins. Everything is out of fold and uncorrected.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import BrainClock, cross_validate_clock
from brainage.config import StudyConfig, load_study
from brainage.connectivity import FeatureTable
from brainage.stages.train import train


def study_of(preset: str, folder: Path, output: Path) -> StudyConfig:
    """Return the study of LEMON on a preset, on these files."""
    return load_study(
        "lemon",
        overrides=[
            f"extends={preset}",
            f"paths.reference.matrices={folder / 'connectivity.npz'}",
            f"paths.reference.participants={folder / 'participants.tsv'}",
            f"paths.reference.parcels={folder / 'regions.csv'}",
            f"paths.output={output}",
            "science.clock.networks=false",
        ],
    )


def milliseconds_a_scan(clock: BrainClock, features: FeatureTable, n: int = 20) -> float:
    """Return the median CPU time of scoring one scan alone, with its interval and distance."""
    times = []
    for row in range(n):
        one = features.select([row])
        started = time.process_time()
        clock.score(one)
        times.append(1000 * (time.process_time() - started))
    return float(np.median(times))


def row_of(preset: str, folder: Path, seeds: list[int]) -> dict[str, object]:
    """Train a preset and measure it."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch)
        study = study_of(preset, folder, output)
        started = time.perf_counter()
        trained = train(study)
        seconds = time.perf_counter() - started
        features = FeatureTable.load(trained.folder / "features")
        clock = trained.clocks["whole_brain"]
        file = trained.folder / "clocks" / "whole_brain.clock"
        size_mb = file.stat().st_size / 1e6
        each = milliseconds_a_scan(clock, features)
        options = study.science.clock
        plain = options.validation.model_copy(update={"n_bootstrap": 0})
        options = options.model_copy(update={"validation": plain})
        figures = []
        for seed in seeds:
            found = cross_validate_clock(features, options, seed=seed).metrics
            figures.append(found.set_index("metric")["estimate"])
            print(f"{preset}, seed {seed}: MAE {figures[-1]['MAE']:.3f}", flush=True)
        means = pd.DataFrame(figures).mean()
    return {
        "preset": preset,
        "MAE_years": means["MAE"],
        "r": means["r"],
        "MAE_median_years": means["MAE_median"],
        "train_s": seconds,
        "file_MB": size_mb,
        "cpu_ms_a_scan": each,
    }


def main() -> None:
    """Print a row a preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--presets", nargs="+", default=["recommended_matrices", "fisher_z_ridge"])
    asked = parser.parse_args()
    rows = [row_of(preset, asked.folder, asked.seeds) for preset in asked.presets]
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
