"""Every item is answered from the record, or not known."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.report import StudyResults
from brainage.stages.report_checklist import NOT_KNOWN, checklist

TRIAL = {
    "arms": ["CON", "EX"],
    "control_arm": "CON",
    "primary_visit": "end",
    "visits": [
        {"label": "start", "session_id": "1", "nominal_years": 0},
        {"label": "end", "session_id": "2", "nominal_years": 1},
    ],
}
FLOW = pd.DataFrame(
    {"arm": ["CON", "EX", "EX"], "visit": "end", "analysed": [9, 8, 7], "excluded": [1, 0, 2]}
)


def answers(results, *, science=None, paths=None):
    study = study_from_mapping({"science": science or {}, "paths": paths or {}})
    return {item: answer for item, answer, _ in checklist(study, results)}


def of_trial(**fields):
    results = StudyResults(title="t", contrasts=pd.DataFrame(), flow=FLOW, **fields)
    return answers(results, science={"trial": TRIAL})


def test_nothing_that_ran_is_nothing_to_ask():
    assert answers(StudyResults(title="t")) == {}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("beforehand", "written before the comparison, hash in every row"),
        ("by the comparison", "no: written by the comparison itself"),
        ("after a comparison", "no: written after arms had been compared"),
        ("no plan", "no plan"),
    ],
)
def test_plan_is_told_by_when_it_was_written(written, words):
    found = of_trial(plan_written=written)
    assert found["Statistical analysis plan before the arms were known"].startswith(words)


def test_numbers_are_those_of_the_flow_and_what_nobody_told_is_not_known():
    found = of_trial()
    assert found["Numbers analysed"] == "people with a change from baseline: CON: 9, EX: 8"
    assert found["Participant flow with losses and reasons"].endswith("3 scan(s) excluded")
    assert found["Harms"] == found["Registration and protocol"] == NOT_KNOWN
    assert found["Baseline table by arm, without tests"] == NOT_KNOWN


def test_motion_is_both_shown_only_where_an_analysis_was_adjusted_for_it():
    item = "Motion by arm and visit, and an analysis adjusted for it"
    metrics = pd.DataFrame({"metric": ["MAE", "MAE_median"], "estimate": [4.2, 13.0]})
    motion = pd.DataFrame({"mean_fd_mm": [0.1]})
    sensitivity = pd.DataFrame({"analysis": ["adjusted for motion"]})
    for fields, words in (
        ({}, NOT_KNOWN),
        ({"motion": motion}, "motion shown; no analysis adjusted for it"),
        ({"motion": motion, "sensitivity": sensitivity}, "both shown"),
    ):
        assert answers(StudyResults(title="t", metrics=metrics, **fields))[item] == words


def test_clock_of_another_lab_is_not_said_to_be_nested():
    metrics = pd.DataFrame({"metric": ["MAE", "MAE_median"], "estimate": [4.2, 13.0]})
    results = StudyResults(title="t", metrics=metrics)
    item = "Accuracy on uncorrected out-of-fold predictions, with the median predictor"
    assert answers(results)[item] == "MAE 4.20 years, median 13.00 years"
    lent = answers(results, paths={"clock": "lent.clock"})
    assert lent[item] == f"{NOT_KNOWN} (made elsewhere)"
    assert lent["Harmonisation cannot absorb the treatment"].startswith(NOT_KNOWN)


def test_scanner_and_scan_length_are_answered_from_what_was_done():
    analyses = pd.DataFrame(
        [
            ("scanner", "adjusted for scanner change", "done", None),
            ("scanner_covariate", "scanner as covariate", "does not apply", "all scans are of one"),
        ],
        columns=["analysis", "title", "state", "reason"],
    )
    results = StudyResults(
        title="t", scores=pd.DataFrame(), analyses=analyses, length_words="not known: matrices"
    )
    found = answers(results)
    asked = "A scanner that changes between visits"
    assert found[asked] == "adjusted for scanner change; all scans are of one"
    assert found["Predictions that move with the length of a scan"] == "not known: matrices"
    assert answers(StudyResults(title="t", scores=pd.DataFrame()))[asked] == "no trial"


def test_people_who_were_scanned_twice_are_not_said_to_have_no_repeated_scans():
    asked = "Reliability from repeated scans"
    twice = pd.DataFrame({"participant_id": ["a", "a", "b"], "session_id": ["1", "2", "1"]})
    assert answers(StudyResults(title="t", scores=twice))[asked].startswith("not shown")
    assert answers(StudyResults(title="t", scores=twice[1:]))[asked] == "no repeated scans"
