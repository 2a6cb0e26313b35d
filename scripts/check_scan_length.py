#!/usr/bin/env python3
"""Plant a scan-length difference between arms without any effect, and see who is fooled by it.

    python scripts/check_scan_length.py [--loss contiguous|scattered] [--share 0.33]
                                        [--seeds 1 2 3 4 5] [--out FOLDER]

A reference of adults and a two-arm trial are drawn as series; nothing is done to anyone's brain
age, but at follow-up one arm keeps only a share of its volumes. The corridor runs from the series
to the contrast, once a clock on the same scans: the stack, Fisher z alone, the stack trained on
half scans as well, and the stack with every scan, the reference's too, cut to the length of the
shortest. Printed are, for every draw: by how many years the loss alone moves the arm (the same
scans of the same people, scored by the same clock with and without it: what is false about the
effect, free of chance in who was drawn), what the comparison warns of from the clock's length
curve, the primary contrast (truth: 0) and its p; after every draw the means over draws with their
standard errors.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from brainage.clock import BrainClock
from brainage.config import StudyConfig, load_study
from brainage.connectivity import build_features, take_volumes
from brainage.series import ParcelSeries, find_series, read_series, write_series
from brainage.stages.compare import load_comparison
from brainage.stages.run import run_stages
from brainage.synthetic import SyntheticOptions, make_study, write_study
from brainage.tables import read_people

VISITS = [
    {"label": "baseline", "session_id": "a", "nominal_years": 0.0},
    {"label": "1 year", "session_id": "b", "nominal_years": 1.0},
]
KINDS = ["fisher_z", "log_correlation", "log_correlation_direction", "lagged"]
STACK = {
    "views": ["log_correlation", "log_correlation_direction", "lagged"],
    "strong_views": ["log_correlation_direction"],
    "age_scale": "years",
}
#: Name -> the clock, and whether every scan is cut to one length.
CASES = {
    "stack": (STACK, False),
    "Fisher z alone": ({"estimator": "ridge", "views": ["fisher_z"], "strong_views": []}, False),
    "stack, half scans as training rows": ({**STACK, "half_scans": "half_weight"}, False),
    "stack, all scans cut to one length": (STACK, True),
}


def synthetic_of(asked: argparse.Namespace, share: float) -> SyntheticOptions:
    """Return what is made: a reference, and two arms of which one loses volumes."""
    arms = [
        {"name": "CON", "n": asked.people, "effects_years": [0.0]},
        {"name": "EX", "n": asked.people, "effects_years": [0.0], "shares_kept": [share]},
    ]
    return SyntheticOptions.model_validate(
        {
            "n_parcels": asked.parcels,
            "n_volumes": asked.volumes,
            "reference": {"n": asked.reference, "n_sites": 1},
            "trial": {
                "arms": arms,
                "visits": [{k: v for k, v in visit.items() if k != "label"} for visit in VISITS],
                "loss": asked.loss,
                "dropout": {"rate": 0.0},
            },
        }
    )


def cut_to_one_length(data: Path, cut: Path) -> int:
    """Write a study's data again, all scans cut to the length of the shortest; return it."""
    shutil.copytree(data, cut, ignore=shutil.ignore_patterns("series"))
    series = {
        cohort: [read_series(file) for file in find_series(data / cohort / "series")]
        for cohort in ("reference", "trial")
    }
    shortest = min(len(run.values) for runs in series.values() for run in runs)
    for cohort, runs in series.items():
        for run in runs:
            write_series(take_volumes(run, np.arange(shortest)), cut / cohort / "series")
    return shortest


def study_of(data: Path, folder: Path, clock: dict, seed: int, n_curve: int) -> StudyConfig:
    """Write and load the study of one clock; every clock meets the same scans."""
    cohorts = {
        cohort: {
            "series": str(data / cohort / "series"),
            "participants": str(data / cohort / "participants.tsv"),
        }
        for cohort in ("reference", "trial")
    }
    cohorts["trial"]["sessions"] = str(data / "trial" / "sessions.tsv")
    study = {
        "extends": "recommended_stacked",
        "title": "a planted difference in scan length",
        "paths": {
            "output": str(folder),
            "allocation": str(data / "trial" / "allocation.tsv"),
            **cohorts,
        },
        "science": {
            "seed": seed,
            "connectivity": {"kinds": KINDS},
            "clock": clock,
            "evaluation": {"length_curve_scans": n_curve, "efficiency": False},
            "trial": {
                "arms": ["CON", "EX"],
                "control_arm": "CON",
                "visits": VISITS,
                "primary_visit": "1 year",
                "primary_arm": "EX",
            },
        },
    }
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return load_study(folder / "study.yaml")


