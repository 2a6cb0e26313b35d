"""What a record promises, from arms and visits alone."""

from __future__ import annotations

import pytest

from brainage.trial import TrialInputs
from brainage.trial.analyses.planned import REGISTRY
from brainage.trial.analyses.record import between_arms, later_visits, within_arms


def test_every_active_arm_meets_control_at_every_later_visit(make_options):
    options = make_options()
    later = ["1 year", "2 years"]
    assert later_visits(options) == later
    assert between_arms(options) == [(a, "CON", v) for a in ("MIT", "HRT") for v in later]
    assert within_arms(options) == [
        (a, "baseline", v) for a in ("CON", "MIT", "HRT") for v in later
    ]


def test_average_over_visits_needs_two(make_options):
    visits = make_options().model_dump()["visits"][:2]
    assert later_visits(make_options(visits=visits), average=True) == ["1 year"]
    assert later_visits(make_options(), average=True)[-1] == "average over visits"


def test_input_is_there_only_where_it_was_given():
    more = TrialInputs(clocks={"whole_brain": {}})
    assert [more.has(need) for need in ("features", "outcomes", "clocks")] == [False, False, True]
    assert not TrialInputs().has("clocks")


@pytest.mark.parametrize("record", REGISTRY, ids=lambda record: record.key)
def test_settings_of_every_record_are_fields_of_the_options(record, make_options):
    assert set(record.settings) <= set(type(make_options()).model_fields)
    assert all(record.table(table.name) is table for table in record.tables)
