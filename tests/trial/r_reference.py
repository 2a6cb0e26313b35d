"""Simulated trials and what R says about them (scripts/reference/trial_models.R)."""

import functools
import json
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent.parent / "reference_values" / "trial"
ARMS = ("CON", "MIT", "HRT")
COVARIATES = ("baseline_gap", "baseline_age", "sex", "stratum")
DATA_SETS = ("complete", "missing", "three", "small")


@functools.cache
def r_values() -> dict:
    return json.loads((FOLDER / "reference.json").read_text())


def trial_data(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.tsv", sep="\t")


def follow_ups(name: str) -> pd.DataFrame:
    data = trial_data(name)
    return data[data["visit_index"] > 0]


def visits_of(data: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(data["visit"].unique()))
