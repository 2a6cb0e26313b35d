"""Reliability of the scores is written where people were scanned twice, blind to arm."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.stages.repeated_scans import write_reliability
from brainage.synthetic import examples
from brainage.tables import read_table
from brainage.trial import RELIABILITY


def test_two_visits_have_an_error_of_measurement_and_one_visit_removes_it(tmp_path):
    scores = examples.scores()
    table, dictionary = write_reliability(scores, tmp_path, seed=0)
    found = read_table(table, RELIABILITY)
    assert (found["people"] == "everyone, arms not known").all()
    first, second = sorted(scores["session_id"].unique())[:2]
    pair = found[found["sessions"].str.contains(first) & found["sessions"].str.contains(second)]
    wide = scores.pivot_table(
        index="participant_id", columns="session_id", values="gap_corrected_years"
    )
    change = (wide[second] - wide[first]).dropna()
    expected = change.std() / np.sqrt(2)
    assert pair["sem_years"].iloc[0] == pytest.approx(expected, rel=0.05)
    assert write_reliability(scores[scores["session_id"] == first], tmp_path, seed=0) == []
    assert not table.exists()
    assert not dictionary.exists()
