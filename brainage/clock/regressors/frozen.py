"""The regression inside a saved clock: one weight per edge, or a kernel on stored scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from brainage.clock.regressors.age_scale import AgeScale, to_years
from brainage.showing import Shown

_NO_DATA = "none: one weight per feature, sorted residuals, a low-rank summary"
HOLDS_FEATURES = (
    "features of the training scans (a kernel clock needs them to predict): share "
    "this file as you would share the scans' connectivity"
)


class Regression(Protocol):
    """Features of one prepared scan to its predicted age."""

    @property
    def data_in_file(self) -> str:
        """What of the participants a file with this regression holds."""

    @property
    def holds_features(self) -> bool:
        """Whether that is features of training scans."""

    def predict_one(self, x: np.ndarray) -> float:
        """Return the predicted age in years of one scan's features (n_features,)."""

    def predict_rows(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages in years of many scans (n_scans, n_features), in one product.

        Rounding may change with the number of scans: for figures about a clock, not for scores.
        """

    def to_stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return JSON-able facts and arrays."""


@dataclass(frozen=True, repr=False)
class LinearRegression(Shown):
    """``x @ weights + intercept``: ridge, linear SVR, elastic net, stacks and their ensembles.

    Parameters
    ----------
    weights : ndarray of shape (n_features,)
        Units of the age scale per feature unit.
    intercept : float
        On the age scale.
    age_scale : {"years", "sqrt", "log"}, default="years"
        What the sum is turned back from.

    Examples
    --------
    >>> line = LinearRegression(np.array([2.0, -1.0]), 60.0)
    >>> line.predict_one([np.array([[0.5, 1.0]])])
    60.0
    """

    weights: np.ndarray
    intercept: float
    age_scale: AgeScale = "years"

    data_in_file = _NO_DATA
    holds_features = False

    def predict_one(self, x: np.ndarray) -> float:
        """Return the predicted age in years of one scan's features (n_features,)."""
        # No BLAS: its rounding may change with the number of threads.
        return float(to_years(np.sum(x * self.weights) + self.intercept, self.age_scale))

    def predict_rows(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages in years of many scans (n_scans, n_features)."""
        return np.asarray(to_years(X @ self.weights + self.intercept, self.age_scale))

    def to_stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return JSON-able facts and arrays."""
        meta = {"kind": "linear", "intercept": self.intercept, "age_scale": self.age_scale}
        return meta, {"weights": self.weights}


@dataclass(frozen=True)
class PolynomialRegression:
    """``(gamma x @ support.T) ** degree @ dual + intercept``, averaged over an ensemble's models.

    Parameters
    ----------
    support : ndarray of shape (n_support, n_features)
        Features of training scans.
    dual : ndarray of shape (n_models, n_support)
        Weights on them; zero where a model has none.
    gamma, intercept : ndarray of shape (n_models,)
        One a model.
    degree : int
        Of the kernel.
    """

    support: np.ndarray
    dual: np.ndarray
    gamma: np.ndarray
    intercept: np.ndarray
    degree: int

    data_in_file = HOLDS_FEATURES
    holds_features = True

    def predict_one(self, x: np.ndarray) -> float:
        """Return the predicted age in years of one scan's features (n_features,)."""
        products = self.support @ x
        powers = (self.gamma[:, None] * products) ** self.degree
        return float(np.mean(np.sum(powers * self.dual, axis=1) + self.intercept))

    def predict_rows(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages in years of many scans (n_scans, n_features)."""
        products = X @ self.support.T
        models = zip(self.gamma, self.dual, self.intercept, strict=True)
        ages = [(gamma * products) ** self.degree @ dual + at_0 for gamma, dual, at_0 in models]
        return np.mean(ages, axis=0)

    def to_stored(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Return JSON-able facts and arrays."""
        arrays = {
            "support": self.support,
            "dual": self.dual,
            "gamma": self.gamma,
            "intercept": self.intercept,
        }
        return {"kind": "polynomial", "degree": self.degree}, arrays
