"""A stack of ridge clocks, one per feature view, combined on leave-one-out predictions.

Level 1 fits a ridge to each block of columns and knows, without refitting, what it would have
predicted for each training scan had that scan been left out. Level 2 learns from those honest
predictions how much to trust each view. The whole stack is linear: it folds back to one weight
vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

Level2 = Literal["ridge", "nonnegative"]

#: Penalties tried, relative to the mean squared length of a centred scan.
PENALTIES = tuple(np.geomspace(1e-4, 1e4, 41).tolist())
_CHUNK_VALUES = 8_000_000


@dataclass(frozen=True)
class RidgeFit:
    """A ridge in terms of its training scans.

    Parameters
    ----------
    dual : ndarray of shape (n_scans,)
        Weights on scans, summing to zero: the edge weights are ``X.T @ dual``.
    intercept : float
        ``prediction = features @ (X.T @ dual) + intercept``.
    penalty : float
        Chosen by the leave-one-out error.
    loo : ndarray of shape (n_scans,)
        Exact leave-one-out predictions at that penalty.
    """

    dual: np.ndarray
    intercept: float
    penalty: float
    loo: np.ndarray


def fit_ridge_on_gram(gram: np.ndarray, y: np.ndarray) -> RidgeFit:
    """Fit a ridge with intercept on a Gram matrix, its penalty chosen by exact leave-one-out.

    Parameters
    ----------
    gram : ndarray of shape (n_scans, n_scans)
        ``X @ X.T`` of the training scans, not centred.
    y : ndarray of shape (n_scans,)
        Ages in years.

    Returns
    -------
    fit : RidgeFit

    References
    ----------
    .. [1] Golub, Heath & Wahba (1979), Technometrics 21:215-223 (leave-one-out in closed form).
    """
    row_means = gram.mean(axis=0)
    centred = gram - row_means - row_means[:, None] + row_means.mean()
    values, vectors = eigh(centred, driver="evd")
    fit = _ridge_on_basis(np.maximum(values, 0.0), vectors, y)
    intercept = float(np.mean(y) - row_means @ fit.dual)
    return RidgeFit(fit.dual, intercept, fit.penalty, fit.loo)


@dataclass(frozen=True)
class StackFit:
    """A fitted stack in terms of training scans.

    Parameters
    ----------
    views : list of RidgeFit
        Level 1, one a view.
    view_weights : ndarray of shape (n_views,)
        Level 2.
    intercept : float
        ``prediction = sum over views of weight x (level-1 prediction) + intercept``.
    """

    views: list[RidgeFit]
    view_weights: np.ndarray
    intercept: float

    def predict(self, cross_grams: list[np.ndarray]) -> np.ndarray:
        """Return predictions from ``new @ X.T`` of each view, each of shape (n_new, n_scans)."""
        pairs = zip(cross_grams, self.views, strict=True)
        level1 = np.column_stack([cross @ view.dual + view.intercept for cross, view in pairs])
        return level1 @ self.view_weights + self.intercept


def fit_stack_on_grams(
    grams: list[np.ndarray], y: np.ndarray, *, level2: Level2 = "ridge"
) -> StackFit:
    """Fit a stack on one Gram matrix a view.

    Parameters
    ----------
    grams : list of ndarray of shape (n_scans, n_scans)
        ``X @ X.T`` of each view's training rows.
    y : ndarray of shape (n_scans,)
        Ages in years.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        Ridge with its own leave-one-out penalty, or least squares with no negative weight.

    Returns
    -------
    stack : StackFit
    """
    return _combine([fit_ridge_on_gram(gram, y) for gram in grams], y, level2)


class StackedClock(RegressorMixin, BaseEstimator):
    """Stack of ridges on blocks of columns.

    Parameters
    ----------
    block_sizes : sequence of int or None, default=None
        Columns of each view, in order, adding up to the columns of X; None: one block.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        How the views' leave-one-out predictions are combined.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Years per feature unit, the whole stack folded back.
    intercept_ : float
        Years.
    view_weights_ : ndarray of shape (n_blocks,)
        Level-2 weight of each view's prediction.
    penalties_ : ndarray of shape (n_blocks,)
        Level-1 ridge penalties.
    level1_loo_ : ndarray of shape (n_scans, n_blocks)
        Leave-one-out predictions that level 2 learnt from, years.
    """

    def __init__(self, *, block_sizes=None, level2="ridge"):
        self.block_sizes = block_sizes
        self.level2 = level2

    def fit(self, X, y):
        """Fit both levels.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Views side by side.
        y : ndarray of shape (n_scans,)
            Ages in years.
        """
        X, y = validate_data(self, X, y, y_numeric=True, ensure_min_samples=2,
                             dtype=[np.float64, np.float32])  # fmt: skip
        if self.level2 not in get_args(Level2):
            raise ValueError(f"stacked: expected level2 in {get_args(Level2)}, found "
                             f"{self.level2!r}.")  # fmt: skip
        y = np.asarray(y, dtype=float)
        blocks = self._blocks(X.shape[1])
        stack = _combine(
            [fit_ridge_on_features(X[:, block], y) for block in blocks], y, self.level2
        )
        self.view_weights_ = stack.view_weights
        self.penalties_ = np.array([view.penalty for view in stack.views])
        self.level1_loo_ = np.column_stack([view.loo for view in stack.views])
        self.coef_ = np.empty(X.shape[1])
        self.intercept_ = stack.intercept
        for block, view, weight in zip(blocks, stack.views, stack.view_weights, strict=True):
            self.coef_[block] = weight * fold_back(view.dual, X[:, block])
            self.intercept_ += float(weight * view.intercept)
        return self

    def predict(self, X):
        """Return predicted ages, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return X @ self.coef_ + self.intercept_

    def _blocks(self, n_features: int) -> list[slice]:
        sizes = [n_features] if self.block_sizes is None else list(self.block_sizes)
        if not sizes or min(sizes) < 1 or sum(sizes) != n_features:
            raise ValueError(f"stacked: expected block sizes that add up to the {n_features} "
                             f"columns of X, found {sizes}.")  # fmt: skip
        stops = np.cumsum(sizes)
        return [slice(int(b - a), int(b)) for a, b in zip(sizes, stops, strict=True)]


