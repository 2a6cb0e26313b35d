"""The examples are one study: made once, and handed out so that nobody can change them."""

from __future__ import annotations

from brainage.synthetic import examples


def test_what_is_handed_out_is_made_once_and_tables_are_copies():
    assert examples.features() is examples.features()
    allocation = examples.allocation()
    allocation["arm"] = "nobody"
    assert "nobody" not in set(examples.allocation()["arm"])


def test_the_clock_sees_age_and_the_scores_are_of_the_trials_scans():
    assert not examples.cross_validation().shows_nothing
    assert len(examples.scores()) == len(examples.features("trial"))
