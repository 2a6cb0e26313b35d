"""All fold models of a repeated cross-validation kept and averaged, for features in rows."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from brainage.clock.regressors.foreign import line_of
from brainage.errors import BrainAgeError


class FoldEnsembleRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """Average the models of every fold of every repeat, as `lisa_like` does.

    `ClockOptions.ensemble` is the same for clocks, on Gram matrices; this is for plain features.

    Parameters
    ----------
    estimator : regressor or None, default=None
        Any scikit-learn regressor, fitted on each fold's training scans; None is ``Ridge()``.
    n_folds : int, default=5
        Folds (fewer where people are fewer).
    n_repeats : int, default=15
        Repeats with other folds.
    random_state : int, default=0
        Seed of the first repeat's folds; each repeat adds one.

    Attributes
    ----------
    estimators_ : list of regressor
        In order of repeat and fold.
    coef_ : ndarray of shape (n_features,) or None
        Mean weights; None where a model is not linear in its features.
    intercept_ : float or None
        Mean intercept; None likewise.
    """

    def __init__(self, estimator=None, *, n_folds=5, n_repeats=15, random_state=0):
        self.estimator = estimator
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.random_state = random_state

    def fit(self, X, y, groups=None):
        """Fit one model a fold and repeat.

        Parameters
        ----------
        X : array-like of shape (n_scans, n_features)
            Features.
        y : array-like of shape (n_scans,)
            Ages in years.
        groups : array-like of shape (n_scans,) or None, default=None
            Scans of one group (a person, a family) share a fold; None: each scan its own.

        Raises
        ------
        BrainAgeError
            Fewer than two groups: nothing can be held out.
        """
        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2)
        groups = np.arange(len(y)) if groups is None else column_or_1d(groups)
        names, group = np.unique(groups, return_inverse=True)
        if len(names) < 2:
            raise BrainAgeError(f"ensemble: expected at least two groups, found {len(names)}.")
        template = Ridge() if self.estimator is None else self.estimator
        self.estimators_ = []
        for repeat in range(self.n_repeats):
            folds = KFold(
                min(self.n_folds, len(names)), shuffle=True, random_state=self.random_state + repeat
            )
            for kept, _ in folds.split(names):
                train = np.flatnonzero(np.isin(group, kept))
                self.estimators_.append(clone(template).fit(X[train], y[train]))
        self.coef_, self.intercept_ = _mean_line(self.estimators_, X)
        return self

    def predict(self, X):
        """Return the mean prediction of all models, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        if self.coef_ is not None:
            # Row by row: a product over a batch rounds differently with the batch's size.
            return np.array([np.sum(row * self.coef_) for row in X]) + self.intercept_
        return np.mean([np.ravel(one.predict(X)) for one in self.estimators_], axis=0)


def _mean_line(estimators: list, X: np.ndarray) -> tuple[np.ndarray | None, float | None]:
    """Return mean weights and intercept; None where any model is not linear in its features."""
    lines = [line_of(one, X) for one in estimators]
    if any(line is None for line in lines):
        return None, None
    coefs, intercepts = zip(*lines, strict=True)
    return np.mean(coefs, axis=0), float(np.mean(intercepts))
