"""Derivatives behind Satterthwaite and Kenward-Roger, against finite differences and theory."""

import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.trial.models.covariance_models import FALL_BACK_ORDER, covariance_model
from brainage.trial.models.mmrm import fit_mmrm
from brainage.trial.models.model_frame import build_model_frame
from brainage.trial.models.reml import cross_products, differentiate, evaluate

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups, visits_of  # noqa: E402

SIGMA = np.array([[4.0, 1.8, 1.1], [1.8, 5.0, 2.2], [1.1, 2.2, 7.0]])


def numeric(function, at, step=1e-5):
    columns = []
    for k in range(len(at)):
        move = np.zeros(len(at))
        move[k] = step
        columns.append((function(at + move) - function(at - move)) / (2 * step))
    return np.array(columns)


@pytest.mark.parametrize("name", FALL_BACK_ORDER)
def test_derivatives_of_each_structure_match_finite_differences(name):
    model = covariance_model(name, 3)
    at = model.start(SIGMA)
    _, first, second = model.build(at)
    assert first == pytest.approx(numeric(lambda x: model.build(x)[0], at), abs=1e-7)
    expected = numeric(lambda x: model.build(x)[1], at)
    found = np.zeros_like(expected) if second is None else second
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", FALL_BACK_ORDER)
@pytest.mark.parametrize("by_arm", [False, True])
def test_gradient_and_hessian_of_the_likelihood_match_finite_differences(name, by_arm):
    data = follow_ups("three")
    frame = build_model_frame(
        data,
        response="change",
        arms=ARMS,
        visits=visits_of(data),
        covariates=("baseline_gap", "sex"),
    )
    products = cross_products(frame, by_arm=by_arm)
    model = covariance_model(name, 3)
    at = np.tile(model.start(SIGMA), products.n_groups)

    def slope(x):
        return differentiate(evaluate(x, model, products), products).gradient

    own = differentiate(evaluate(at, model, products), products)
    deviance = numeric(lambda x: np.array(evaluate(x, model, products).deviance), at)
    assert own.gradient == pytest.approx(deviance, rel=1e-5, abs=1e-5)
    assert own.observed == pytest.approx(numeric(slope, at), rel=1e-4, abs=1e-4)


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
