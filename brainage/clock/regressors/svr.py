"""Support vector regression on a precomputed Gram matrix, C by inner folds on sub-blocks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupKFold
from sklearn.svm import SVR

from brainage.clock.regressors.contract import GramTraining, Needs, TrainingShape
from brainage.clock.regressors.frozen import LinearRegression, PolynomialRegression
from brainage.clock.regressors.lines import GramLine, freeze_lines


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


def _inner_errors(
    gram: np.ndarray,
    age_years: np.ndarray,
    candidates: tuple[float, ...],
    epsilon: float,
    groups: np.ndarray,
    inner_folds: int,
) -> np.ndarray:
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


def _fit(
    gram: np.ndarray, age_years: np.ndarray, c: float, epsilon: float
) -> tuple[np.ndarray, float]:
    model = SVR(kernel="precomputed", C=c, epsilon=epsilon).fit(gram, age_years)
    dual = np.zeros(len(age_years))
    dual[model.support_] = model.dual_coef_.ravel()
    return dual, float(model.intercept_[0])


@dataclass(frozen=True)
class _SvrChoices:
    """What every kernel's support vector regression is chosen by.

    Parameters
    ----------
    c : tuple of float
        Candidates; a single one is not tuned.
    epsilon : float
        Half-width of the insensitive tube, years.
    inner_folds : int
        Folds that choose among several.
    """

    c: tuple[float, ...]
    epsilon: float
    inner_folds: int
    name = "svr"
    # libsvm lets go of the interpreter, and uses one core.
    threaded = True

    def needs(self, shape: TrainingShape) -> Needs:
        """Return "grams"."""
        return "grams"

    def _fit(self, gram: np.ndarray, training: GramTraining) -> GramSvr:
        return fit_gram_svr(
            gram,
            training.ages,
            candidates=self.c,
            epsilon=self.epsilon,
            groups=training.groups,
            inner_folds=self.inner_folds,
        )

    def _c_words(self) -> str:
        if len(self.c) > 1:
            return "C chosen by inner cross-validation"
        return f"C fixed at {self.c[0]:g}"


@dataclass(frozen=True)
class SvrRegressor(_SvrChoices):
    """Linear support vector regression, for `ClockOptions.estimator` "svr"."""

    centred = True

    def fit(self, training: GramTraining) -> GramLine:
        """Choose C by inner folds, and fit."""
        svr = self._fit(training.grams[0], training)
        return GramLine([svr.dual], svr.intercept, {"c": svr.c})

    def freeze(
        self,
        models: Sequence[GramLine],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> LinearRegression:
        """Return one weight vector (`freeze_lines`)."""
        return freeze_lines(models, trains, prepared)

    def words(self) -> str:
        """Return the method in words."""
        return f"linear support vector regression, {self._c_words()}"


@dataclass(frozen=True)
class PolynomialSvr:
    """A fitted polynomial SVR: ``(gamma k(x, train)) ** degree @ dual + intercept``, years."""

    dual: np.ndarray
    intercept: float
    gamma: float
    degree: int
    chosen: dict[str, Any] = field(default_factory=dict)

    def predict(self, kernels: list[np.ndarray]) -> np.ndarray:
        """Return ages in years from products (n_new, n_train) of the one view."""
        kernel = polynomial_gram(kernels[0], degree=self.degree, gamma=self.gamma)
        return self.intercept + kernel @ self.dual


@dataclass(frozen=True)
class PolynomialSvrRegressor(_SvrChoices):
    """Support vector regression with a polynomial kernel, for ``svr_kernel: poly``.

    Parameters
    ----------
    degree : int, default=2
        Of the kernel.
    """

    degree: int = 2
    # (x - mean)'(z - mean) to a power is another kernel than x'z to that power.
    centred = False

    def fit(self, training: GramTraining) -> PolynomialSvr:
        """Choose C by inner folds, and fit."""
        gram = training.grams[0]
        # scikit-learn's gamma="scale".
        gamma = 1.0 / (training.variances[0] or 1.0)
        svr = self._fit(polynomial_gram(gram, degree=self.degree, gamma=gamma), training)
        return PolynomialSvr(svr.dual, svr.intercept, gamma, self.degree, {"c": svr.c})

    def freeze(
        self,
        models: Sequence[PolynomialSvr],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> PolynomialRegression:
        """Return the models' weights on the training scans that any of them uses."""
        values = prepared[0]
        duals = np.zeros((len(models), len(values)))
        for k, (model, train) in enumerate(zip(models, trains, strict=True)):
            duals[k, train] = model.dual
        used = np.flatnonzero(np.any(duals != 0, axis=0))
        return PolynomialRegression(
            np.asarray(values[used], dtype=np.float64),
            duals[:, used],
            np.array([model.gamma for model in models]),
            np.array([model.intercept for model in models]),
            self.degree,
        )

    def words(self) -> str:
        """Return the method in words."""
        return (
            f"support vector regression with a polynomial kernel of degree {self.degree}, "
            f"{self._c_words()}"
        )