def contrast_of(study: StudyConfig, asked: argparse.Namespace) -> dict[str, object]:
    """Run the corridor; return one clock's contrast and what was said of it."""
    for done in run_stages(study):
        if done.name == "compare":
            break
    result = load_comparison(study)
    clock = clock_of(study)
    row = result.contrasts[result.contrasts["primary"]].iloc[0]
    metrics = {one["metric"]: one["estimate"] for one in clock.facts["metrics"]}
    kept = result.tables["time_kept"].set_index(["arm", "visit"])
    said = [note for note in result.notes if "time of scan kept changed" in note]
    return {
        "r": metrics["r"],
        "mae_years": metrics["MAE"],
        "warned_years": kept.loc[("EX", "1 year"), f"shift_if_{asked.loss}_years"],
        "contrast_years": row["estimate_years"],
        "se_years": row["se_years"],
        "p_value": row["p_value"],
        "said": " ".join(said),
    }


def clock_of(study: StudyConfig) -> BrainClock:
    """Load the clock that a study trained."""
    return BrainClock.load(Path(study.paths.output) / "train" / "clocks" / "whole_brain.clock")


def exercised(asked: argparse.Namespace, data: Path, seed: int) -> dict[str, list[ParcelSeries]]:
    """Return the exercise arm's later scans as they were before the loss, and after it."""
    made = make_study(synthetic_of(asked, share=1.0), seed=seed)
    scans = made.scans("trial")
    later = scans[(scans["arm"] == "EX") & (scans["session_id"] == "b")]
    before = [made.make_series(row) for _, row in later.iterrows()]
    people = {run.participant_id for run in before}
    after = [
        read_series(file)
        for file in find_series(data / "trial" / "series")
        if file.participant_id in people and file.session_id == "b"
    ]
    return {"before": before, "after": after}


def moved_by(
    clock: BrainClock, scans: dict[str, list[ParcelSeries]], people: pd.DataFrame
) -> float:
    """Return by how many years the loss alone moves the mean prediction of the arm."""
    predicted = {}
    for when, runs in scans.items():
        features = build_features(runs, people, kinds=KINDS)
        scores = clock.score(features).set_index("participant_id")
        predicted[when] = scores["predicted_age_years"]
    return float((predicted["after"] - predicted["before"]).mean())


def pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line a clock: means over draws, two of them with their standard errors."""
    by_clock = rows.groupby("clock", sort=False)
    names = ["r", "mae_years", "warned_years", "moved_years", "contrast_years", "se_years"]
    found = by_clock[names].mean()
    # Draws are independent trials, each with its own reference: their spread has everything in it.
    root = np.sqrt(by_clock.size())
    for name in ("moved_years", "contrast_years"):
        found[f"se_of_{name}"] = by_clock[name].std() / root
    found["share_p_below_.05"] = by_clock["p_value"].agg(lambda p: float(np.mean(p < 0.05)))
    found["share_warned"] = by_clock["said"].agg(lambda words: float(np.mean(words != "")))
    return found


def main() -> None:
    """Run the corridor once a draw and clock; print what each of them sees."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", choices=("scattered", "contiguous"), default="contiguous")
    parser.add_argument("--share", type=float, default=1 / 3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--people", type=int, default=200, help="of each arm")
    parser.add_argument("--reference", type=int, default=400)
    parser.add_argument("--parcels", type=int, default=40)
    parser.add_argument("--volumes", type=int, default=150)
    parser.add_argument("--out", type=Path, help="a folder for the table of draws")
    asked = parser.parse_args()
    rows = []
    for seed in asked.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            data, cut = Path(scratch) / "data", Path(scratch) / "cut"
            write_study(make_study(synthetic_of(asked, asked.share), seed=seed), data)
            shortest = cut_to_one_length(data, cut)
            scans = exercised(asked, data, seed)
            people = read_people(
                data / "trial" / "participants.tsv", data / "trial" / "sessions.tsv"
            )
            for number, (name, (clock, one_length)) in enumerate(CASES.items()):
                source, own = cut if one_length else data, Path(scratch) / str(number)
                study = study_of(source, own, clock, seed, asked.reference)
                own_row = {"seed": seed, "clock": name} | contrast_of(study, asked)
                seen = scans
                if one_length:
                    seen = {
                        when: [take_volumes(run, np.arange(shortest)) for run in runs]
                        for when, runs in scans.items()
                    }
                own_row["moved_years"] = moved_by(clock_of(study), seen, people)
                rows.append(own_row)
        table = pd.DataFrame(rows)
        print(table[table["seed"] == seed].drop(columns="said").round(3).to_string(index=False))
        for name, said in table.loc[table["seed"] == seed, ["clock", "said"]].to_numpy():
            print(f"{name}, said: {said or '-'}")
        print(
            f"\n{len(table['seed'].unique())} draw(s), means\n{pooled(table).round(3).to_string()}"
        )
        print(flush=True)
        if asked.out is not None:
            asked.out.mkdir(parents=True, exist_ok=True)
            table.round(4).to_csv(asked.out / "scan_length_draws.tsv", sep="\t", index=False)


if __name__ == "__main__":
    main()
