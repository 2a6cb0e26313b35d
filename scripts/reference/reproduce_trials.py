"""Run `reproduce.R` of comparisons and keep what R found.

    python scripts/reference/reproduce_trials.py [RESULTS ...]

Without folders: the four reference trials, under each way the model can run; R's numbers go to
tests/reference_values/trial/reproduced.json. With folders (``output/compare/results``): each of
them, printed only. Needs R with lme4, lmerTest, nlme, clubSandwich and pbkrtest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.trial import TrialDesign, TrialOptions, TrialResult, compare_arms

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "reference_values" / "trial"
TRIALS = ("complete", "missing", "three", "small")
WAYS = {
    "default": {},
    "one covariance": {"covariance_by_arm": False},
    "kenward_roger": {"covariance_by_arm": False, "degrees_of_freedom": "kenward_roger"},
    "lisa_like": {"style": "lisa_like"},
}


def reference_trial(name: str, **changed) -> tuple[pd.DataFrame, TrialDesign]:
    """Return a reference trial as scores and design."""
    data = pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")
    age = data["baseline_age"] + data["visit_index"]
    scores = pd.DataFrame(
        {
            "participant_id": data["participant_id"],
            "session_id": data["visit"],
            "age_years": age,
            "sex": data["sex"],
            "site": "one",
            "mean_fd_mm": np.nan,
            "network": "whole_brain",
            "predicted_age_years": age + data["gap"],
            "gap_years": data["gap"],
            "gap_corrected_years": data["gap"],
            "interval_low_years": np.nan,
            "interval_high_years": np.nan,
            "in_age_range": True,
            "distance_percentile": np.nan,
            "clock_id": "drawn",
        }
    )
    visits = sorted(data["visit"].unique())
    options = TrialOptions.model_validate(
        {
            "arms": ["CON", "MIT", "HRT"],
            "control_arm": "CON",
            "visits": [
                {"label": visit, "session_id": visit, "nominal_years": years}
                for years, visit in enumerate(visits)
            ],
            "primary_visit": visits[-1],
            "strata": ["stratum"],
            "n_bootstraps": 200,
            "randomization": {"n_draws": 99},
            **changed,
        }
    )
    people = data.drop_duplicates("participant_id")[["participant_id", "arm", "stratum"]]
    return scores, TrialDesign.from_options(options, people)


def run_in_r(folder: Path) -> dict[str, float]:
    """Run the program of a result folder; return what R found."""
    told = subprocess.run(
        ["Rscript", "reproduce.R"], cwd=folder, capture_output=True, text=True, check=False
    )
    print(told.stdout)
    if told.returncode:
        raise SystemExit(f"{folder}: R does not agree, or failed:\n{told.stderr}")
    line = next(line for line in told.stdout.splitlines() if line.startswith("R "))
    return dict(zip(("estimate", "se", "df"), map(float, line.split()[1:]), strict=True))


def main() -> int:
    folders = [Path(each) for each in sys.argv[1:]]
    for folder in folders:
        primary = TrialResult.load(folder).primary
        print(f"{folder}: {primary.arm} - {primary.versus}, {primary.visit}; {primary.method}")
        run_in_r(folder)
    if folders:
        return 0
    found = {}
    for name in TRIALS:
        for way, changed in WAYS.items():
            scores, design = reference_trial(name, **changed)
            with tempfile.TemporaryDirectory() as folder:
                result = compare_arms(scores, design)
                result.save(folder)
                print(f"{name}, {way}: {result.primary.method}")
                found[f"{name}, {way}"] = run_in_r(Path(folder))
    (FOLDER / "reproduced.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
