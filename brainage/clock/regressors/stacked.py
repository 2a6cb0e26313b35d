"""A stack of ridge clocks, one per feature view, combined on leave-one-out predictions.

Level 1 fits a ridge to each block of columns and knows, without refitting, what it would have
predicted for each training scan had that scan, and all of its person, been left out. Level 2 learns
from those honest predictions how much to trust each view. The whole stack is linear on its age
scale: it folds back to one weight vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from brainage.blocks import blocks
from brainage.clock.regressors.age_scale import (
    AgeScale,
    AgeScaleChoice,
    candidate_scales,
    to_scale,
    to_years,
)
from brainage.clock.regressors.left_out import means_of_others, residuals_left_out

Level2 = Literal["ridge", "nonnegative"]

#: Penalties tried, relative to the mean squared length of a centred scan.
PENALTIES = tuple(np.geomspace(1e-4, 1e4, 41).tolist())


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
        Exact leave-one-out predictions at that penalty (leave-one-person-out, where groups were
        given).
    """

    dual: np.ndarray
    intercept: float
    penalty: float
    loo: np.ndarray


def fit_ridge_on_gram(
    gram: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None
) -> RidgeFit:
    """Fit a ridge with intercept on a Gram matrix, its penalty chosen by exact leave-one-out.

    Parameters
    ----------
    gram : ndarray of shape (n_scans, n_scans)
        ``X @ X.T`` of the training scans, not centred.
    y : ndarray of shape (n_scans,)
        Ages in years.
    groups : ndarray of shape (n_scans,) or None, default=None
        Person (or family) of each scan, whose scans are left out together; None: each its own.

    Returns
    -------
    fit : RidgeFit

    References
    ----------
    .. [1] Golub, Heath & Wahba (1979), Technometrics 21:215-223 (leave-one-out in closed form).
    """
    return _Basis.of_gram(gram).ridge(y, groups)


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
        ``prediction = sum over views of weight x (level-1 prediction) + intercept``, on the age
        scale.
    age_scale : {"years", "sqrt", "log"}, default="years"
        Scale of both levels.
    """

    views: list[RidgeFit]
    view_weights: np.ndarray
    intercept: float
    age_scale: AgeScale = "years"

    def predict(self, cross_grams: list[np.ndarray]) -> np.ndarray:
        """Return ages in years from ``new @ X.T`` of each view, each (n_new, n_scans)."""
        pairs = zip(cross_grams, self.views, strict=True)
        level1 = np.column_stack([cross @ view.dual + view.intercept for cross, view in pairs])
        return to_years(level1 @ self.view_weights + self.intercept, self.age_scale)

    def loo_error_years(self, age_years: np.ndarray) -> float:
        """Return the mean absolute error of the combined leave-one-out predictions."""
        level1 = np.column_stack([view.loo for view in self.views])
        predicted = to_years(level1 @ self.view_weights + self.intercept, self.age_scale)
        return float(np.mean(np.abs(predicted - age_years)))


def fit_stack_on_grams(
    grams: list[np.ndarray],
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    level2: Level2 = "ridge",
    age_scale: AgeScaleChoice = "years",
) -> StackFit:
    """Fit a stack on one Gram matrix a view.

    Parameters
    ----------
    grams : list of ndarray of shape (n_scans, n_scans)
        ``X @ X.T`` of each view's training rows.
    y : ndarray of shape (n_scans,)
        Ages in years.
    groups : ndarray of shape (n_scans,) or None, default=None
        Person (or family) of each scan, whose scans are left out together; None: each its own.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        Ridge with its own leave-one-out penalty, or least squares with no negative weight.
    age_scale : {"auto", "years", "sqrt", "log"}, default="years"
        On which scale both levels are fitted; "auto": the one with the smallest mean absolute
        leave-one-out error in years. All scales share one decomposition of each Gram matrix.

    Returns
    -------
    stack : StackFit
    """
    bases = [_Basis.of_gram(gram) for gram in grams]
    return _best_stack(bases, y, groups, (level2, age_scale))


class StackedClock(RegressorMixin, BaseEstimator):
    """Stack of ridges on blocks of columns.

    Parameters
    ----------
    block_sizes : sequence of int or None, default=None
        Columns of each view, in order, adding up to the columns of X; None: one block.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        How the views' leave-one-out predictions are combined.
    age_scale : {"auto", "years", "sqrt", "log"}, default="years"
        Scale of both levels; "auto" takes the one with the smallest leave-one-out error in years.

    Attributes
    ----------
    age_scale_ : {"years", "sqrt", "log"}
        The scale used.
    coef_ : ndarray of shape (n_features,)
        Units of the age scale per feature unit, the whole stack folded back.
    intercept_ : float
        On the age scale.
    view_weights_ : ndarray of shape (n_blocks,)
        Level-2 weight of each view's prediction.
    penalties_ : ndarray of shape (n_blocks,)
        Level-1 ridge penalties.
    level1_loo_ : ndarray of shape (n_scans, n_blocks)
        Leave-one-out predictions that level 2 learnt from, on the age scale.
    """

    def __init__(self, *, block_sizes=None, level2="ridge", age_scale="years"):
        self.block_sizes = block_sizes
        self.level2 = level2
        self.age_scale = age_scale

    def fit(self, X, y, groups=None):
        """Fit both levels.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Views side by side.
        y : ndarray of shape (n_scans,)
            Ages in years.
        groups : array-like of shape (n_scans,) or None, default=None
            Person (or family) of each scan, whose scans are left out together; None: each its own.
        """
        X, y = validate_data(
            self, X, y, y_numeric=True, ensure_min_samples=2, dtype=[np.float64, np.float32]
        )
        for name, known in (("level2", Level2), ("age_scale", AgeScaleChoice)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"stacked: expected {name} in {get_args(known)}, found {getattr(self, name)!r}."
                )
        y = np.asarray(y, dtype=float)
        blocks = self._blocks(X.shape[1])
        bases = [_Basis.of_features(X[:, block]) for block in blocks]
        groups = None if groups is None else column_or_1d(groups)
        stack = _best_stack(bases, y, groups, (self.level2, self.age_scale))
        self.age_scale_ = stack.age_scale
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
        return to_years(X @ self.coef_ + self.intercept_, self.age_scale_)

    def _blocks(self, n_features: int) -> list[slice]:
        sizes = [n_features] if self.block_sizes is None else list(self.block_sizes)
        if not sizes or min(sizes) < 1 or sum(sizes) != n_features:
            raise ValueError(
                f"stacked: expected block sizes that add up to the {n_features} "
                f"columns of X, found {sizes}."
            )
        stops = np.cumsum(sizes)
        return [slice(int(b - a), int(b)) for a, b in zip(sizes, stops, strict=True)]


def _best_stack(
    bases: list[_Basis],
    age_years: np.ndarray,
    groups: np.ndarray | None,
    choices: tuple[Level2, AgeScaleChoice],
) -> StackFit:
    """Fit the stack on each candidate scale; keep the smallest leave-one-out error in years."""
    (level2, choice), stacks = choices, []
    for scale in candidate_scales(age_years, choice):
        target = to_scale(age_years, scale)
        views = [basis.ridge(target, groups) for basis in bases]
        stack = _combine(views, target, groups, level2)
        stacks.append(replace(stack, age_scale=scale))
    if len(stacks) == 1:
        return stacks[0]
    return min(stacks, key=lambda stack: stack.loo_error_years(age_years))


def _combine(
    views: list[RidgeFit], y: np.ndarray, groups: np.ndarray | None, level2: Level2
) -> StackFit:
    mean_age = float(np.mean(y))
    # Level 2 sees how far a view moves a left-out scan from the mean age of the *others*. That
    # mean itself falls as the scan's own age rises: a view that knows nothing would otherwise be
    # a perfect predictor with the sign turned round.
    others_mean = means_of_others(y, groups)
    moved = np.column_stack([view.loo - others_mean for view in views])
    if level2 == "ridge":
        weights = fold_back(fit_ridge_on_features(moved, y, groups=groups).dual, moved)
    else:
        centre = moved.mean(axis=0)
        weights = nnls(moved - centre, y - mean_age)[0]
    # A view's training predictions average to the mean age, so the stack's do as well.
    return StackFit(views, weights, mean_age * (1 - float(weights.sum())))


def fit_ridge_on_features(
    X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None
) -> RidgeFit:
    """Fit a ridge on features, through whichever of the two square matrices is smaller.

    `groups` as in `fit_ridge_on_gram`.
    """
    return _Basis.of_features(X).ridge(y, groups)


@dataclass(frozen=True)
class _Basis:
    """Eigenvalues and eigenvectors of a centred Gram matrix, for any number of targets.

    `mean_prediction` turns scan weights into what they predict for the mean scan, which the
    intercept takes off.
    """

    values: np.ndarray
    vectors: np.ndarray
    mean_prediction: Callable[[np.ndarray], float]

    @classmethod
    def of_gram(cls, gram: np.ndarray) -> _Basis:
        row_means = gram.mean(axis=0)
        centred = gram - row_means - row_means[:, None] + row_means.mean()
        values, vectors = eigh(centred, driver="evd")
        return cls(np.maximum(values, 0.0), vectors, lambda dual: float(row_means @ dual))

    @classmethod
    def of_features(cls, X: np.ndarray) -> _Basis:
        n_scans, n_features = X.shape
        mean = X.mean(axis=0, dtype=np.float64)

        def mean_prediction(dual: np.ndarray) -> float:
            return float(mean @ fold_back(dual, X))

        if n_scans <= n_features:
            return replace(cls.of_gram(_gram(X)), mean_prediction=mean_prediction)
        centred = X - mean
        values, axes = eigh(centred.T @ centred, driver="evd")
        kept = values > max(values[-1], 0.0) * 1e-12 * n_scans
        vectors = centred @ (axes[:, kept] / np.sqrt(values[kept]))
        return cls(values[kept], vectors, mean_prediction)

    def ridge(self, y: np.ndarray, groups: np.ndarray | None) -> RidgeFit:
        """Choose the penalty by exact leave-one-out and fit."""
        n = len(y)
        mean = float(np.mean(y))
        # Directions without variance carry no weight, and the constant is one of them.
        kept = self.values > max(self.values.max(initial=0.0), 0.0) * 1e-12
        values, vectors = self.values[kept], self.vectors[:, kept]
        penalties = (values.sum() / n or 1.0) * np.array(PENALTIES)
        projected = vectors.T @ (y - mean)
        shrinkage = values[:, None] / (values[:, None] + penalties)
        fitted = vectors @ (shrinkage * projected[:, None])
        residual = residuals_left_out((y - mean)[:, None] - fitted, vectors, shrinkage, groups)
        best = int(np.argmin(np.sum(residual**2, axis=0)))
        dual = vectors @ (projected / (values + penalties[best]))
        # Rounding leaves a trace of the constant, which a large common mean would magnify.
        dual -= dual.mean()
        intercept = mean - self.mean_prediction(dual)
        return RidgeFit(dual, intercept, float(penalties[best]), y - residual[:, best])


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
    for part in blocks(X.shape[1], len(X)):
        values = np.asarray(X[:, part], dtype=np.float64)
        yield part, values - values.mean(axis=0)
