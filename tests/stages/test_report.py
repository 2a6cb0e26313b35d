"""The page shows what was used, and nothing of what was there before."""

from __future__ import annotations

import shutil

import pandas as pd

from brainage.stages.report import gather, report
from brainage.stages.score import score
from brainage.stages.train import train


def test_a_report_shows_the_clock_that_scored_and_no_other(study_in, tmp_path):
    train(study_in(overrides=["science.seed=5"]))
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "out" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    train(study_in())
    study = study_in(overrides=[f"paths.clock={elsewhere}", "science.clock.estimator=svr"])
    scores = score(study)
    shown = gather(study)
    assert shown.card["clock"] == scores["clock_id"].iloc[0]
    assert shown.metrics is None
    assert shown.predictions is None
    words = " ".join(shown.methods)
    assert "trained before" in words
    assert "support vector" not in words
    assert scores["clock_id"].iloc[0] in report(study).read_text(encoding="utf-8")


def test_a_report_shows_the_scores_that_were_named(study_in, tmp_path):
    study = study_in()
    train(study)
    score(study)
    shutil.copy2(tmp_path / "out" / "score" / "scores.tsv", tmp_path / "mine.tsv")
    table = pd.read_csv(tmp_path / "mine.tsv", sep="\t")
    table[table["session_id"] == "start"].to_csv(tmp_path / "mine.tsv", sep="\t", index=False)
    shown = gather(study_in(overrides=[f"paths.scores={tmp_path / 'mine.tsv'}"]))
    assert set(shown.scores["session_id"]) == {"start"}


def test_patterns_of_an_earlier_clock_are_not_shown_for_a_kernel_clock(study_in, tmp_path):
    train(study_in())
    study = study_in(overrides=["science.clock.estimator=gaussian_process"])
    train(study)
    shown = gather(study)
    assert shown.card["estimator"] == "gaussian_process"
    assert shown.pattern_parcels is None
    assert not list((tmp_path / "out" / "train" / "explain").glob("patterns_*"))
