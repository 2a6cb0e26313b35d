"""The trial on the page: the primary contrast as it was planned, and every table of an analysis."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from brainage.report import StudyResults
from brainage.report.content import Figure, Prose, Table
from brainage.report.figures.drawing import FigureFolder
from brainage.report.trial_sections import answer_sections, primary_line, primary_row
from brainage.tables import TableSchema
from brainage.trial import TableRecord


@pytest.fixture(scope="module")
def sections(make_trial_results, tmp_path_factory):
    folder = FigureFolder(tmp_path_factory.mktemp("figures"), ())
    results = make_trial_results(
        gap_means=None,
        estimand={
            "population": "everyone",
            "treatments": "arms",
            "variable": "gap",
            "summary": "mean",
            "intercurrent_events": {"illness": "treatment policy"},
            "id": "e1",
        },
        missing=pd.DataFrame({"participant_id": []}),
        tables={
            "toy": pd.DataFrame(
                {"arm": ["A", "B"], "prespecified": [True, False], "plan_hash": "abc"}
            ),
            "people": pd.DataFrame({"participant_id": ["01"]}),
        },
        table_records={
            name: TableRecord(name, "toy analysis", caption, shown, TableSchema(name, ()))
            for name, caption, shown in (
                ("toy", "What it shows.", "table"),
                ("people", "A row a person.", "file"),
            )
        },
    )
    return {section.anchor: section.blocks for section in answer_sections(results, folder)}


def test_results_without_a_trial_have_no_such_sections(tmp_path):
    bare = StudyResults(title="a clock")
    assert list(answer_sections(bare, FigureFolder(tmp_path, ()))) == []
    with pytest.raises(ValueError, match="results with contrasts"):
        primary_row(bare)


def test_primary_line_says_how_it_was_planned_and_the_numbers_of_its_row(trial_results):
    row = primary_row(trial_results)
    assert row["primary"]
    line = primary_line(replace(trial_results, standing="post hoc"))
    assert line.startswith("Primary contrast (post hoc): ")
    assert "p = .030); 60 participants in the model, 55 of them seen" in line
    assert f"{abs(row['estimate_years']):.2f}" in line


def test_changes_within_arms_are_never_without_the_contrasts(sections):
    captions = [block.caption for block in sections["answer"] if isinstance(block, Table)]
    assert captions[0].startswith("Contrasts with control.")
    assert captions[1].startswith("Change from baseline within each arm")
    figures = [block.name for block in sections["answer"] if isinstance(block, Figure)]
    assert figures == ["contrasts", "arm_deltas"]


def test_estimand_has_its_events_between_variable_and_summary(sections):
    rows = [row[0] for row in sections["plan"][0].rows]
    assert rows[2:5] == ["variable", "intercurrent event: illness", "summary"]
    assert rows[-1].startswith("id, in every row")


def test_nobody_missing_is_said(sections):
    (said,) = sections["missing"]
    assert isinstance(said, Prose)
    assert said.lines == ("Every planned scan of every randomised participant was scored.",)


def test_networks_are_those_of_the_primary_contrast_and_then_all(sections):
    shown, every = [block for block in sections["networks"] if isinstance(block, Table)][:2]
    assert (len(shown.rows), len(every.rows)) == (1, 4)


def test_table_of_an_analysis_stands_under_its_title_and_one_of_people_is_a_file(sections):
    title, table, said = sections["analyses"]
    assert title.caption == "Toy analysis"
    assert table.caption == "What it shows."
    assert [row[-1] for row in table.rows] == ["planned", "post hoc"]
    assert "plan hash" not in table.columns
    assert said.lines == ("A row a person. File: people.tsv.",)
