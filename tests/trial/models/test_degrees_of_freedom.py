"""Derivatives behind Satterthwaite and Kenward-Roger, against finite differences and theory."""

import sys
from pathlib import Path

import pytest

from brainage.trial.models.mmrm import fit_mmrm

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups, visits_of  # noqa: E402


def test_one_visit_gives_the_residual_degrees_of_freedom_both_ways():
    data = follow_ups("missing")
    data = data[data["visit"] == "v1"]
    options = {
        "response": "change",
        "arms": ARMS,
        "visits": ("v1",),
        "covariance_by_arm": False,
        "covariates": ("baseline_gap", "sex"),
        "errors": "model",
    }
    for method in ("satterthwaite", "kenward_roger"):
        found = fit_mmrm(data, degrees_of_freedom=method, **options).contrast("HRT", "v1")
        assert found.df == pytest.approx(len(data) - 5, rel=1e-7)


def test_kenward_roger_errors_are_not_smaller_than_the_unadjusted():
    data = follow_ups("small")
    options = {
        "response": "change",
        "arms": ARMS,
        "visits": visits_of(data),
        "covariates": ("baseline_gap",),
        "covariance_by_arm": False,
        "errors": "model",
    }
    plain = fit_mmrm(data, **options).contrast("HRT", "v1")
    adjusted = fit_mmrm(data, degrees_of_freedom="kenward_roger", **options).contrast("HRT", "v1")
    assert adjusted.estimate == plain.estimate
    assert adjusted.se >= plain.se
