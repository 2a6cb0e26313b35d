#!/usr/bin/env python3
"""Rank presets by participants on the LISA twin, whose planted share tells a clock of traits.

    python scripts/twin_participants.py OUT [--people 1000] [--seed 1] [--traits 0.05]

The alternatives of configs/abide_participants_sweep.yaml on the twin's reference cohort (halves of
500 scans, 100 of them drawn again with a brain age 2 years higher). --traits plants edges that are
related to age between people and fixed within a person. Written like any sweep's: leaderboard.tsv.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from brainage.config import load_sweep
from brainage.stages.sweep import sweep
from brainage.stages.synthesize import synthesize

SHOWN = [
    "alternative",
    "mae_years",
    "r",
    "participants",
    "participants_low",
    "participants_high",
    "participants_ratio",
    "participants_ratio_low",
    "participants_ratio_high",
    "within_scan_noise_years",
    "share_within_site",
    "share_planted",
    "latent_noise_years",
]


def main() -> None:
    """Make the reference, sweep, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=1000, help="of the reference (LISA: 2,433)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--traits", type=float, default=0.0)
    asked = parser.parse_args()
    abide = load_sweep("abide_participants_sweep")
    study = {
        "extends": "lisa_twin",
        "title": "presets on the LISA twin by what a trial pays for",
        "paths": {"output": str(asked.out)},
        "run": {"n_jobs": 1},
        "science": {
            "seed": asked.seed,
            "connectivity": {"kinds": list(abide.science.connectivity.kinds)},
            # What alternatives start from, as in that sweep.
            "clock": {
                "estimator": "ridge",
                "views": ["fisher_z"],
                "strong_views": [],
                "networks": False,
                "validation": {"n_folds": 10},
            },
        },
        "synthetic": {
            "reference": {"n": asked.people},
            "trial": None,
            "difficulty": {"trait_connectivity": asked.traits},
        },
        "sweep": abide.sweep.model_dump(mode="json"),
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "twin_sweep.yaml"
    path.write_text(json.dumps(study, indent=1), encoding="utf-8")
    loaded = load_sweep(path)
    synthesize(loaded)
    board = sweep(loaded)
    print(board.table[SHOWN].round(3).T.to_string())
    print(*board.notes, sep="\n")


if __name__ == "__main__":
    main()
