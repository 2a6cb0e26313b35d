"""Schemas: names, order and what one needs."""

from __future__ import annotations

import pytest

from brainage.tables import PEOPLE, SCORES


def test_a_schema_gives_its_columns_by_name_in_order():
    assert PEOPLE.names[:3] == ("participant_id", "session_id", "age_years")
    assert SCORES["age_years"].unit == "years"
    with pytest.raises(KeyError):
        SCORES["arm"]


def test_scores_need_who_when_and_how_old_alone():
    needed = [name for name in SCORES.names if SCORES[name].required]
    assert needed == ["participant_id", "session_id", "age_years"]
