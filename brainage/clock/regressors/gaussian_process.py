"""A Gaussian-process clock with its own predictive spread, on one Gram matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from brainage.clock.regressors.contract import FeatureTraining, Needs, TrainingShape
from brainage.clock.regressors.frozen import HOLDS_FEATURES
from brainage.clock.stored import ABOVE_ZERO, MAX_AGE_YEARS, array, only
from brainage.errors import BrainAgeError

#: Natural logarithms of shares of the ages' variance (linear, RBF, noise) and of the squared
#: length scale relative to the median squared distance.
_START = np.log([0.5, 0.2, 0.5, 1.0])
_STORED = (
    "X_fit",
    "feature_mean",
    "dual_coef",
    "log_hyper",
    "mean_age",
    "age_sd",
    "kernel_scale",
    "median_distance",
)
_BOUNDS = [(-12.0, 5.0), (-12.0, 5.0), (-7.0, 3.0), (-3.0, 4.0)]


class GaussianProcessClock(RegressorMixin, BaseEstimator):
    """Regress age with a linear plus a squared-exponential covariance between scans.

    Hyperparameters maximise the marginal likelihood (ML-II), so no inner folds are needed. The
    squared-exponential part needs the training features when a scan is scored: a saved clock
    holds them, and says so.

    Parameters
    ----------
    max_scans_tuning : int, default=1500
        Larger cohorts tune hyperparameters on a seeded sample of this size.
    max_scans : int, default=12000
        More scans than this are refused: the covariance would not fit in memory.
    random_state : int, default=0
        Seed of the sample.

    Attributes
    ----------
    log_hyper_ : ndarray of shape (4,)
        Logarithms of the variances of linear, rbf and noise parts as shares of the ages' variance,
        and of the squared length scale relative to the median squared distance (see `shares_`).
    X_fit_ : ndarray of shape (n_scans, n_features)
        Training features minus their mean.
    log_marginal_likelihood_ : float
        Of the tuning sample, ages in units of their standard deviation.

    References
    ----------
    .. [1] Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, ch. 2 and 5.
    """

    #: Scoring needs features of training scans, so a saved clock is not free of participants' data.
    stores_training_features = True

    def __init__(
        self, *, max_scans_tuning: int = 1500, max_scans: int = 12000, random_state: int = 0
    ):
        self.max_scans_tuning = max_scans_tuning
        self.max_scans = max_scans
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit covariance and hyperparameters.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
        y : ndarray of shape (n_scans,)
            Ages in years.

        Raises
        ------
        BrainAgeError
            More than `max_scans` scans.
        """
        X, y = validate_data(
            self, X, y, y_numeric=True, ensure_min_samples=2, dtype=[np.float64, np.float32]
        )
        if len(X) > self.max_scans:
            raise BrainAgeError(
                f"gaussian_process: expected at most {self.max_scans} scans, found "
                f"{len(X)}. Use ridge, whose cost grows linearly."
            )
        self.feature_mean_ = X.mean(axis=0, dtype=np.float64)
        self.X_fit_ = (X - self.feature_mean_).astype(X.dtype, copy=False)
        self.mean_age_ = float(np.mean(y))
        self.age_sd_ = float(np.std(y)) or 1.0
        target = (np.asarray(y, dtype=float) - self.mean_age_) / self.age_sd_
        gram = (self.X_fit_ @ self.X_fit_.T).astype(np.float64)
        # One kernel unit is the mean squared length of a centred scan: shares have no units.
        self.kernel_scale_ = float(np.mean(np.diag(gram))) or 1.0
        gram /= self.kernel_scale_
        squared = _squared_distances(np.diag(gram), gram, np.diag(gram))
        off = squared[np.triu_indices(len(y), k=1)]
        self.median_distance_ = float(np.median(off)) or 1.0
        squared /= self.median_distance_
        rows = self._tuning_rows(len(y))
        part = np.ix_(rows, rows)
        self.log_hyper_ = self._tune(gram[part], squared[part], target[rows])
        kernel = _covariance(self.log_hyper_, gram, squared)
        kernel[np.diag_indices_from(kernel)] += np.exp(self.log_hyper_[2])
        self.dual_coef_ = cho_solve(cho_factor(kernel, lower=True), target)
        return self

    def predict(
        self, X: np.ndarray, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return predicted ages, and on request the spread of a new person's age around them.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
        return_std : bool, default=False
            Also return the predictive standard deviation.

        Returns
        -------
        predicted_age_years : ndarray of shape (n_scans,)
        sd_years : ndarray of shape (n_scans,)
            Only with `return_std`; noise of a single person included.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        offset = X - self.feature_mean_
        cross = (offset @ self.X_fit_.T).astype(np.float64) / self.kernel_scale_
        own = np.einsum("ij,ij->i", offset, offset) / self.kernel_scale_
        fitted = np.einsum("ij,ij->i", self.X_fit_, self.X_fit_, dtype=float) / self.kernel_scale_
        squared = _squared_distances(own, cross, fitted) / self.median_distance_
        kernel = _covariance(self.log_hyper_, cross, squared)
        predicted = self.mean_age_ + self.age_sd_ * (kernel @ self.dual_coef_)
        if not return_std:
            return predicted
        linear, rbf, noise, _ = np.exp(self.log_hyper_)
        explained = np.einsum("ij,ji->i", kernel, cho_solve(self._kernel_factor(), kernel.T))
        variance = np.maximum(linear * own + rbf - explained, 0.0) + noise
        return predicted, self.age_sd_ * np.sqrt(variance)

    @property
    def shares_(self) -> dict[str, float]:
        """Variances of the parts as shares of the ages' variance, and the relative length scale."""
        names = ("linear", "rbf", "noise", "squared_length")
        shares = dict(zip(names, np.exp(self.log_hyper_).tolist(), strict=True))
        shares["length_scale"] = shares.pop("squared_length") ** 0.5
        return shares

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return arrays for a clock file; they hold the training scans' features."""
        check_is_fitted(self)
        return {name: np.asarray(getattr(self, f"{name}_")) for name in _STORED}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n_features: int) -> GaussianProcessClock:
        """Rebuild a fitted clock from `to_arrays`; ClockFileError where it makes no sense."""
        only(arrays, _STORED, "arrays of a Gaussian process")
        new = cls()
        new.X_fit_ = array(arrays, "X_fit", (None, n_features))
        new.feature_mean_ = array(arrays, "feature_mean", (n_features,))
        new.dual_coef_ = array(arrays, "dual_coef", (len(new.X_fit_),))
        low, high = np.array(_BOUNDS).T
        new.log_hyper_ = array(arrays, "log_hyper", (4,), low=low.min(), high=high.max())
        new.mean_age_ = float(array(arrays, "mean_age", (), low=0, high=MAX_AGE_YEARS))
        for name in ("age_sd", "kernel_scale", "median_distance"):
            setattr(new, f"{name}_", float(array(arrays, name, (), low=ABOVE_ZERO)))
        new.n_features_in_ = n_features
        return new

    def _kernel_factor(self) -> tuple[np.ndarray, bool]:
        gram = (self.X_fit_ @ self.X_fit_.T).astype(np.float64) / self.kernel_scale_
        squared = _squared_distances(np.diag(gram), gram, np.diag(gram)) / self.median_distance_
        kernel = _covariance(self.log_hyper_, gram, squared)
        kernel[np.diag_indices_from(kernel)] += np.exp(self.log_hyper_[2])
        return cho_factor(kernel, lower=True)

    def _tuning_rows(self, n_scans: int) -> np.ndarray:
        if n_scans <= self.max_scans_tuning:
            return np.arange(n_scans)
        rng = np.random.default_rng(self.random_state)
        return np.sort(rng.choice(n_scans, self.max_scans_tuning, replace=False))

    def _tune(self, gram: np.ndarray, squared: np.ndarray, target: np.ndarray) -> np.ndarray:
        found = minimize(
            _negative_log_likelihood,
            _START,
            args=(gram, squared, target),
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
            options={"maxiter": 60},
        )
        self.log_marginal_likelihood_ = -float(found.fun)
        return found.x


