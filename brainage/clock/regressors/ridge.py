"""Ridge regression of age on one feature view, alpha by exact leave-one-out."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from brainage.clock.regressors.stacked import fit_ridge_on_features, fold_back


class RidgeClock(RegressorMixin, BaseEstimator):
    """Ridge regression of age with its penalty chosen by exact leave-one-out.

    The penalty's candidates are relative to the mean squared length of a centred scan, so the
    same grid serves 100 edges and 44,850. More scans than features are solved by features.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Years per feature unit.
    intercept_ : float
        Years.
    alpha_ : float
        Chosen penalty.
    left_out_ : ndarray of shape (n_scans,)
        Exact leave-one-out predictions of the training scans, years (of people, where groups
        were given).
    """

    def fit(self, X, y, groups=None):
        """Choose the penalty and fit.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Features.
        y : ndarray of shape (n_scans,)
            Ages in years.
        groups : array-like of shape (n_scans,) or None, default=None
            Person (or family) of each scan, whose scans are left out together; None: each its own.
        """
        X, y = validate_data(
            self, X, y, y_numeric=True, ensure_min_samples=2, dtype=[np.float64, np.float32]
        )
        groups = None if groups is None else column_or_1d(groups)
        ridge = fit_ridge_on_features(X, np.asarray(y, dtype=float), groups=groups)
        self.coef_, self.intercept_ = fold_back(ridge.dual, X), ridge.intercept
        self.alpha_, self.left_out_ = ridge.penalty, ridge.loo
        return self

    def predict(self, X):
        """Return predicted ages in years, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return X @ self.coef_ + self.intercept_
