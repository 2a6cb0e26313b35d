"""Influence: closed-form deletions are the deletions, sites and people named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.trial.analyses.influence import deletion_effects
from brainage.trial.analyses.repeated_measures import main_model
from brainage.trial.models.mmrm import fit_mmrm

sys.path.insert(0, str(Path(__file__).parent.parent))
from r_reference import ARMS, follow_ups, visits_of  # noqa: E402


def test_deletion_with_the_covariance_kept_is_least_squares_without_the_person():
    data = follow_ups("missing")
    visits = visits_of(data)
    fit = fit_mmrm(data, response="change", arms=ARMS, visits=visits, covariates=("baseline_gap",))
    weights = fit.contrast_weights("HRT", visits[-1])
    moved = deletion_effects(fit, weights)
    frame = fit.frame
    shared = "all arms" in fit.covariance
    for gone in (0, 7, 20):
        information, right = 0.0, 0.0
        for person in set(frame.person) - {gone}:
            rows = frame.person == person
            arm = frame.arms[frame.arm[rows][0]]
            sigma = fit.covariance["all arms" if shared else arm].to_numpy()
            w = np.linalg.inv(sigma[np.ix_(frame.visit[rows], frame.visit[rows])])
            information = information + frame.design[rows].T @ w @ frame.design[rows]
            right = right + frame.design[rows].T @ w @ frame.response[rows]
        without = weights @ np.linalg.solve(information, right)
        everybody = weights @ fit.coefficients.to_numpy()
        assert moved[gone] == pytest.approx(without - everybody, abs=1e-9)


def primary_estimate(inputs):
    design, fit = inputs.design, main_model(inputs)
    return fit.contrast(design.primary_arm, design.primary_visit).estimate


def test_ten_people_are_left_out_one_by_one_the_most_influential_first(trial, ran, inputs_of):
    scores, design = trial
    arm = design.allocation.set_index("participant_id")["arm"]
    person = arm.index[arm == "HRT"][0]
    far = (scores["participant_id"] == person) & (scores["session_id"] == "1y")
    odd = scores.assign(gap_corrected_years=scores["gap_corrected_years"] + 60.0 * far)
    table = ran("influence", odd, design).result.tables["influence"]
    assert len(table) == 10
    assert table["participant_id"].iloc[0] == person
    bare = primary_estimate(inputs_of(odd[odd["participant_id"] != person], design))
    assert table["estimate_years"].iloc[0] == pytest.approx(bare)
    moved = table["estimate_years"] - primary_estimate(inputs_of(odd, design))
    np.testing.assert_allclose(table["moved_years"], moved)


def test_each_site_is_left_out_and_one_site_is_not(as_drawn, ran, inputs_of):
    scores, design, plain = as_drawn
    two = scores.assign(site=np.where(scores["participant_id"] < "030", "one", "two"))
    table = ran("leave_one_site_out", two, design).result.tables["leave_one_site_out"]
    table = table.set_index("site")
    assert list(table.index) == ["one", "two"]
    alone = primary_estimate(inputs_of(two[two["site"] == "two"], design))
    assert table.loc["one", "estimate_years"] == pytest.approx(alone)
    listed = plain.analyses.set_index("analysis")
    assert listed.loc["leave_one_site_out", "state"] == "does not apply"
