"""Trend, dose within an arm, and the rows of one arm, each with what it rests on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.dose import (
    dose_response,
    dose_rows_of_arm,
    equal_contrast,
    trend_weights,
)

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)


def draw_people(n=80, *, seed=0, effect=-0.02):
    rng = np.random.default_rng(seed)
    arm = np.resize(["CON", "HRT"], n)
    sessions = np.where(arm == "HRT", np.round(rng.uniform(5, 100, n)), 0.0)
    change = effect * sessions + rng.normal(0, 1, n)
    return pd.DataFrame({"arm": arm, "sessions": sessions, "change": change})


def rows_of(people, **given):
    rows = dose_rows_of_arm(people, arm="HRT", control="CON", dose="sessions", **given)
    return {row["analysis"]: row for row in rows}


def test_trend_over_three_arms_is_half_of_highest_minus_control_and_is_named_so():
    weights = trend_weights(("CON", "MIT", "HRT"))
    means = {"CON": 0.3, "MIT": 5.0, "HRT": -1.7}
    assert sum(w * means[a] for a, w in weights.items()) == pytest.approx((-1.7 - 0.3) / 2)
    assert equal_contrast(weights) == "HRT - CON"


def test_trend_over_four_arms_is_a_contrast_of_its_own():
    weights = trend_weights(("a", "b", "c", "d"))
    assert sum(w * 2.5 * k for k, w in enumerate(weights.values())) == pytest.approx(2.5)
    assert equal_contrast(weights) is None


def test_doses_that_do_not_rise_are_refused():
    with pytest.raises(DesignError, match="rising dose"):
        trend_weights(("CON", "MIT"), (1.0, 1.0))


def test_dose_within_the_arm_matches_r():
    r = REFERENCE
    people = pd.DataFrame(r["two_stage"]["data"])
    found = dose_response(people[people["arm"] == 1], dose="sessions", covariates=("age", "sex"))
    assert found.estimate == pytest.approx(r["dose"]["slope"], rel=1e-8)
    assert found.se == pytest.approx(r["dose"]["se"], rel=1e-8)
    assert found.df == r["dose"]["df"]


def test_intention_to_treat_stands_first_and_each_row_says_what_it_rests_on():
    rows = dose_rows_of_arm(
        draw_people(), arm="HRT", control="CON", dose="sessions", thresholds=(13.0,)
    )
    assert [row["analysis"] for row in rows] == [
        "intention to treat",
        "complier average, per session",
        "complier average, threshold",
        "sessions within the arm",
    ]
    assert "exclusion" in rows[1]["reads"]
    assert "monotonicity" in rows[1]["reads"]
    assert "one-sided access" in rows[1]["reads"]
    assert "no effect below 13 sessions" in rows[2]["reads"]
    assert rows[3]["reads"].startswith("observational")


def test_controls_without_a_record_attended_none():
    people = draw_people()
    blank = people.assign(sessions=people["sessions"].where(people["arm"] == "HRT"))
    for name, row in rows_of(people).items():
        estimate = rows_of(blank)[name]["estimate_years"]
        assert estimate == pytest.approx(row["estimate_years"], rel=1e-12)


def test_threshold_under_a_linear_effect_is_larger_than_the_effect_of_attending():
    people = draw_people(4000, effect=-0.02)
    per_session = rows_of(people, thresholds=(50.0,))
    attended = people.loc[people["sessions"] >= 50, "sessions"].mean()
    true_of_those_above = -0.02 * attended
    assert per_session["complier average, threshold"]["estimate_years"] < 1.2 * true_of_those_above


def test_no_recorded_sessions_is_a_row_that_says_so():
    people = draw_people().assign(sessions=np.nan)
    rows = rows_of(people)
    assert all(row["reads"].startswith("not run: ") for row in rows.values())
    assert all(np.isnan(row["estimate_years"]) for row in rows.values())


def test_people_of_the_arm_without_a_record_are_left_out_and_counted():
    people = draw_people()
    first = people.index[people["arm"] == "HRT"][0]
    people.loc[first, "sessions"] = np.nan
    row = rows_of(people)["complier average, per session"]
    assert row["n"] == len(people) - 1
    assert "1 of HRT left out, sessions not recorded" in row["reads"]
