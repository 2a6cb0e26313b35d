"""Ridge regression of age, its penalty by exact leave-one-out, through scans or features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from brainage.blocks import blocks
from brainage.clock.options import PENALTIES
from brainage.clock.regressors.age_scale import AgeScale
from brainage.clock.regressors.contract import (
    MAX_SQUARE,
    GramTraining,
    MomentTraining,
    Needs,
    PassFit,
    PassTraining,
    TrainingShape,
)
from brainage.clock.regressors.frozen import LinearRegression
from brainage.clock.regressors.in_passes import choose_penalties, fit_at
from brainage.clock.regressors.left_out import residuals_left_out
from brainage.clock.regressors.lines import FeatureLine, GramLine, Line, freeze_lines
from brainage.clock.regressors.primal import fit_ridge_on_moments


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
    gram: np.ndarray,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    penalties: Sequence[float] = PENALTIES,
    weights: np.ndarray | None = None,
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
    penalties : sequence of float, optional
        Candidates, relative to the mean squared length of a centred scan.
    weights : ndarray of shape (n_scans,) or None, default=None
        Of each row's squared error; None: 1 each.

    Returns
    -------
    fit : RidgeFit

    References
    ----------
    .. [1] Golub, Heath & Wahba (1979), Technometrics 21:215-223 (leave-one-out in closed form).
    """
    return RidgeBasis.of_gram(gram, weights).ridge(y, groups, penalties)


