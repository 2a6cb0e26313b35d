"""Outcomes beside the scans: numbers by person and session, or an error that names the cell."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import TableError
from brainage.trial import read_outcomes


def written(folder, text):
    path = folder / "outcomes.tsv"
    path.write_text(text.replace(",", "\t"))
    return path


def test_outcomes_lose_prefixes_and_keep_what_was_not_measured_missing(tmp_path):
    path = written(tmp_path, "id,Wave,power\nsub-01,ses-bl,210\nsub-01,ses-1y,n/a\n02,bl,180.5\n")
    found = read_outcomes(
        path,
        ["strength"],
        columns={"participant_id": "id", "session_id": "Wave", "strength": "power"},
    )
    assert list(found["participant_id"]) == ["01", "01", "02"]
    assert list(found["session_id"]) == ["bl", "1y", "bl"]
    np.testing.assert_array_equal(found["strength"], [210, np.nan, 180.5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("participant_id,session_id\n01,bl\n", "no column 'strength'"),
        ("participant_id,session_id,strength\n01,bl,strong\n", "line 2: strength must be a number"),
        ("participant_id,session_id,strength\n01,bl,1\nsub-01,ses-bl,2\n", "two rows"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(tmp_path, text, words):
    with pytest.raises(TableError, match=words):
        read_outcomes(written(tmp_path, text), ["strength"])
