"""The clock on the page: uncorrected accuracy, and nothing that was not measured."""

from __future__ import annotations

import pandas as pd

from brainage.report import StudyResults
from brainage.report.clock_sections import clock_sections
from brainage.report.content import Prose, Table
from brainage.report.figures.drawing import FigureFolder


def sections_of(tmp_path, **fields):
    results = StudyResults(title="t", **fields)
    return {s.anchor: s.blocks for s in clock_sections(results, FigureFolder(tmp_path, ()))}


def test_without_results_every_section_is_empty_and_no_figure_is_drawn(tmp_path):
    assert not any(sections_of(tmp_path).values())
    assert not list(tmp_path.iterdir())


def test_accuracy_is_said_to_be_uncorrected_and_its_metrics_have_words(tmp_path, trial_results):
    metrics = trial_results.metrics.assign(shows_nothing="")
    said, table = sections_of(tmp_path, metrics=metrics)["clock"]
    assert isinstance(said, Prose)
    assert "after age-bias correction is not accuracy" in said.lines[0]
    cells = {row[1] for row in table.rows}
    assert "mean absolute error of the median predictor (years)" in cells
    assert len(table.columns) == metrics.shape[1] - 1


def test_tests_on_others_follow_where_they_were_made(tmp_path):
    one = pd.DataFrame({"metric": ["MAE"], "estimate": [5.0]})
    blocks = sections_of(tmp_path, external=one, permutation=one)["clock"]
    captions = [block.caption for block in blocks if isinstance(block, Table)]
    assert [caption.split(":")[0] for caption in captions] == [
        "External test set",
        "Permutation test",
    ]


def test_length_that_was_not_measured_is_said_in_words_alone(tmp_path):
    (said,) = sections_of(tmp_path, length_words="not measured: only matrices")["clock"]
    assert said.lines == (
        "How far predictions move with scan length is not measured: only matrices.",
    )


def test_patterns_are_shown_strongest_first_with_every_pair_folded(tmp_path):
    networks = pd.DataFrame({"networks": [f"n{k}" for k in range(20)], "pattern": 0.1})
    first, every = sections_of(tmp_path, pattern_networks=networks)["patterns"]
    assert (len(first.rows), first.n_left_off) == (15, 5)
    assert (len(every.rows), every.folded) == (20, True)
