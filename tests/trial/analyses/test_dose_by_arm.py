"""Questions of dose by arm and visit."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.dose_by_arm import dose_table
from brainage.trial.analyses.repeated_measures import fit_changes

ASKED = {"dose_column": "sessions", "dose": {"thresholds": [13.0]}}


def with_sessions(allocation, sessions):
    return allocation.assign(sessions=np.where(allocation["arm"] == "CON", 0.0, sessions))


def test_trend_over_three_arms_is_half_of_highest_minus_control(inputs_of, make_options, trial):
    scores, design = trial
    people = with_sessions(design.allocation, 30.0)
    inputs = inputs_of(scores, TrialDesign(make_options(**ASKED), people))
    table = dose_table(inputs)
    trend = table[table["analysis"] == "trend over arms"].set_index("visit")
    assert (trend["same_as"] == "HRT - CON").all()
    fit = fit_changes(inputs.changes, inputs.design)
    for visit in ("1 year", "2 years"):
        half = fit.contrast("HRT", visit).estimate / 2
        assert trend.at[visit, "estimate_years"] == pytest.approx(half, rel=1e-9)


def test_no_recorded_sessions_and_no_column_are_reasons(inputs_of, make_options, trial):
    scores, design = trial
    empty = TrialDesign(make_options(**ASKED), design.allocation.assign(sessions=np.nan))
    with pytest.raises(DesignError, match="no sessions attended are recorded"):
        dose_table(inputs_of(scores, empty))
    with pytest.raises(DesignError, match="found no name of one"):
        dose_table(inputs_of(scores, design))


def test_one_active_arm_has_no_trend_and_the_rest(inputs_of, make_options, trial):
    scores, design = trial
    allocation = design.allocation
    two = allocation[allocation["arm"] != "MIT"].reset_index(drop=True)
    sessions = np.random.default_rng(0).uniform(5, 40, len(two)).round()
    kept = scores[scores["participant_id"].isin(two["participant_id"])]
    used = TrialDesign(make_options(arms=["CON", "HRT"], **ASKED), with_sessions(two, sessions))
    dose = dose_table(inputs_of(kept, used))
    assert "trend over arms" not in set(dose["analysis"])
    assert dose["estimate_years"].notna().all()
