"""Studies for the command line, and JSON read as strictly as others will read it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def study_file(tmp_path):
    """Twelve people's series made elsewhere, one person without an age; a study that trains."""
    rng = np.random.default_rng(0)
    ages = [str(20 + 5 * i) for i in range(11)] + ["n/a"]
    for i in range(12):
        values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
        values["a"] += 0.2 * i * values["b"]
        values.to_csv(tmp_path / f"sub-{i:02d}_atlas-toy_timeseries.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": [f"{i:02d}" for i in range(12)], "age": ages})
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    path = tmp_path / "study.yaml"
    path.write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {series: ., participants: people.tsv}}\n"
        "run: {n_jobs: 1}\nscience:\n"
        "  clock: {networks: false, validation: {n_folds: 4, n_bootstrap: 20}}\n"
    )
    return path


@pytest.fixture
def strict_json():
    """Return what reads JSON and knows no NaN."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return lambda text: json.loads(text, parse_constant=refuse)
