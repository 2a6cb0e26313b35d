"""Two-stage least squares equals R's by hand, and finds a planted effect of those who trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.complier import complier_effect

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)


def effect_of(values: dict):
    people = pd.DataFrame(values["data"]).assign(
        arm=lambda d: np.where(d["arm"] == 1, "HRT", "CON")
    )
    return complier_effect(
        people, arm="HRT", control="CON", dose="sessions", covariates=("age", "sex")
    )


def test_two_stage_estimate_and_errors_match_r():
    r = REFERENCE["two_stage"]
    found = effect_of(r)
    assert found.effect.estimate == pytest.approx(r["estimate"], rel=1e-8)
    assert found.effect.se == pytest.approx(r["se"], rel=1e-8)
    assert found.effect.df == r["df"]
    assert found.effect.ci_low == pytest.approx(r["low"], rel=1e-8)
    assert found.effect.ci_high == pytest.approx(r["high"], rel=1e-8)
    assert found.first_stage.estimate == pytest.approx(r["first"], rel=1e-8)
    assert found.first_stage_f == pytest.approx(r["first_f"], rel=1e-8)
    assert found.intention_to_treat.estimate == pytest.approx(r["itt"], rel=1e-8)
    assert found.intention_to_treat.se == pytest.approx(r["itt_se"], rel=1e-8)


def test_anderson_rubin_region_matches_the_test_inverted_in_r():
    r = REFERENCE["two_stage"]
    found = effect_of(r)
    assert found.anderson_rubin_region == "interval"
    assert found.anderson_rubin_low == pytest.approx(r["ar_low"], abs=1e-9)
    assert found.anderson_rubin_high == pytest.approx(r["ar_high"], abs=1e-9)
    assert found.anderson_rubin_p == pytest.approx(r["ar_p"], rel=1e-8)


def test_region_of_a_weak_instrument_keeps_what_r_keeps_and_is_unbounded():
    r = REFERENCE["weak"]
    found = effect_of(r)
    assert found.first_stage_f < 10
    assert found.anderson_rubin_region in ("two rays", "every value")
    low, high = found.anderson_rubin_low, found.anderson_rubin_high
    kept = [
        found.anderson_rubin_region == "every value" or not low < value < high
        for value in r["grid"]
    ]
    assert kept == r["kept"]


def test_effect_per_session_times_sessions_is_the_intention_to_treat():
    found = effect_of(REFERENCE["two_stage"])
    product = found.effect.estimate * found.first_stage.estimate
    assert product == pytest.approx(found.intention_to_treat.estimate, rel=1e-10)


def test_planted_effect_of_those_who_attend_is_recovered_although_they_differ():
    rng = np.random.default_rng(5)
    estimates = []
    for _ in range(200):
        arm = np.resize([0, 1], 200)
        ease = rng.normal(size=200)
        sessions = arm * np.maximum(0, 60 + 25 * ease)
        change = -0.02 * sessions + 1.5 * ease + rng.normal(0, 2, 200)
        people = pd.DataFrame(
            {"arm": np.where(arm, "HRT", "CON"), "sessions": sessions, "change": change}
        )
        found = complier_effect(people, arm="HRT", control="CON", dose="sessions")
        estimates.append(found.effect.estimate)
    mean, se = np.mean(estimates), np.std(estimates) / np.sqrt(200)
    assert abs(mean + 0.02) < 3 * se
    assert se < 0.001


def test_arm_without_sessions_is_named():
    people = pd.DataFrame(
        {"arm": ["CON", "CON", "HRT", "HRT"] * 2, "sessions": 0.0, "change": np.arange(8.0)}
    )
    with pytest.raises(DesignError, match="nobody in the arm has sessions above 0"):
        complier_effect(people, arm="HRT", control="CON", dose="sessions")


def test_one_person_an_arm_is_refused():
    people = pd.DataFrame(
        {"arm": ["CON", "CON", "HRT"], "sessions": [0, 0, 9], "change": [0.0, 1, 2]}
    )
    with pytest.raises(DesignError, match="two people an arm"):
        complier_effect(people, arm="HRT", control="CON", dose="sessions")
