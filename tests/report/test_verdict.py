"""The sentences of the answer: which holds when."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from brainage.report import StudyResults
from brainage.report.verdict import SENTENCES, verdict, verdict_keys

_SPEC = importlib.util.spec_from_file_location("made", Path(__file__).with_name("conftest.py"))
_MADE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MADE)


def answered(*, estimate, low, high, p, **changes):
    contrasts = _MADE.contrast_rows()
    columns = ["estimate_years", "ci_low_years", "ci_high_years", "p_value"]
    contrasts.loc[0, columns] = [estimate, low, high, p]
    for name in ("prespecified",):
        if name in changes:
            contrasts[name] = changes.pop(name)
    return _MADE.make_results(contrasts=contrasts, **changes)


def keys(results):
    return [key for key, _ in verdict_keys(results)]


@pytest.mark.parametrize(
    ("numbers", "key", "words"),
    [
        ((-2.0, -3.0, -1.0, 1e-4), "younger", "strong evidence"),
        ((-2.0, -3.9, -0.1, 0.004), "younger", "There is evidence that"),
        ((-2.0, -3.9, -0.1, 0.04), "younger", "weak evidence"),
        ((2.0, 0.5, 3.5, 0.01), "older", "looked older"),
        ((-0.4, -1.4, 0.6, 0.4), "no evidence", "no evidence of a difference"),
        ((float("nan"), float("nan"), float("nan"), float("nan")), "not estimated", "could not"),
    ],
)
def test_direction_and_strength_follow_the_interval_and_p(numbers, key, words):
    estimate, low, high, p = numbers
    results = answered(estimate=estimate, low=low, high=high, p=p)
    assert keys(results)[0] == key
    assert words in verdict(results)[0]


def test_no_difference_found_is_never_called_no_effect():
    said = " ".join(verdict(answered(estimate=0.1, low=-1, high=1.2, p=0.8))).lower()
    assert "no evidence of a difference" in said
    assert "no effect" not in said
    assert all("no effect" not in words.lower() for words in SENTENCES.values())


@pytest.mark.parametrize(
    ("written", "prespecified", "key"),
    [
        ("beforehand", True, "planned beforehand"),
        ("by the comparison", True, "planned by this comparison"),
        ("after a comparison", False, "post hoc"),
        (None, False, "post hoc"),
    ],
)
def test_who_planned_is_said_as_it_was(written, prespecified, key):
    results = answered(
        estimate=-1, low=-2, high=-0.5, p=0.01, plan_written=written, prespecified=prespecified
    )
    assert keys(results)[1] == key


def test_a_clock_that_shows_nothing_is_said_first_and_is_not_called_good():
    why = {"whole_brain": "its skill is -0.02", "Default": "r is -0.1"}
    results = answered(estimate=-3, low=-4, high=-2, p=1e-9, shows_nothing=why)
    said = keys(results)
    assert said[:3] == ["clock shows nothing", "network clocks show nothing", "younger"]
    assert "clock is good" not in said
    assert "its skill is -0.02" in verdict(results)[0]


def test_a_good_clock_beside_networks_that_show_nothing_is_not_said_to_be_like_them():
    results = answered(
        estimate=-1, low=-2, high=-0.5, p=0.01, shows_nothing={"Default": "r is -0.1"}
    )
    said = keys(results)
    assert said.index("network clocks show nothing") == said.index("clock is good") + 1
    assert any(
        "The clocks of these networks show nothing of age: Default." in line
        for line in verdict(results)
    )


def test_a_good_clock_is_given_with_the_median_beside_it():
    said = verdict(answered(estimate=-1, low=-2, high=-0.5, p=0.01))
    assert any("4.20 years" in line and "13.00 years" in line for line in said)


def test_scores_made_elsewhere_say_nothing_of_a_clock_that_nobody_knows():
    results = _MADE.make_results(metrics=None, predictions=None, scores=_MADE.contrast_rows())
    assert "clock is unknown" in keys(results)


def test_extraction_alone_and_nothing_at_all():
    scans = _MADE.make_results().scans
    assert verdict(StudyResults(title="x", scans=scans)) == (
        "28 of 30 scans became parcel series; 2 did not.",
    )
    assert keys(StudyResults(title="x")) == ["nothing"]
    # A page of nothing says what is missing and what makes it.
    (words,) = verdict(StudyResults(title="x"))
    assert "nothing was extracted, trained" in words
    assert "`brainage run`" in words
