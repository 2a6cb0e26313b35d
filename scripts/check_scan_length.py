#!/usr/bin/env python3
"""Plant a scan-length difference between arms without any effect, and see who is fooled by it.

    python scripts/check_scan_length.py [--loss scattered|contiguous] [--share 0.5] [--seed 1]

A reference of adults and a two-arm trial are drawn as series; nothing is done to anyone's brain
age, but at follow-up one arm keeps only a share of its volumes. The whole corridor runs, once a
clock: today's stack, Fisher z alone, and the stack trained on half scans as well. Printed are the
primary contrast (truth: 0), what the clock's own length curve leads to expect, the contrast
adjusted for the time kept, and what the comparison says of it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import yaml

from brainage.clock import BrainClock
from brainage.config import StudyConfig, load_study
from brainage.stages.compare import load_comparison
from brainage.stages.run import run_stages

VISITS = [
    {"label": "baseline", "session_id": "a", "nominal_years": 0.0},
    {"label": "1 year", "session_id": "b", "nominal_years": 1.0},
]
CLOCKS = {
    "recommended_stacked": {},
    "fisher_z alone": {"estimator": "ridge", "views": ["fisher_z"], "strong_views": []},
    "recommended_stacked, half scans": {"half_scans": "half_weight"},
}


def study_of(folder: Path, clock: dict, asked: argparse.Namespace) -> StudyConfig:
    """Write and load the study of one clock; every clock meets the same scans."""
    arms = [
        {"name": "CON", "n": asked.people, "effects_years": [0.0]},
        {"name": "EX", "n": asked.people, "effects_years": [0.0], "shares_kept": [asked.share]},
    ]
    study = {
        "extends": "recommended_stacked",
        "title": "a planted difference in scan length",
        "paths": {"output": str(folder)},
        "science": {
            "seed": asked.seed,
            "connectivity": {
                "kinds": ["fisher_z", "log_correlation", "log_correlation_direction", "lagged"]
            },
            "clock": {
                "views": ["log_correlation", "log_correlation_direction", "lagged"],
                "strong_views": ["log_correlation_direction"],
                "age_scale": "years",
                **clock,
            },
            "evaluation": {"length_curve_scans": asked.reference, "efficiency": False},
            "trial": {
                "arms": ["CON", "EX"],
                "control_arm": "CON",
                "visits": VISITS,
                "primary_visit": "1 year",
                "primary_arm": "EX",
            },
        },
        "synthetic": {
            "n_parcels": asked.parcels,
            "n_volumes": 150,
            "reference": {"n": asked.reference, "n_sites": 1},
            "trial": {
                "arms": arms,
                "visits": [{k: v for k, v in visit.items() if k != "label"} for visit in VISITS],
                "loss": asked.loss,
                "dropout": {"rate": 0.0},
            },
        },
    }
    path = folder / "study.yaml"
    folder.mkdir(parents=True)
    path.write_text(yaml.safe_dump(study))
    return load_study(path)


def main() -> None:
    """Run the corridor once a clock and print what each of them sees."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", choices=("scattered", "contiguous"), default="scattered")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=60, help="of each arm")
    parser.add_argument("--reference", type=int, default=240)
    parser.add_argument("--parcels", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, clock) in enumerate(CLOCKS.items()):
            folder = Path(scratch) / str(number)
            study = study_of(folder, clock, asked)
            for done in run_stages(study):
                if done.name == "compare":
                    break
            show(name, folder, load_comparison(study), asked)


def show(name: str, folder: Path, result: object, asked: argparse.Namespace) -> None:
    """Print one clock's false effect, what it expected, and what protects."""
    clock = BrainClock.load(folder / "train" / "clocks" / "whole_brain.clock")
    curve = clock.length_curve
    expected = np.nan if curve is None else curve.shift_years(asked.share, loss=asked.loss)
    primary = result.contrasts[result.contrasts["primary"]].iloc[0]
    metrics = {row["metric"]: row["estimate"] for row in clock.facts["metrics"]}
    print(f"\n{name}: MAE {metrics['MAE']:.2f} years, r {metrics['r']:.2f}")
    print(f"  expected from its length curve ({curve.cut}): {expected:+.2f} years")
    for label, row in (("primary contrast, truth 0", primary), *adjusted(result)):
        print(
            f"  {label}: {row['estimate_years']:+.2f} [{row['ci_low_years']:+.2f}, "
            f"{row['ci_high_years']:+.2f}] years, p = {row['p_value']:.4f}"
        )
    for note in result.notes:
        if "time of scan kept" in note or "scan length" in note:
            print(f"  said: {note}")


def adjusted(result: object) -> list[tuple[str, object]]:
    """Return the sensitivity rows that adjust for the time of scan kept."""
    table = result.sensitivity
    found = table[table["analysis"].str.contains("time of scan kept")]
    return [(str(row["analysis"]), row) for _, row in found.iterrows()]


if __name__ == "__main__":
    main()
