"""What measuring trial efficiency adds to `train`, in processor seconds.

    python scripts/bench_efficiency.py                    # 2,433 scans of 300 parcels: 44,850 edges
    python scripts/bench_efficiency.py --scans 600 --clock recommended

Series of the LISA twin are written, then the clock is trained on them twice, without and with
`science.evaluation.efficiency`. Processor seconds of this process and its workers, because wall
clock on a shared machine says little; the parts of the addition are timed apart. The exit code is
1 where it adds 40 % or more.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from brainage.clock import cross_validate_clock, measure_efficiency, predict_halves
from brainage.config import StudyConfig, load_study
from brainage.stages.features import cohort_features
from brainage.stages.synthesize import synthesize
from brainage.stages.train import train
from brainage.stages.trial_efficiency import scan_parts

MOST_ADDED = 0.40


def cpu_s() -> float:
    """Return processor seconds of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def study_in(folder: Path, asked: argparse.Namespace, *, efficiency: bool) -> StudyConfig:
    """Return the LISA twin's study with a reference of that size and clock and no trial."""
    sets = {
        "extends": asked.clock,
        "paths.output": str(folder),
        "science.evaluation.efficiency": str(efficiency).lower(),
        "science.clock.networks": "false",
        "synthetic.reference.n": asked.scans,
        "run.n_jobs": 1,
    }
    return load_study("lisa_twin", overrides=[f"{key}={value}" for key, value in sets.items()])


def timed_train(study: StudyConfig) -> tuple[float, float]:
    """Train from nothing; return processor and wall seconds."""
    cpu, wall = cpu_s(), time.perf_counter()
    train(study, overwrite=True)
    return cpu_s() - cpu, time.perf_counter() - wall


def print_parts(study: StudyConfig, folder: Path) -> None:
    """Print the processor seconds of each part of the addition."""
    options, seed = study.science.clock, study.science.seed
    features, _ = cohort_features(study, "reference", folder / "train" / "features")
    cv = cross_validate_clock(features, options, seed=seed)
    start = cpu_s()
    with scan_parts(study, features, views=options.views, folder=folder) as parts:
        made = cpu_s()
        halves = predict_halves(
            features, parts.halves, options, cv, scans=parts.scans, planted=parts.planted
        )
        predicted = cpu_s()
    measure_efficiency(halves, n_bootstrap=options.validation.n_bootstrap)
    end = cpu_s()
    print(
        f"features of halves (and of the twin's 100) {made - start:.1f} s, "
        f"predictions {predicted - made:.1f} s, figures with intervals {end - predicted:.1f} s"
    )


def main() -> int:
    """Write, train twice, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=2433, help="size of the reference")
    parser.add_argument("--clock", default="fisher_z_ridge", help="preset")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthesize(study_in(folder, asked, efficiency=False))
        without, wall_without = timed_train(study_in(folder, asked, efficiency=False))
        with_, wall_with = timed_train(study_in(folder, asked, efficiency=True))
        print(
            f"train, {asked.clock}, {asked.scans} scans x 44,850 edges, processor (wall): "
            f"{without:.1f} s ({wall_without:.1f} s) without efficiency, {with_:.1f} s "
            f"({wall_with:.1f} s) with it: {with_ / without - 1:+.0%}"
        )
        print_parts(study_in(folder, asked, efficiency=True), folder)
    return 0 if with_ < (1 + MOST_ADDED) * without else 1


if __name__ == "__main__":
    sys.exit(main())
