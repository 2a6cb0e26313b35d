"""Structures of the visits' covariance: what they say, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial.models.covariance_models import FALL_BACK_ORDER, covariance_model

SIGMA = np.array([[4.0, 1.8, 1.1], [1.8, 5.0, 2.2], [1.1, 2.2, 7.0]])


@pytest.mark.parametrize("name", FALL_BACK_ORDER)
def test_derivatives_of_each_structure_match_finite_differences(name, numeric):
    model = covariance_model(name, 3)
    at = model.start(SIGMA)
    _, first, second = model.build(at)
    assert first == pytest.approx(numeric(lambda x: model.build(x)[0], at), abs=1e-7)
    expected = numeric(lambda x: model.build(x)[1], at)
    found = np.zeros_like(expected) if second is None else second
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("AR(1)", [2.0, 0.5], [[4, 2, 1], [2, 4, 2], [1, 2, 4]]),
        ("compound symmetry", [3.0, 1.0], [[4, 1, 1], [1, 4, 1], [1, 1, 4]]),
        ("Toeplitz", [4.0, 2.0, 1.0], [[4, 2, 1], [2, 4, 2], [1, 2, 4]]),
        ("heterogeneous AR(1)", [1.0, 2.0, 4.0, 0.5], [[1, 1, 1], [1, 4, 4], [1, 4, 16]]),
        (
            "heterogeneous compound symmetry",
            [1.0, 2.0, 4.0, 0.5],
            [[1, 1, 2], [1, 4, 4], [2, 4, 16]],
        ),
        ("unstructured", [4, 1.8, 5, 1.1, 2.2, 7], SIGMA),
    ],
)
def test_parameters_make_the_matrix_of_their_structure(name, parameters, expected):
    matrix, *_ = covariance_model(name, 3).build(np.array(parameters, dtype=float))
    np.testing.assert_allclose(matrix, expected, atol=1e-12)


@pytest.mark.parametrize("name", FALL_BACK_ORDER)
def test_start_near_a_matrix_of_the_structure_is_that_matrix(name):
    model = covariance_model(name, 3)
    own, *_ = model.build(model.start(SIGMA))
    again, *_ = model.build(model.start(own))
    np.testing.assert_allclose(again, own, rtol=1e-10)


@pytest.mark.parametrize("parameters", [[-1.0, 0.5], [1.0, 1.0]])
def test_no_spread_or_full_correlation_is_no_covariance(parameters):
    with pytest.raises(np.linalg.LinAlgError, match="not positive|not inside"):
        covariance_model("AR(1)", 3).build(np.array(parameters))
