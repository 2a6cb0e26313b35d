"""Time of scan kept: by arm and visit, adjusted for, and said where arms differ."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.connectivity import FeatureTable
from brainage.trial import TrialInputs, compare_arms
from brainage.trial.results.schemas import DEPENDENCE

CURVE = {
    "cut": "cut after filtering",
    "mean_age_years": 50.0,
    "sd_age_years": 15.0,
    "retained_s": 600.0,
    "rows": [
        {"loss": loss, "share_kept": 0.5, "n": 100, "shift_years": years, "slope_on_age": 0.0}
        for loss, years in (("contiguous", 2.4), ("scattered", 0.8))
    ],
}


def with_times(scores, design, shorter_s, clocks=None):
    rng = np.random.default_rng(0)
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    late = (arm == "HRT") & (scores["session_id"] != "bl")
    kept = 600 + rng.normal(0, 10, len(scores)) - shorter_s * late
    rows = scores[["participant_id", "session_id", "age_years", "sex", "site", "mean_fd_mm"]]
    rows = rows.assign(scanner=None, family_id=None, retained_s=kept).reset_index(drop=True)
    return TrialInputs(features=FeatureTable({}, rows), clocks=clocks or {})


def test_arm_whose_scans_are_shorter_later_is_named_with_its_seconds(trial, ran):
    scores, design = trial
    result = compare_arms(scores, design, more=with_times(scores, design, 120.0))
    table = result.tables["time_kept"].set_index(["arm", "visit"])
    assert table.loc[("HRT", "1 year"), "change_minus_control_s"] == pytest.approx(-120, abs=10)
    assert any("HRT at 1 year -1" in n and "length curve" in n for n in result.notes)
    row = result.sensitivity[result.sensitivity["analysis"] == "adjusted for the time of scan kept"]
    assert set(row["role"]) == {DEPENDENCE}
    same = ran("time_kept", scores, design, **vars(with_times(scores, design, 0.0)))
    assert not any("length curve" in note for note in same.result.notes)


def test_years_come_from_the_clocks_length_curve(trial, ran):
    scores, design = trial
    clocks = {"whole_brain": {"length_curve": CURVE}}
    inputs = vars(with_times(scores, design, 120.0, clocks))
    result = ran("time_kept", scores, design, **inputs).result
    row = result.tables["time_kept"].set_index(["arm", "visit"]).loc[("HRT", "1 year")]
    # 480 s of 600: 1 / share = 1.25, a quarter of the way to the shift at one half.
    assert row["shift_if_scattered_years"] == pytest.approx(0.8 * 0.25, abs=0.03)
    assert row["shift_if_contiguous_years"] == pytest.approx(2.4 * 0.25, abs=0.08)
    assert row["n_beyond_curve"] == 0
    note = next(n for n in result.notes if "time of scan kept changed" in n)
    assert "+0.2 years if volumes were lost in bursts and +0.6 if scans ended early" in note


def test_years_are_those_of_the_trials_ages_not_of_the_references(trial, ran):
    scores, design = trial
    rows = [row | {"slope_on_age": 0.1} for row in CURVE["rows"]]
    clocks = {"whole_brain": {"length_curve": CURVE | {"rows": rows, "retained_s": None}}}
    inputs = vars(with_times(scores, design, 300.0, clocks))
    table = ran("time_kept", scores, design, **inputs).result.tables["time_kept"]
    row = table.set_index(["arm", "visit"]).loc[("HRT", "1 year")]
    found = row["shift_if_contiguous_years"]
    # Half of each scan is left, of people some 67 years old where the curve's are 50.
    assert found == pytest.approx(2.4 + 0.1 * (scores["age_years"].mean() - 50.0), abs=0.3)


def test_arm_that_loses_the_same_of_every_scan_is_warned_of_although_nothing_can_be_fitted(
    trial, ran
):
    scores, design = trial
    clocks = {"whole_brain": {"length_curve": CURVE}}
    more = with_times(scores, design, 0.0, clocks)
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    late = ((arm == "HRT") & (scores["session_id"] != "bl")).to_numpy()
    rows = more.features.rows.assign(retained_s=np.where(late, 300.0, 600.0))
    features = FeatureTable({}, rows)
    result = ran("time_kept", scores, design, features=features, clocks=clocks).result
    row = result.tables["time_kept"].set_index(["arm", "visit"]).loc[("HRT", "1 year")]
    assert row["change_minus_control_s"] == pytest.approx(-300)
    assert np.isnan(row["p_value"])
    note = next(n for n in result.notes if "time of scan kept changed" in n)
    assert "+0.8 years if volumes were lost in bursts and +2.4 if scans ended early" in note


def test_scans_shorter_than_the_curve_are_counted_and_given_no_years(trial, ran):
    scores, design = trial
    clocks = {"whole_brain": {"length_curve": CURVE}}
    inputs = vars(with_times(scores, design, 400.0, clocks))
    result = ran("time_kept", scores, design, **inputs).result
    row = result.tables["time_kept"].set_index(["arm", "visit"]).loc[("HRT", "1 year")]
    assert row["n_beyond_curve"] > 0
    assert np.isnan(row["shift_if_scattered_years"])


def test_times_of_the_scores_do_without_features(trial, ran):
    scores, design = trial
    rows = with_times(scores, design, 120.0).features.rows[
        ["participant_id", "session_id", "retained_s"]
    ]
    timed = scores.drop(columns="retained_s", errors="ignore").merge(
        rows, on=["participant_id", "session_id"]
    )
    table = ran("time_kept", timed, design).result.tables["time_kept"].set_index(["arm", "visit"])
    assert table.loc[("HRT", "1 year"), "change_minus_control_s"] == pytest.approx(-120, abs=10)


def test_without_features_it_does_not_apply(as_drawn):
    scores, design, plain = as_drawn
    listed = plain.analyses.set_index("analysis").loc["time_kept"]
    assert listed["state"] == "does not apply"
    assert "not known" in listed["reason"]
