"""Every problem of a study file names its place, what was expected and what was found."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.config import StudyConfig
from brainage.config.problems import describe


def told(values, lines):
    with pytest.raises(ValidationError) as caught:
        StudyConfig.model_validate(values)
    return describe(caught.value, StudyConfig, where="study.yaml", lines=lines)


def test_all_problems_are_told_at_once_each_with_its_line():
    values = {"science": {"seed": -1, "clock": {"estimatr": "ridge"}}}
    problems = told(values, {"science.seed": 2, "science.clock.estimatr": 4})
    assert len(problems) == 2
    seed = "study.yaml line 2: science.seed: expected a number at least 0, found -1."
    assert seed in problems
    assert any("line 4" in p and "unknown key" in p and "'estimator'" in p for p in problems)


def test_a_key_that_set_gave_is_said_to_be_from_there():
    (problem,) = told({"science": {"seed": "x"}}, {"science.seed": None})
    assert problem.startswith("--set: science.seed")
