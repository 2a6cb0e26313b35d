"""Ridge regression of age on one feature view, alpha by exact leave-one-out."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from brainage.clock.stacked import fit_ridge_on_features, fold_back


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
        Exact leave-one-out predictions of the training scans, years.
    """

    def fit(self, X, y):
        """Fit on features (n_scans, n_features) and ages in years (n_scans,)."""
        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2,
                             dtype=[np.float64, np.float32])  # fmt: skip
        ridge = fit_ridge_on_features(X, np.asarray(y, dtype=float))
        self.coef_, self.intercept_ = fold_back(ridge.dual, X), ridge.intercept
        self.alpha_, self.left_out_ = ridge.penalty, ridge.loo
        return self

    def predict(self, X):
        """Return predicted ages in years, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return X @ self.coef_ + self.intercept_
