"""The Methods paragraph says what was done, and nothing that was not."""

from __future__ import annotations

from brainage.config import study_from_mapping
from brainage.imaging.cleaning import load_strategy
from brainage.stages.methods import methods_sentences


def extraction(**cleaning):
    study = study_from_mapping({
        "paths": {"reference": {"scans": "x"}}, "science": {"cleaning": cleaning},
    })  # fmt: skip
    return methods_sentences(study)[0]


def test_the_strategy_is_described_by_its_own_file():
    assert load_strategy("36P").description in extraction(strategy="36P")


def test_censoring_that_belongs_to_the_strategy_is_told_and_the_studys_threshold_wins():
    own = extraction(strategy="36P+scrub")
    assert "displacement above 0.5 mm censored" in own
    ours = extraction(strategy="36P+scrub", scrub_fd_mm=0.25)
    assert "displacement above 0.25 mm censored" in ours
    nilearns = extraction(strategy="scrubbing", scrub_fd_mm=0.3)
    assert "displacement above 0.3 mm censored" in nilearns


def test_nothing_is_said_of_censoring_where_there_is_none():
    assert "censored" not in extraction(strategy="24P")