def _covariance(log_hyper: np.ndarray, gram: np.ndarray, squared: np.ndarray) -> np.ndarray:
    linear, rbf, _, length = np.exp(log_hyper)
    return linear * gram + rbf * np.exp(-0.5 * squared / length)


def _squared_distances(own: np.ndarray, cross: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.maximum(own[:, None] - 2 * cross + other[None, :], 0.0)


def _negative_log_likelihood(
    log_hyper: np.ndarray, gram: np.ndarray, squared: np.ndarray, target: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return -log p(target) and its gradient in the log hyperparameters (R & W eq. 5.8, 5.9)."""
    linear, rbf, noise, length = np.exp(log_hyper)
    n = len(target)
    bell = rbf * np.exp(-0.5 * squared / length)
    kernel = linear * gram + bell
    kernel[np.diag_indices(n)] += noise
    factor = cho_factor(kernel, lower=True)
    weights = cho_solve(factor, target)
    inverse = cho_solve(factor, np.eye(n))
    value = 0.5 * target @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * n * np.log(2 * np.pi)
    # tr((inverse - weights weights') dK) / 2 for each dK.
    difference = inverse - np.outer(weights, weights)
    gradient = 0.5 * np.array(
        [
            linear * np.vdot(difference, gram),
            np.vdot(difference, bell),
            noise * np.trace(difference),
            np.vdot(difference, bell * squared) / (2 * length),
        ]
    )
    return float(value), gradient


@dataclass(frozen=True)
class GaussianProcessRegression:
    """A Gaussian process on stored training features."""

    model: GaussianProcessClock

    data_in_file = HOLDS_FEATURES
    holds_features = True

    def predict_one(self, x: np.ndarray) -> float:
        """Return the predicted age in years of one scan's features (n_features,)."""
        return float(self.model.predict(x[None, :])[0])

    def predict_rows(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages in years of many scans (n_scans, n_features)."""
        return np.asarray(self.model.predict(X))

    def to_stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return JSON-able facts and arrays."""
        return {"kind": "gaussian_process"}, self.model.to_arrays()


@dataclass(frozen=True)
class FittedGaussianProcess:
    """A Gaussian process fitted on one training set."""

    clock: GaussianProcessClock

    @property
    def chosen(self) -> dict[str, Any]:
        """Shares of variance that maximise the marginal likelihood."""
        return {name: float(share) for name, share in self.clock.shares_.items()}

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ages in years of features (n_new, n_features)."""
        return np.asarray(self.clock.predict(X))


@dataclass(frozen=True)
class GaussianProcessRegressor:
    """A Gaussian process on one view, for `ClockOptions.estimator` "gaussian_process"."""

    name = "gaussian_process"
    centred = False
    threaded = False

    def needs(self, shape: TrainingShape) -> Needs:
        """Return "features"."""
        return "features"

    def fit(self, training: FeatureTraining) -> FittedGaussianProcess:
        """Choose hyperparameters by marginal likelihood, and fit."""
        return FittedGaussianProcess(GaussianProcessClock().fit(training.X, training.ages))

    def freeze(
        self,
        models: Sequence[FittedGaussianProcess],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> GaussianProcessRegression:
        """Return the one model, with its training scans."""
        if len(models) > 1:
            raise BrainAgeError(
                "clock.ensemble: not for gaussian_process, whose file would hold "
                "every fold's training scans. Set ensemble: false."
            )
        return GaussianProcessRegression(models[0].clock)

    def words(self) -> str:
        """Return the method in words."""
        return "a Gaussian process, its hyperparameters by marginal likelihood"
