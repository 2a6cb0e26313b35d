"""Columns that an analysis reads are columns that the trial reads, once each."""

from __future__ import annotations

from brainage.trial.options import AnalysisOptions


def test_columns_of_the_analyses_asked_for_are_read_once_and_of_no_others(make_options):
    plain = make_options()
    assert plain.allocation_columns == ("stratum",)
    assert plain.outcome_columns == ()
    asked = make_options(
        dose_column="sessions",
        dose={},
        missing={"stopped_column": "stopped_years"},
        moderators=[{"variable": "apoe"}, {"variable": "sex"}, {"variable": "stratum"}],
        association={"outcomes": ["strength", "balance"]},
    )
    # Sex comes with the scores.
    assert asked.allocation_columns == ("stratum", "sessions", "apoe", "stopped_years")
    assert asked.outcome_columns == ("strength", "balance")


def test_analysis_that_names_no_column_reads_none():
    assert AnalysisOptions().allocation_columns == AnalysisOptions().outcome_columns == ()
