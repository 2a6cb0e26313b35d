"""What a comparison says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brainage.trial import (
    AFTERWARDS,
    BEFOREHAND,
    BY_COMPARISON,
    TrialDesign,
    TrialInputs,
    compare_arms,
    write_plan,
)
from brainage.trial.notes import count_notes, estimand_notes, plan_notes


def test_without_a_plan_everything_is_post_hoc_and_said_so(as_drawn):
    *_, result = as_drawn
    assert not result.contrasts["prespecified"].any()
    assert any("every result is post hoc" in note for note in result.notes)


@pytest.fixture(scope="module")
def otherwise(make_trial, make_options, tmp_path_factory):
    """A comparison by other degrees of freedom than planned, of a clock that shows nothing."""
    scores, allocation = make_trial()
    plan = write_plan(make_options(), tmp_path_factory.mktemp("plan") / "plan.json")
    options = make_options(degrees_of_freedom="kenward_roger")
    more = TrialInputs(clocks={"whole_brain": {"shows_nothing": "r = -0.40"}})
    return compare_arms(scores, TrialDesign(options, allocation), plan=plan, more=more)


def test_analysis_changed_after_the_plan_is_printed_as_post_hoc(otherwise):
    assert not otherwise.contrasts["prespecified"].any()
    own = otherwise.sensitivity.set_index("analysis")
    assert own.loc["ancova per visit", "prespecified"].all()
    notes = otherwise.notes
    assert any("degrees_of_freedom: planned satterthwaite" in note for note in notes)
    assert any(note.startswith("post hoc: ") and "contrast row(s)" in note for note in notes)


def test_when_the_plan_was_written_is_said_unless_it_was_beforehand(
    compared, make_options, tmp_path
):
    *_, result = compared
    options, said = make_options(), {}
    for written in (BEFOREHAND, BY_COMPARISON, AFTERWARDS):
        plan = write_plan(options, tmp_path / "plan.json", written=written)
        said[written] = " ".join(plan_notes(plan, options, result))
    assert said[BEFOREHAND] == ""
    assert "the plan was written by the comparison itself" in said[BY_COMPARISON]
    assert "after arms had been compared: every result is post hoc" in said[AFTERWARDS]


def test_clock_that_shows_nothing_is_the_first_thing_said(otherwise, as_drawn):
    assert otherwise.notes[0] == otherwise.read_first[0]
    assert otherwise.notes[0].startswith(
        "the clock of whole_brain shows nothing of age (r = -0.40): its changes within an arm are "
        "the time that passed"
    )
    assert as_drawn[-1].read_first == ()


def test_strategy_that_no_analysis_carries_out_is_noted(as_drawn, make_options):
    events = {"illness": "hypothetical", "stopped training": "treatment policy"}
    (note,) = estimand_notes(make_options(estimand={"intercurrent_events": events}))
    assert "illness: hypothetical" in note
    assert "stopped training" not in note
    assert estimand_notes(make_options()) == []
    assert "not an intercurrent event" in as_drawn[-1].estimand["missing_data"]


def test_people_of_the_two_forms_are_those_of_their_models(as_drawn):
    scores, _, result = as_drawn
    later = scores.loc[scores["session_id"] != "bl", "participant_id"].nunique()
    (note,) = count_notes(result)
    assert note.startswith(f"people analysed: {later} in the change form")
    assert f"{scores['participant_id'].nunique()} in the constrained form" in note
    models = result.models[result.models["analysis"] == "mmrm"]
    assert count_notes(replace(result, models=models)) == []


def test_a_note_of_several_networks_is_printed_once(compared):
    *_, result = compared
    assert any(note.startswith("whole_brain, default, motor: ") for note in result.notes)
