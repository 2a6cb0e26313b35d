"""A study's length curve: measured by train, kept in the clock, shown; halves trained on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock
from brainage.config import load_study
from brainage.errors import StageError
from brainage.stages.manifest import read_manifest
from brainage.stages.report import gather
from brainage.stages.train import train
from brainage.tables import LENGTH_CURVE, SCORES, read_table

STUDY = """\
extends: fisher_z_ridge
paths:
  output: out
  reference: {series: reference, participants: reference.tsv}
run: {n_jobs: 1}
science:
  clock: {networks: false, validation: {n_folds: 4, n_bootstrap: 0}}
  evaluation: {efficiency: false}
"""


@pytest.fixture
def reference(tmp_path):
    """Write 16 series, the last of 18 volumes alone, and a study of them."""
    rng = np.random.default_rng(0)
    (tmp_path / "reference").mkdir()
    for i in range(16):
        n_volumes = 18 if i == 15 else 60
        values = pd.DataFrame(rng.standard_normal((n_volumes, 5)), columns=list("abcde"))
        values["a"] += 0.1 * i * values["b"]
        path = tmp_path / "reference" / f"sub-{i:02d}_atlas-toy_timeseries.tsv"
        values.to_csv(path, sep="\t", index=False)
    people = pd.DataFrame({"participant_id": [f"{i:02d}" for i in range(16)], "age": range(20, 36)})
    people.to_csv(tmp_path / "reference.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def test_the_curve_is_measured_by_train_and_kept_wherever_the_clock_is_seen(reference):
    study = load_study(reference)
    trained = train(study)
    folder = trained.folder
    table = read_table(folder / "length_curve.tsv", LENGTH_CURVE)
    assert "length_curve.tsv" in read_manifest(folder)["outputs"]
    assert table["n"].max() == 16
    assert table.loc[table["share_kept"] == 0.25, "n"].tolist() == [15, 15]
    clock = BrainClock.load(folder / "clocks" / "whole_brain.clock")
    pd.testing.assert_frame_equal(clock.length_curve.rows, table, check_dtype=False)
    half = table.set_index(["loss", "share_kept"]).loc[("contiguous", 0.5), "shift_years"]
    assert f"at 1/2 of the volumes {half:+.2f} [" in clock.card()["moves with scan length"]
    assert "cut after filtering, if the series were filtered" in clock.length_words
    shown = gather(study)
    pd.testing.assert_frame_equal(shown.length_curve, clock.length_curve.rows)
    assert clock.length_curve.shift_years(0.5, loss="contiguous") == pytest.approx(half)


def test_fewer_scans_or_none_where_the_study_says_so(reference):
    some = load_study(reference, overrides=["science.evaluation.length_curve_scans=6"])
    assert train(some).clocks["whole_brain"].length_curve.rows["n"].max() == 6
    none = load_study(reference, overrides=["science.evaluation.length_curve_scans=0"])
    trained = train(none)
    assert "not asked for" in trained.clocks["whole_brain"].length_words
    assert not (trained.folder / "length_curve.tsv").exists()


def test_half_scans_are_trained_on_and_short_ones_named(reference):
    study = load_study(reference, overrides=["science.clock.half_scans=half_weight"])
    trained = train(study)
    named = pd.read_csv(trained.folder / "not_halved.tsv", sep="\t", dtype=str)
    assert named["participant_id"].tolist() == ["15"]
    estimator = trained.clocks["whole_brain"].card()["estimator"]
    assert "(weights 1, 0.5, 0.5; cut after filtering, if the series were filtered; " in estimator
    assert "1 scans too short to halve, used whole)" in estimator
    # The features of halves were there for as long as the clock was trained.
    assert not list(trained.folder.glob("*scratch*"))


def test_matrices_have_neither_curve_nor_halves(reference, tmp_path):
    rng = np.random.default_rng(1)
    (tmp_path / "matrices").mkdir()
    for i in range(16):
        matrix = np.corrcoef(rng.standard_normal((5, 40)))
        path = tmp_path / "matrices" / f"sub-{i:02d}_atlas-toy_relmat.tsv"
        pd.DataFrame(matrix, columns=list("abcde")).to_csv(path, sep="\t", index=False)
    own = [
        "paths.reference.series=null",
        f"paths.reference.matrices={tmp_path / 'matrices'}",
        "paths.reference.matrix_values=pearson",
    ]
    trained = train(load_study(reference, overrides=own))
    assert "only matrices are at hand" in trained.clocks["whole_brain"].length_words
    halves = load_study(reference, overrides=[*own, "science.clock.half_scans=full_weight"])
    with pytest.raises(StageError, match="half_scans: full_weight needs series"):
        train(halves, overwrite=True)


def test_scores_say_how_much_of_each_scan_was_kept(finished):
    scores = read_table(finished / "out" / "score" / "scores.tsv", SCORES)
    assert scores["retained_s"].notna().all()
