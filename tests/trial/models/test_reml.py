"""The restricted likelihood and its derivatives."""

import sys
from pathlib import Path

import numpy as np
import pytest

from brainage.trial.models.covariance_models import FALL_BACK_ORDER, covariance_model
from brainage.trial.models.model_frame import build_model_frame
from brainage.trial.models.reml import (
    FitFailure,
    cross_products,
    differentiate,
    evaluate,
    maximise,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups, visits_of  # noqa: E402

SIGMA = np.array([[4.0, 1.8, 1.1], [1.8, 5.0, 2.2], [1.1, 2.2, 7.0]])


@pytest.mark.parametrize("name", FALL_BACK_ORDER)
@pytest.mark.parametrize("by_arm", [False, True])
def test_gradient_and_hessian_of_the_likelihood_match_finite_differences(name, by_arm, numeric):
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


def test_likelihood_of_independent_visits_is_that_of_least_squares():
    data = follow_ups("three")
    frame = build_model_frame(
        data, response="change", arms=ARMS, visits=visits_of(data), covariates=("sex",)
    )
    products = cross_products(frame)
    point = evaluate(np.array([4.0, 0.0]), covariance_model("compound symmetry", 3), products)
    x, y = frame.design, frame.response
    beta, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
    n_free = len(y) - x.shape[1]
    # Harville (1974): -2 log L of residuals, variance 4.
    expected = (
        n_free * np.log(2 * np.pi)
        + len(y) * np.log(4.0)
        + np.linalg.slogdet(x.T @ x / 4.0)[1]
        + rest[0] / 4.0
    )
    assert point.deviance == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(point.beta, beta, rtol=1e-9)
    assert products.n_rows == len(y)


def test_maximum_of_a_balanced_exchangeable_trial_is_in_closed_form():
    # Nobody missing, cells alone: mean squares between and within people give both variances.
    data = follow_ups("complete")
    frame = build_model_frame(data, response="change", arms=ARMS, visits=("v1", "v2"))
    products = cross_products(frame)
    model = covariance_model("compound symmetry", 2)
    point, slopes = maximise(model, products, np.eye(2))
    values = frame.response.reshape(-1, 2)
    arm = frame.arm.reshape(-1, 2)[:, 0]
    rest = values - np.stack([values[arm == a].mean(axis=0) for a in range(3)])[arm]
    n_free = len(values) - 3
    between = (rest.sum(axis=1) ** 2).sum() / 2 / n_free
    within = (np.diff(rest, axis=1) ** 2).sum() / 2 / n_free
    expected = [(between + within) / 2, (between - within) / 2]
    np.testing.assert_allclose(point.sigma[0, 0], expected, rtol=1e-7)
    np.testing.assert_allclose(slopes.gradient, 0, atol=1e-5)


def test_visits_never_seen_together_are_not_identified():
    data = follow_ups("complete")
    half = data["participant_id"] < "p045"
    apart = data[half == (data["visit"] == "v1")]
    frame = build_model_frame(apart, response="change", arms=ARMS, visits=("v1", "v2"))
    with pytest.raises(FitFailure, match="not identified"):
        maximise(covariance_model("unstructured", 2), cross_products(frame), np.eye(2))
