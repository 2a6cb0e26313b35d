"""Least squares with HC3 errors equals statsmodels, and what it cannot fit is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS

from brainage.errors import DesignError
from brainage.trial.analyses.robust_lines import covariate_columns, fit_robust_line


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    return design, design @ [1.0, 0.5, 0.0] + rng.normal(size=40) * (1 + np.abs(design[:, 1]))


def test_estimates_errors_and_joint_test_are_those_of_statsmodels(data):
    own = fit_robust_line(*data, what="toy")
    theirs = OLS(data[1], data[0]).fit(cov_type="HC3", use_t=True)
    for k in range(3):
        found = own.coefficient(k)
        assert found.estimate == pytest.approx(theirs.params[k], rel=1e-9)
        assert found.se == pytest.approx(theirs.bse[k], rel=1e-9)
        assert found.p_value == pytest.approx(theirs.pvalues[k], rel=1e-8)
        low, high = theirs.conf_int()[k]
        assert (found.ci_low, found.ci_high) == pytest.approx((low, high), rel=1e-8)
    joint = theirs.f_test(np.eye(3)[1:])
    statistic, q, p = own.joint_test(np.array([1, 2]))
    assert (statistic, q, p) == pytest.approx((joint.fvalue, 2, float(joint.pvalue)), rel=1e-8)


def test_combination_of_coefficients_is_its_t_test(data):
    weights = np.array([1.0, 1.0, -2.0])
    found = fit_robust_line(*data, what="toy").estimate(weights)
    theirs = OLS(data[1], data[0]).fit(cov_type="HC3", use_t=True).t_test(weights)
    assert found.se == pytest.approx(theirs.sd.item(), rel=1e-9)
    assert found.statistic == pytest.approx(theirs.tvalue.item(), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[:4], y[:4]), "toy: 4 people are too few for 3 coefficients"),
        (lambda x, y: (np.c_[x, x[:, 1] + 1], y), "constant or determined by the others"),
        (lambda x, y: (np.c_[x, np.eye(40)[0]], y), "one person alone determines"),
        (lambda x, y: (x, x @ [1.0, 2.0, 3.0]), "fits every value exactly"),
    ],
)
def test_line_that_cannot_be_fitted_is_refused(data, change, words):
    with pytest.raises(DesignError, match=words):
        fit_robust_line(*change(*data), what="toy")


def test_covariates_are_centred_and_those_determined_before_are_left_out(data):
    people = pd.DataFrame(
        {"age": data[0][:, 1], "again": 2 * data[0][:, 1] + 3, "site": ["a", "b"] * 20}
    )
    found = covariate_columns(people, ("age", "again", "site"), np.ones((40, 1)))
    assert found.shape == (40, 2)
    np.testing.assert_allclose(found[:, 0], people["age"] - people["age"].mean())
    np.testing.assert_allclose(found[:, 1], np.tile([-0.5, 0.5], 20))
    assert covariate_columns(people, ("site",), np.eye(2)[[0, 1] * 20]).shape == (40, 0)
