"""Fitted models that are one weight a feature, on features or through training scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from brainage.clock.regressors.age_scale import AgeScale, to_years
from brainage.clock.regressors.frozen import LinearRegression
from brainage.clock.regressors.grams import weights_of
from brainage.errors import BrainAgeError


@dataclass(frozen=True)
class GramLine:
    """Linear through training scans: ``sum over views of k(x, train) @ dual + intercept``.

    Parameters
    ----------
    duals : list of ndarray of shape (n_train,)
        Weights on training scans, one array a view.
    intercept : float
        On the age scale.
    chosen : dict
        Hyperparameters.
    age_scale : {"years", "sqrt", "log"}, default="years"
        Scale of duals and intercept.
    """

    duals: list[np.ndarray]
    intercept: float
    chosen: dict[str, Any] = field(default_factory=dict)
    age_scale: AgeScale = "years"

    def predict(self, kernels: list[np.ndarray]) -> np.ndarray:
        """Return ages in years from products (n_new, n_train) of each view."""
        parts = [k @ d for k, d in zip(kernels, self.duals, strict=True)]
        return to_years(self.intercept + np.sum(parts, axis=0), self.age_scale)


@dataclass(frozen=True)
class FeatureLine:
    """Linear in features: ``x @ coef + intercept``, on the age scale."""

    coef: np.ndarray
    intercept: float
    chosen: dict[str, Any] = field(default_factory=dict)
    age_scale: AgeScale = "years"

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ages in years of features (n_new, n_features)."""
        return to_years(X @ self.coef + self.intercept, self.age_scale)


Line = GramLine | FeatureLine


def weights_of_lines(
    models: Sequence[Line], trains: Sequence[np.ndarray], prepared: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Fold models back to weights on features; intercepts for features that are not centred.

    Parameters
    ----------
    models : sequence of GramLine or of FeatureLine
        All of one kind.
    trains : sequence of ndarray of int
        Rows of the cohort that each was fitted on.
    prepared : iterable of ndarray of shape (n_scans, n_features)
        Features of the cohort, one array a view; each is read once for all models.

    Returns
    -------
    weights : ndarray of shape (n_models, n_features)
        Views side by side.
    intercepts : ndarray of shape (n_models,)
    """
    intercepts = np.array([model.intercept for model in models])
    if isinstance(models[0], FeatureLine):
        return np.array([m.coef for m in models if isinstance(m, FeatureLine)]), intercepts
    on_grams = [model for model in models if isinstance(model, GramLine)]
    parts = []
    for i, values in enumerate(prepared):
        duals, means = np.zeros((2, len(models), len(values)))
        for k, (model, train) in enumerate(zip(on_grams, trains, strict=True)):
            duals[k, train] = model.duals[i]
            means[k, train] = 1 / len(train)
        weights = weights_of(values, np.vstack([duals, means]))
        # Gram matrices were of features minus the training scans' mean: undone here, once.
        weights, train_mean = weights[: len(models)], weights[len(models) :]
        intercepts = intercepts - np.sum(weights * train_mean, axis=1)
        parts.append(weights)
    return np.hstack(parts), intercepts


def freeze_lines(
    models: Sequence[Line], trains: Sequence[np.ndarray], prepared: Iterable[np.ndarray]
) -> LinearRegression:
    """Return the mean of linear models as one weight vector; arguments as `weights_of_lines`.

    Raises
    ------
    BrainAgeError
        Models on several age scales, which no one weight vector can average.
    """
    scales = sorted({model.age_scale for model in models})
    if len(scales) > 1:
        raise BrainAgeError(
            f"clock.ensemble: its fold models chose the age scales {scales}, which "
            "no one weight vector can average. Set clock.age_scale to one of "
            "them."
        )
    weights, intercepts = weights_of_lines(models, trains, prepared)
    return LinearRegression(weights.mean(axis=0), float(intercepts.mean()), scales[0])