def _combine(views: list[RidgeFit], y: np.ndarray, level2: Level2) -> StackFit:
    n, mean_age = len(y), float(np.mean(y))
    # Level 2 sees how far a view moves a left-out scan from the mean age of the *others*. That
    # mean itself falls as the scan's own age rises: a view that knows nothing would otherwise be
    # a perfect predictor with the sign turned round.
    others_mean = (n * mean_age - y) / (n - 1)
    moved = np.column_stack([view.loo - others_mean for view in views])
    if level2 == "ridge":
        weights = fold_back(fit_ridge_on_features(moved, y).dual, moved)
    else:
        centre = moved.mean(axis=0)
        weights = nnls(moved - centre, y - mean_age)[0]
    # A view's training predictions average to the mean age, so the stack's do as well.
    return StackFit(views, weights, mean_age * (1 - float(weights.sum())))


def fit_ridge_on_features(X: np.ndarray, y: np.ndarray) -> RidgeFit:
    """Fit a ridge on features, through whichever of the two square matrices is smaller."""
    n_scans, n_features = X.shape
    if n_scans <= n_features:
        fit = fit_ridge_on_gram(_gram(X), y)
    else:
        centred = X - X.mean(axis=0, dtype=np.float64)
        values, axes = eigh(centred.T @ centred, driver="evd")
        kept = values > max(values[-1], 0.0) * 1e-12 * n_scans
        vectors = centred @ (axes[:, kept] / np.sqrt(values[kept]))
        fit = _ridge_on_basis(values[kept], vectors, y)
    mean = X.mean(axis=0, dtype=np.float64)
    intercept = float(np.mean(y) - mean @ fold_back(fit.dual, X))
    return RidgeFit(fit.dual, intercept, fit.penalty, fit.loo)


def _ridge_on_basis(values: np.ndarray, vectors: np.ndarray, y: np.ndarray) -> RidgeFit:
    """Choose the penalty and fit, given eigenvalues and eigenvectors of the centred Gram."""
    n = len(y)
    mean = float(np.mean(y))
    # Directions without variance carry no weight, and the constant is one of them.
    kept = values > max(values.max(initial=0.0), 0.0) * 1e-12
    values, vectors = values[kept], vectors[:, kept]
    penalties = (values.sum() / n or 1.0) * np.array(PENALTIES)
    projected = vectors.T @ (y - mean)
    shrinkage = values[:, None] / (values[:, None] + penalties)
    fitted = vectors @ (shrinkage * projected[:, None])
    leverage = 1 / n + vectors**2 @ shrinkage
    residual = ((y - mean)[:, None] - fitted) / np.maximum(1 - leverage, 1e-10)
    best = int(np.argmin(np.sum(residual**2, axis=0)))
    dual = vectors @ (projected / (values + penalties[best]))
    # Rounding leaves a trace of the constant, which a large common mean would magnify.
    return RidgeFit(dual - dual.mean(), mean, float(penalties[best]), y - residual[:, best])


def _gram(X: np.ndarray) -> np.ndarray:
    gram = np.zeros((len(X), len(X)))
    for _, centred in _centred_chunks(X):
        gram += centred @ centred.T
    return gram


def fold_back(dual: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return edge weights ``X.T @ dual`` of scan weights that sum to zero."""
    coef = np.empty(X.shape[1])
    for part, centred in _centred_chunks(X):
        coef[part] = dual @ centred
    return coef


def _centred_chunks(X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield columns minus their means: neither fit nor leave-one-out changes, digits are kept."""
    step = max(1, _CHUNK_VALUES // len(X))
    for start in range(0, X.shape[1], step):
        part = slice(start, start + step)
        values = np.asarray(X[:, part], dtype=np.float64)
        yield part, values - values.mean(axis=0)
