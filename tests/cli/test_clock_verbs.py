"""train, evaluate, check and sweep on the command line: what is printed, and how often."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main

STUDY = """\
extends: fisher_z_ridge
paths:
  output: out
  reference: {series: reference, participants: reference.tsv}
  external: {series: external, participants: external.tsv}
run: {n_jobs: 1, figure_files: []}
science:
  evaluation: {n_permutations: 3, learning_curve: [0.5, 1.0], learning_curve_draws: 1}
  clock:
    networks: false
    validation: {n_folds: 3, n_bootstrap: 20}
"""
SWEEP = STUDY + "sweep: {choices: {bias_correction: [offset, in_sample]}, n_draws: 100}\n"


@pytest.fixture
def folder(tmp_path):
    """Twenty people to train on and five others, series of five parcels."""
    for name, n in (("reference", 20), ("external", 5)):
        (tmp_path / name).mkdir()
        rng = np.random.default_rng(n)
        for i in range(n):
            values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
            values["a"] += 0.1 * i * values["b"]
            path = tmp_path / name / f"sub-{name[0]}{i:02d}_atlas-toy_timeseries.tsv"
            values.to_csv(path, sep="\t", index=False)
        people = pd.DataFrame(
            {
                "participant_id": [f"{name[0]}{i:02d}" for i in range(n)],
                "age": 20 + 3.0 * np.arange(n),
                "site": ["s1", "s2"] * (n // 2) + ["s1"] * (n % 2),
            }
        )
        people.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def test_evaluate_shows_the_external_test_chance_and_the_curve(folder, capsys):
    study = str(folder / "study.yaml")
    assert main(["train", study, "--quiet"]) == DONE
    assert main(["evaluate", study]) == DONE
    told = capsys.readouterr().out
    assert "external test set (5 scans of 5 people)" in told
    assert "slope of the corrected gap on age" in told
    assert all(word in told for word in ("people's own median", "coverage", "permutation", "curve"))
    assert main(["evaluate", study, "--json"]) == DONE
    found = json.loads(capsys.readouterr().out)
    assert {"external", "external_slopes", "permutation", "learning_curve"} <= set(found)
    assert found["learning_curve"][0]["share"] == 0.5


def test_evaluate_before_train_says_what_to_run(folder, capsys):
    assert main(["evaluate", str(folder / "study.yaml")]) == BAD_INPUT
    assert "Run `brainage train` first" in capsys.readouterr().err


def test_a_warning_is_one_sentence_however_many_folds(folder, capsys):
    choices = [
        "science.clock.harmonization.method=center",
        "science.clock.harmonization.preserve_age=true",
        "science.clock.bias_correction=in_sample",
    ]
    sets = [part for choice in choices for part in ("--set", choice)]
    assert main(["train", str(folder / "study.yaml"), *sets]) == DONE
    told = capsys.readouterr().err
    assert told.count("warning: harmonisation with preserve_age uses the target") == 1
    assert told.count("warning: bias correction 'in_sample'") == 1
    assert "UserWarning" not in told
    assert ".py:" not in told


def test_train_shows_the_slope_that_new_people_meet_and_not_that_of_training_scans(folder, capsys):
    sets = ["--set", "science.clock.bias_correction=in_sample"]
    assert main(["train", str(folder / "study.yaml"), *sets]) == DONE
    told = capsys.readouterr().out
    # In the training scans themselves an in-sample line leaves exactly nothing.
    assert "slope of the corrected gap on age: 0.000" not in told
    assert "slope of the corrected gap on age" in told


def test_check_takes_a_sweep_and_sweep_shows_slopes(folder, capsys):
    sweep = str(folder / "sweep.yaml")
    assert main(["check", sweep]) == DONE
    assert "2 alternatives, each on the same 3 folds" in capsys.readouterr().out
    assert not (folder / "out").exists()
    assert main(["sweep", sweep, "--json"]) == DONE
    rows = json.loads(capsys.readouterr().out)["leaderboard"]
    assert {"gap_slope_after_low", "gap_slope_after_high"} <= set(rows[0])
