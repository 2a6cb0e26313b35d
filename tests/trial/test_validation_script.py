"""The simulated trials of scripts/validate_trial.py hold what their setting says."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "validate_trial.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("validate_trial", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(SCRIPT.parent))
    spec.loader.exec_module(module)
    return module


def test_every_analysis_recovers_the_planted_effect(script):
    setting = next(s for s in script.HOLDS if s.name == "planted LISA effect")
    rng = np.random.default_rng(5)
    rows = [row for _ in range(25) for row in script.analyse_between(setting, 40, rng)]
    table = pd.DataFrame(rows, columns=list(script.COLUMNS))
    truth = {"1y": -1.4, "2y": -2.3}
    for (analysis, visit), own in table.groupby(["analysis", "visit"]):
        # Five Monte-Carlo errors of the mean of 25 trials.
        error = own["estimate"].std() / np.sqrt(len(own))
        assert abs(own["estimate"].mean() - truth[visit]) < 5 * error, analysis


def test_allocation_is_balanced_within_complete_blocks_of_each_stratum(script):
    allocation, _ = script.draw_trial(script.HOLDS[0], 30, np.random.default_rng(1))
    for _, own in allocation.groupby(["sex", "bmi"]):
        for start in range(0, len(own) - 5, 6):
            assert own["arm"].iloc[start : start + 6].value_counts().eq(2).all()


def test_a_chunk_that_is_there_is_not_drawn_again(script, tmp_path):
    first = script.run_chunk(tmp_path, "naive", 0, 12, (0, 2))
    before = first.read_bytes()
    stamp = first.stat().st_mtime_ns
    assert script.run_chunk(tmp_path, "naive", 0, 12, (0, 2)) == first
    assert first.stat().st_mtime_ns == stamp
    first.unlink()
    assert script.run_chunk(tmp_path, "naive", 0, 12, (0, 2)).read_bytes() == before


def test_table_names_a_level_that_is_off(script):
    row = {
        "part": "between",
        "setting": "s",
        "n_per_arm": 15,
        "analysis": "MMRM",
        "visit": "1y",
        "trials": 2000,
        "truth": 0.0,
        "bias": 0.0,
        "bias_se": 0.01,
        "rejected": 0.08,
        "rejected_se": 0.006,
        "covered": 0.92,
        "mean_se": 1.0,
        "sd": 1.1,
        "fell_back": 0.0,
        "cause": "",
    }
    held = {**row, "visit": "2y", "rejected": 0.055}
    table = pd.DataFrame([row, held])
    between = script.long_tables(table)["between_arms.tsv"]
    assert between["verdict"].tolist() == ["**size +3.0 at 1y**; holds"]
    assert script.summary_lines(between)[2:] == [
        "| 15 | MMRM | 1 | 2000 | 5.5 to 8.0 | 92.0 to 92.0 | 1 |"
    ]
    assert "Of 2 promised figures 1 lie outside two Monte-Carlo errors" in script.tally(table)


def test_an_analysis_that_promises_nothing_is_shown_and_not_counted(script):
    row = {
        "part": "between",
        "setting": "s",
        "n_per_arm": 15,
        "analysis": "ANCOVA, HC3",
        "visit": "1y",
        "trials": 2000,
        "truth": 0.0,
        "bias": 0.0,
        "bias_se": 0.01,
        "rejected": 0.035,
        "rejected_se": 0.006,
        "covered": 0.965,
        "mean_se": 1.0,
        "sd": 1.1,
        "fell_back": 0.0,
        "cause": "",
    }
    promised = {**row, "analysis": "ANCOVA", "rejected": 0.05, "covered": 0.95}
    table = pd.DataFrame([row, promised])
    between = script.long_tables(table)["between_arms.tsv"]
    assert between["verdict"].tolist() == ["shown: **size -1.5 at 1y**", "holds"]
    assert "(shown)" in script.summary_lines(between)[2]
    assert "Of 1 promised figures 0 lie outside" in script.tally(table)
