"""Who is missing, and the years that would overturn the contrast."""

from __future__ import annotations

import pytest

from brainage.trial import TrialDesign, compare_arms
from brainage.trial.analyses.missing_scans import delta_adjusted
from brainage.trial.models.lsmeans import t_estimate


def test_who_is_missing_counts_people_with_a_baseline(as_drawn):
    scores, design, result = as_drawn
    who = result.tables["who_is_missing"]
    arm = who[(who["variable"] == "arm") & (who["visit"] == "2 years")]
    seen = scores[scores["session_id"] == "2y"]
    assert arm["n_seen"].sum() == len(seen)
    assert arm["n_seen"].sum() + arm["n_missing"].sum() == 60
    gap = who[(who["variable"] == "baseline gap (years)") & (who["visit"] == "2 years")].iloc[0]
    first = scores[scores["session_id"] == "bl"].set_index("participant_id")["gap_corrected_years"]
    there = first.index.isin(seen["participant_id"])
    assert gap["difference"] == pytest.approx(first[~there].mean() - first[there].mean())


def test_nothing_added_is_the_primary_contrast_and_the_tipping_point_is_named(as_drawn):
    scores, design, result = as_drawn
    table = result.tables["tipping_point"].set_index(["added_active_years", "added_control_years"])
    assert table.loc[(0.0, 0.0), "estimate_years"] == pytest.approx(result.primary.estimate_years)
    share = table["share_missing_active"].iloc[0]
    moved = table.loc[(2.0, 0.0), "estimate_years"] - table.loc[(0.0, 0.0), "estimate_years"]
    assert moved == pytest.approx(2 * share)
    assert any(note.startswith("missing scans:") for note in result.notes)


def test_years_that_are_named_bring_p_to_five_percent():
    plain = t_estimate(-2.0, 0.5, 80.0)
    edge = plain.ci_high - plain.estimate
    needed = (-edge - plain.estimate) / 0.2
    assert delta_adjusted(plain, (needed, 0.0), [0.2, 0.1]).p_value == pytest.approx(0.05)


def test_nobody_missing_does_not_apply(make_trial, make_options):
    scores, allocation = make_trial(missing=0.0)
    design = TrialDesign.from_options(make_options(), allocation)
    listed = compare_arms(scores, design).analyses.set_index("analysis").loc["missing_scans"]
    assert listed["state"] == "does not apply"
