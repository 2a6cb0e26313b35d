"""Runs of a session, and the person they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity.sessions import gather_sessions
from brainage.errors import SeriesError, TableError
from brainage.series import SeriesFile


def _file(person, session="n/a", run="n/a"):
    return SeriesFile(Path(f"{person}{session}{run}"), person, session, run=run)


def test_runs_are_gathered_and_a_persons_row_serves_every_session():
    people = pd.DataFrame({"participant_id": ["1"], "session_id": "n/a", "age_years": [60.0]})
    files = [_file("1", "a", "1"), _file("1", "a", "2"), _file("1", "b")]
    found = gather_sessions(files, people)
    assert [(s.session_id, len(s.runs), s.reason) for s in found] == [
        ("a", 2, None),
        ("b", 1, None),
    ]


def test_a_session_without_age_says_what_stands_in_its_place():
    people = pd.DataFrame(
        {
            "participant_id": ["1", "2"],
            "session_id": "n/a",
            "age_years": [np.nan, np.nan],
            "age_as_written": ["89+", None],
        }
    )
    reasons = [s.reason for s in gather_sessions([_file("1"), _file("2"), _file("3")], people)]
    assert reasons == [
        "the age '89+', no single number, in the people table",
        "no age in the people table",
        "no row for this participant in the people table",
    ]


def test_one_run_twice_and_two_rows_for_a_session_are_refused():
    people = pd.DataFrame({"participant_id": ["1", "1"], "session_id": "a", "age_years": [1.0, 2]})
    with pytest.raises(TableError, match="one row a session"):
        gather_sessions([_file("1", "a")], people)
    with pytest.raises(SeriesError, match="expected one series, found two"):
        gather_sessions([_file("1", "a"), _file("1", "a")], people)


def test_bids_words_for_a_sex_are_one_level_from_python_as_well():
    people = pd.DataFrame(
        {
            "participant_id": ["1", "2"],
            "session_id": "n/a",
            "age_years": 60.0,
            "sex": ["f", "Female"],
        }
    )
    assert [s.person["sex"] for s in gather_sessions([_file("1"), _file("2")], people)] == [
        "F",
        "F",
    ]
