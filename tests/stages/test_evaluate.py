"""A clock on other people, against chance and by size: kept part by part."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.errors import StageError
from brainage.stages.check import check
from brainage.stages.evaluate import evaluate
from brainage.stages.report import report
from brainage.stages.train import train


def test_an_external_test_set_is_scored_by_the_frozen_clock_and_shown(
    study_in, tmp_path, external_of
):
    study = study_in(overrides=external_of(tmp_path))
    trained = train(study)
    found = evaluate(study)
    table = found.external.set_index("metric")
    scores = found.external_scores
    error = (scores["predicted_age_years"] - scores["age_years"]).abs().mean()
    assert table.loc["MAE", "estimate"] == pytest.approx(error)
    assert table.loc["MAE", ["n_scans", "n_people"]].tolist() == [8, 8]
    assert set(scores["clock_id"]) == {trained.clocks["whole_brain"].clock_id}
    assert found.permutation is None
    assert found.learning_curve is None
    page = report(study).read_text()
    assert "External test set: uncorrected predictions" in page
    assert any("external: 8 parcel series" in line for line in check(study).lines)


def test_permutation_test_and_learning_curve_are_of_the_config_and_kept(study_in, tmp_path):
    asked = ["science.evaluation.n_permutations=4", "science.evaluation.learning_curve=[0.5, 1.0]"]
    study = study_in(overrides=asked)
    metrics = train(study).metrics.set_index("metric")
    found = evaluate(study)
    assert found.permutation["n_permutations"].tolist() == [4, 4]
    assert found.permutation["p_value"].between(0.2, 1).all()
    whole = found.learning_curve.iloc[-1]
    assert whole["MAE"] == pytest.approx(metrics.loc["MAE", "estimate"])
    kept = (tmp_path / "out" / "evaluate").rglob("*.tsv")
    times = {p: p.stat().st_mtime_ns for p in kept}
    assert times
    pd.testing.assert_frame_equal(evaluate(study).permutation, found.permutation)
    assert times == {p: p.stat().st_mtime_ns for p in times}
    page = report(study).read_text()
    assert "p = (b + 1) / (m + 1)" in page
    assert "Learning curve" in page


def test_a_study_that_asks_for_nothing_is_told_what_it_may_ask(study_in):
    with pytest.raises(StageError, match="paths.external.*n_permutations.*learning_curve"):
        evaluate(study_in(overrides=["science.evaluation.efficiency=false"]))
