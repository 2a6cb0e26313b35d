"""Time of scan kept: by arm and visit, adjusted for, and said where arms differ."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.connectivity import FeatureTable
from brainage.trial import TrialInputs, compare_arms
from brainage.trial.results.schemas import DEPENDENCE


def with_times(scores, design, shorter_s):
    rng = np.random.default_rng(0)
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    late = (arm == "HRT") & (scores["session_id"] != "bl")
    kept = 600 + rng.normal(0, 10, len(scores)) - shorter_s * late
    rows = scores[["participant_id", "session_id", "age_years", "sex", "site", "mean_fd_mm"]]
    rows = rows.assign(scanner=None, family_id=None, retained_s=kept).reset_index(drop=True)
    return TrialInputs(features=FeatureTable({}, rows))


def test_arm_whose_scans_are_shorter_later_is_named_with_its_seconds(trial):
    scores, design = trial
    result = compare_arms(scores, design, more=with_times(scores, design, 120.0))
    table = result.tables["time_kept"].set_index(["arm", "visit"])
    assert table.loc[("HRT", "1 year"), "change_minus_control_s"] == pytest.approx(-120, abs=10)
    assert any("HRT at 1 year -1" in n and "length curve" in n for n in result.notes)
    row = result.sensitivity[result.sensitivity["analysis"] == "adjusted for the time of scan kept"]
    assert set(row["role"]) == {DEPENDENCE}
    same = compare_arms(scores, design, more=with_times(scores, design, 0.0))
    assert not any("length curve" in note for note in same.notes)


def test_without_features_it_does_not_apply(trial):
    scores, design = trial
    listed = compare_arms(scores, design).analyses.set_index("analysis").loc["time_kept"]
    assert listed["state"] == "does not apply"
    assert "not known" in listed["reason"]
