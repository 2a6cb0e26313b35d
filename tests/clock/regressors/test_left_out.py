"""What people left out would have been told, without refitting."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock.regressors.left_out import (
    leave_together,
    means_of_others,
    repeated,
    residuals_left_out,
)


def test_means_of_others_count_rows_by_weight():
    values, groups = np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1])
    found = means_of_others(values, groups, np.array([1.0, 3.0, 2.0]))
    np.testing.assert_allclose(found, [4.0, 4.0, 7 / 4])


def test_means_of_others_without_weights_leave_the_own_group_out():
    values, groups = np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 0, 1, 2])
    np.testing.assert_allclose(means_of_others(values, groups), [6.0, 6.0, 11 / 3, 7 / 3])
    np.testing.assert_allclose(means_of_others(values), [14 / 3, 13 / 3, 11 / 3, 7 / 3])


@pytest.mark.parametrize("groups", [None, np.array([0, 0, 1, 2, 2, 2, 3, 4, 5, 5, 6, 7])])
def test_residuals_left_out_are_those_of_refits_without_the_group(groups):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 4)), rng.normal(size=12)
    centred = X - X.mean(axis=0)
    vectors, singular, _ = np.linalg.svd(centred, full_matrices=False)
    penalties = np.array([0.5, 5.0])
    shrinkage = singular[:, None] ** 2 / (singular[:, None] ** 2 + penalties)
    fitted = [y - Ridge(alpha=p, solver="svd").fit(X, y).predict(X) for p in penalties]
    found = residuals_left_out(np.column_stack(fitted), vectors, shrinkage, groups)
    own = np.arange(12) if groups is None else groups
    for k, penalty in enumerate(penalties):
        for group in np.unique(own):
            out = own == group
            # The intercept's column is centred by the ridge itself, for every refit anew.
            peer = _ridge_without(X, y, out, penalty)
            np.testing.assert_allclose(found[out, k], y[out] - peer, rtol=1e-8)


def _ridge_without(X, y, out, penalty):
    """Return predictions of left-out scans by a ridge whose intercept is not penalised."""
    return Ridge(alpha=penalty, solver="svd").fit(X[~out], y[~out]).predict(X[out])


def test_groups_are_yielded_by_size_and_one_group_of_all_never():
    found = [rows.tolist() for rows in repeated(np.array([3, 1, 3, 2, 1, 9]))]
    assert found == [[[1, 4], [0, 2]]]
    assert list(repeated(np.zeros(4))) == []
    assert list(repeated(None)) == []


def test_scan_that_keeps_nothing_of_itself_is_finite():
    found = leave_together(np.array([1.0, 1.0]), np.eye(2))
    assert np.isfinite(found).all()
