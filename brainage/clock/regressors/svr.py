"""Support vector regression on a precomputed Gram matrix, C by inner folds on sub-blocks of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVR


class GramSvr(NamedTuple):
    """A support vector regression fitted on a Gram matrix.

    Parameters
    ----------
    dual : ndarray of shape (n_train,)
        Weights on training scans, zero for those that are no support vectors.
    intercept : float
        Prediction is ``k(x, train) @ dual + intercept``, years.
    c : float
        Chosen C.
    """

    dual: np.ndarray
    intercept: float
    c: float


def fit_gram_svr(
    gram: np.ndarray,
    age_years: np.ndarray,
    *,
    candidates: tuple[float, ...],
    epsilon: float,
    groups: np.ndarray,
    inner_folds: int,
) -> GramSvr:
    """Fit epsilon-SVR, choosing C by the mean absolute error of inner folds.

    Parameters
    ----------
    gram : ndarray of shape (n_train, n_train)
        Kernel between training scans.
    age_years : ndarray of shape (n_train,)
        Target.
    candidates : tuple of float
        Values of C; a single one is not tuned.
    epsilon : float
        Half-width of the insensitive tube, years.
    groups : ndarray of shape (n_train,)
        Scans of one group stay in one inner fold.
    inner_folds : int
        Number of inner folds.

    Returns
    -------
    svr : GramSvr
    """
    c = candidates[0]
    if len(candidates) > 1:
        errors = _inner_errors(gram, age_years, candidates, epsilon, groups, inner_folds)
        c = candidates[int(np.argmin(errors))]
    dual, intercept = _fit(gram, age_years, c, epsilon)
    return GramSvr(dual, intercept, c)


def polynomial_gram(gram: np.ndarray, *, degree: int, gamma: float) -> np.ndarray:
    """Return ``(gamma * gram) ** degree``, scikit-learn's polynomial kernel with coef0 = 0."""
    return (gamma * gram) ** degree


def _inner_errors(gram, age_years, candidates, epsilon, groups, inner_folds) -> np.ndarray:
    errors = np.zeros(len(candidates))
    folds = GroupKFold(min(inner_folds, len(np.unique(groups))), shuffle=True, random_state=0)
    for train, test in folds.split(gram, groups=groups):
        block, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        free = None
        for i in np.argsort(candidates):
            c = candidates[i]
            # A solution that no bound holds back is the solution of every larger C as well.
            dual, intercept = free or _fit(block, age_years[train], c, epsilon)
            if np.abs(dual).max() < c * (1 - 1e-9):
                free = (dual, intercept)
            errors[i] += np.abs(cross @ dual + intercept - age_years[test]).sum()
    return errors


def _fit(gram, age_years, c: float, epsilon: float) -> tuple[np.ndarray, float]:
    model = SVR(kernel="precomputed", C=c, epsilon=epsilon).fit(gram, age_years)
    dual = np.zeros(len(age_years))
    dual[model.support_] = model.dual_coef_.ravel()
    return dual, float(model.intercept_[0])