def fit_ridge_on_features(
    X: np.ndarray,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> RidgeFit:
    """Fit a ridge on features, through whichever of the two square matrices is smaller.

    `groups` and `weights` as in `fit_ridge_on_gram`.
    """
    return RidgeBasis.of_features(X, weights).ridge(y, groups)


@dataclass(frozen=True)
class RidgeBasis:
    """Eigenvalues and eigenvectors of a centred Gram matrix, for any number of targets.

    `mean_prediction` turns scan weights into what they predict for the mean scan, which the
    intercept takes off. Where rows have `weights` in the fit, every row stands in the basis times
    the square root of its own, and the mean is weighted.
    """

    values: np.ndarray
    vectors: np.ndarray
    mean_prediction: Callable[[np.ndarray], float]
    weights: np.ndarray | None = None

    @classmethod
    def of_gram(cls, gram: np.ndarray, weights: np.ndarray | None = None) -> RidgeBasis:
        """Decompose ``X @ X.T`` (n_scans, n_scans), not centred."""
        row_means = gram.mean(axis=0) if weights is None else gram @ weights / weights.sum()
        centred = gram - row_means - row_means[:, None] + _mean(row_means, weights)
        if weights is not None:
            root = np.sqrt(weights)
            centred *= root * root[:, None]
        values, vectors = eigh(centred, driver="evd")
        values = np.maximum(values, 0.0)
        return cls(values, vectors, lambda dual: float(row_means @ dual), weights)

    @classmethod
    def of_features(cls, X: np.ndarray, weights: np.ndarray | None = None) -> RidgeBasis:
        """Decompose features, through whichever of the two square matrices is smaller."""
        n_scans, n_features = X.shape
        mean = _mean(X, weights)

        def mean_prediction(dual: np.ndarray) -> float:
            return float(mean @ fold_back(dual, X))

        if n_scans <= n_features:
            return replace(cls.of_gram(_gram(X), weights), mean_prediction=mean_prediction)
        centred = X - mean
        if weights is not None:
            centred *= np.sqrt(weights)[:, None]
        values, axes = eigh(centred.T @ centred, driver="evd")
        kept = values > max(values[-1], 0.0) * 1e-12 * n_scans
        vectors = centred @ (axes[:, kept] / np.sqrt(values[kept]))
        return cls(values[kept], vectors, mean_prediction, weights)

    def ridge(
        self, y: np.ndarray, groups: np.ndarray | None, penalties: Sequence[float] = PENALTIES
    ) -> RidgeFit:
        """Choose the penalty by exact leave-one-out and fit."""
        root = 1.0 if self.weights is None else np.sqrt(self.weights)
        n = len(y) if self.weights is None else float(self.weights.sum())
        mean = float(_mean(y, self.weights))
        # Directions without variance carry no weight, and the constant is one of them.
        kept = self.values > max(self.values.max(initial=0.0), 0.0) * 1e-12
        values, vectors = self.values[kept], self.vectors[:, kept]
        tried = (values.sum() / n or 1.0) * np.asarray(penalties)
        centred = (y - mean) * root
        projected = vectors.T @ centred
        shrinkage = values[:, None] / (values[:, None] + tried)
        fitted = vectors @ (shrinkage * projected[:, None])
        constant = None if self.weights is None else root / np.sqrt(n)
        residual = residuals_left_out(
            centred[:, None] - fitted, vectors, shrinkage, groups, constant=constant
        )
        best = int(np.argmin(np.sum(residual**2, axis=0)))
        dual = root * (vectors @ (projected / (values + tried[best])))
        # Rounding leaves a trace of the constant, which a large common mean would magnify.
        dual -= dual.mean()
        intercept = mean - self.mean_prediction(dual)
        return RidgeFit(dual, intercept, float(tried[best]), y - residual[:, best] / root)


def _mean(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the mean over rows, weighted where rows have weights."""
    if weights is None:
        return np.asarray(values.mean(axis=0, dtype=np.float64))
    return weights @ values / weights.sum()


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


@dataclass(frozen=True)
class RidgeRegressor:
    """Ridge on one view, for `ClockOptions.estimator` "ridge".

    Parameters
    ----------
    penalties : sequence of float
        Candidates, relative to the mean squared length of a centred scan.
    max_square : int, default=10000
        Scans or features beyond which no square matrix is decomposed.
    """

    penalties: Sequence[float] = PENALTIES
    max_square: int = MAX_SQUARE
    name = "ridge"
    centred = True
    threaded = False

    def needs(self, shape: TrainingShape) -> Needs:
        """Return "moments" where all sets share features that are fewer than scans.

        "passes" where scans are more than a square matrix can serve, and "grams" otherwise. Sums
        over rows have no weights.
        """
        few = shape.n_features < shape.n_rows and shape.n_features <= self.max_square
        if few and shape.prepared == "shared" and not shape.weighted:
            return "moments"
        in_memory = shape.prepared == "rewritten"
        return "passes" if shape.too_many_pairs(self.max_square) and not in_memory else "grams"

    def fit(self, training: GramTraining | MomentTraining) -> Line:
        """Choose the penalty by leaving people out, and fit."""
        if isinstance(training, MomentTraining):
            primal = fit_ridge_on_moments(
                training.moments,
                training.values,
                training.cohort_ages,
                training.train,
                groups=training.groups,
                penalties=self.penalties,
            )
            return FeatureLine(primal.coef, primal.intercept, {"penalty": primal.penalty})
        ridge = fit_ridge_on_gram(
            training.grams[0],
            training.ages,
            groups=training.groups,
            penalties=self.penalties,
            weights=training.weights,
        )
        return GramLine([ridge.dual], ridge.intercept, {"penalty": ridge.penalty})

    def fit_in_passes(self, training: PassTraining) -> list[PassFit]:
        """Fit every training set, penalties by inner folds of people."""
        features, ages, splits = training.views[0], training.ages, training.splits
        chosen = choose_penalties(
            features,
            ages,
            training.groups,
            splits,
            penalties=self.penalties,
            inner_folds=training.inner_folds,
            weigh=training.weigh,
        )["years"]
        scales: list[AgeScale] = ["years"] * len(splits)
        fits = fit_at(
            features,
            ages,
            splits,
            penalties=chosen.penalties,
            age_scales=scales,
            weigh=training.weigh,
        )
        return [
            PassFit(
                FeatureLine(
                    fits.weights[:, k],
                    float(fits.intercepts[k]),
                    {"penalty": float(fits.penalties[k])},
                ),
                fits.predicted[k],
            )
            for k in range(len(splits))
        ]

    def freeze(
        self,
        models: Sequence[Line],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> LinearRegression:
        """Return one weight vector (`freeze_lines`)."""
        return freeze_lines(models, trains, prepared)

    def words(self) -> str:
        """Return the method in words."""
        return "ridge regression, its penalty chosen by exact leave-one-out"

    def words_in_passes(self, inner_folds: int) -> str:
        """Return the method in words where penalties are chosen by inner folds of people."""
        return f"ridge regression, its penalty chosen by {inner_folds} inner folds of people"


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
    penalty_ : float
        Chosen penalty.
    left_out_ : ndarray of shape (n_scans,)
        Exact leave-one-out predictions of the training scans, years (of people, where groups
        were given).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> edges = rng.normal(size=(30, 5))
    >>> ages = 50 + 10 * edges[:, 0]
    >>> clock = RidgeClock().fit(edges, ages)
    >>> bool(np.abs(clock.predict(edges) - ages).max() < 1)
    True
    """

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Self:
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
        self.penalty_, self.left_out_ = ridge.penalty, ridge.loo
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages in years, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return X @ self.coef_ + self.intercept_
