"""The joint test: one combination is its t squared, repeated ones do not count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brainage.errors import DesignError
from brainage.trial.models.joint_test import joint_test

VCOV = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 3.0]])
BETA = np.array([1.0, -2.0, 0.5])


def error_of(weights):
    return float(np.sqrt(weights @ VCOV @ weights)), 25.0


def test_one_combination_is_its_t_test():
    weights = np.array([[1.0, -1.0, 0.0]])
    found = joint_test(weights, BETA, VCOV, error_of=error_of)
    t = weights[0] @ BETA / error_of(weights[0])[0]
    assert found.statistic == pytest.approx(t**2)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 25))


def test_wald_statistic_and_rank_whatever_the_rows_span():
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    found = joint_test(weights, BETA, VCOV, error_of=error_of)
    wald = BETA[:2] @ np.linalg.solve(VCOV[:2, :2], BETA[:2]) / 2
    assert found.statistic == pytest.approx(wald)
    again = joint_test(np.vstack([weights, weights.sum(axis=0)]), BETA, VCOV, error_of=error_of)
    assert again.numerator_df == 2
    assert again.statistic == pytest.approx(wald)


def test_nothing_to_test_is_an_error():
    with pytest.raises(DesignError, match="no combination"):
        joint_test(np.zeros((2, 3)), BETA, VCOV, error_of=error_of)
