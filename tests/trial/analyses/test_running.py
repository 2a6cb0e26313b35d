"""An analysis that cannot be done is listed with its reason and stops nothing."""

from __future__ import annotations

import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.levakov import LEVAKOV_OUTCOME
from brainage.trial.analyses.record import Analysis, AnalysisResult, NothingToDo
from brainage.trial.analyses.running import grouped_notes, run_analyses, run_notes


def of(key, run, **given):
    return Analysis(key, lambda _: f"the {key}", words="", settings=(), run=run, **given)


def refuse(_inputs):
    raise DesignError("too few people.")


def leave(_inputs):
    raise NothingToDo("nobody changed scanner")


def test_levakov_that_cannot_be_computed_does_not_stop_the_others(trial, inputs_of):
    scores, design = trial
    same = scores.assign(age_years=scores["session_id"].map({"bl": 65.0, "1y": 66.0, "2y": 67.0}))
    other = of("other", lambda _: AnalysisResult())
    runs = run_analyses([LEVAKOV_OUTCOME, other], inputs_of(same, design))
    assert [each.state for each in runs] == ["not run", "done"]
    assert run_notes(runs) == [f"analysis 'levakov' was not done: {runs[0].reason}"]
    assert runs[0].reason.startswith("Levakov's outcome: ages at baseline do not vary")


def test_states_and_reasons_are_those_of_the_analyses(inputs):
    records = [
        of("refused", refuse),
        of("left", leave),
        of("lacking", leave, needs=lambda _: ("outcomes", "clocks")),
        of("titled", lambda _: AnalysisResult(title="by another name", notes=("so",))),
    ]
    told = []
    runs = run_analyses(records, inputs, progress=lambda *words: told.append(words))
    assert [(each.state, each.reason) for each in runs[:2]] == [
        ("not run", "too few people."),
        ("does not apply", "nobody changed scanner"),
    ]
    assert runs[2].state == "not run"
    assert "paths.outcomes), which was not given and the clocks behind" in runs[2].reason
    assert told[-1] == (4, 4, "by another name")
    # What does not apply is not worth a note.
    assert [note.split(":")[0] for note in run_notes(runs)] == [
        "analysis 'the refused' was not done",
        "analysis 'the lacking' was not done",
        "by another name",
    ]


def test_mistake_of_the_program_is_no_reason(inputs):
    with pytest.raises(ZeroDivisionError):
        run_analyses([of("wrong", lambda _: 1 / 0)], inputs)


def test_a_note_that_several_say_is_printed_once_with_their_names():
    pairs = [("a", "left out"), ("b", "fell back"), ("c", "left out")]
    assert grouped_notes(pairs) == ["a, c: left out", "b: fell back"]
