"""Any scikit-learn regressor as a clock, named by its import path."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, clone, is_regressor

from brainage.blocks import blocks
from brainage.clock.regressors.contract import FeatureTraining, Needs, TrainingShape
from brainage.clock.regressors.frozen import LinearRegression
from brainage.clock.regressors.lines import FeatureLine, freeze_lines
from brainage.errors import BrainAgeError
from brainage.wording import did_you_mean

#: Scans on which a regressor is asked whether it is linear.
_FEW = 16
#: Made-up scans that a regressor is fitted to before anything is trained.
_MADE_UP = 64


def find_regressor(regressor: str | RegressorMixin) -> RegressorMixin:
    """Return an unfitted scikit-learn regressor.

    Parameters
    ----------
    regressor : str or RegressorMixin
        An estimator, or an import path such as ``"sklearn.linear_model.BayesianRidge"``, made
        with its defaults. Importing runs the module's code: never pass text of a stranger.

    Returns
    -------
    regressor : RegressorMixin

    Raises
    ------
    BrainAgeError
        Nothing there, or no regressor.
    """
    if isinstance(regressor, str):
        module, _, name = regressor.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise BrainAgeError(
                f"regressor '{regressor}': expected an import path like "
                f"'sklearn.linear_model.Ridge', found: {error}."
            ) from error
        regressor = found() if inspect.isclass(found) else found
    if not is_regressor(regressor):
        raise BrainAgeError(
            f"regressor: expected a scikit-learn regressor, found {type(regressor).__name__}."
        )
    return regressor


def made_with(path: str, options: Mapping[str, Any]) -> RegressorMixin:
    """Return the regressor of an import path with options of its own.

    Raises
    ------
    BrainAgeError
        Nothing there, no regressor, or an option that it does not have.
    """
    regressor = find_regressor(path)
    known = regressor.get_params(deep=False)
    for name in options:
        if name not in known:
            raise BrainAgeError(
                f"clock.estimator_options: {path} has no option '{name}'."
                f"{did_you_mean(name, known)} It has: {', '.join(sorted(known))}."
            )
    return regressor.set_params(**options)


def why_no_line(path: str, options: Mapping[str, Any]) -> str | None:
    """Return why a clock of a regressor could not be saved; None: it could, or that is not known.

    Told before anything is trained: it is fitted to a few made-up numbers.

    Parameters
    ----------
    path : str
        Its import path.
    options : mapping of str to object
        Of its own.

    Raises
    ------
    BrainAgeError
        Nothing there, no regressor, or an option that it does not have.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((_MADE_UP, _FEW))
    ages = 50 + 10 * X[:, 0] + rng.standard_normal(_MADE_UP)
    template = made_with(path, options)
    try:
        model = clone(template).fit(X, ages)
    except (ValueError, TypeError):
        # Options for more scans or features than these: the real ones will tell.
        return None
    return None if line_of(model, X) is not None else _not_kept(type(template).__name__)


def _not_kept(name: str) -> str:
    return (
        f"regressor {name}: cannot be kept, because it is not linear in the features and a clock "
        "file holds no code. Cross-validate it (a sweep, or cross_validate_clock in Python), or "
        "train a clock with one of the named estimators."
    )


def line_of(model: RegressorMixin, X: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Return weights and intercept of a fitted regressor, or None where it is not linear.

    Weights alone are no proof: a Poisson regression has some too, and predicts their exponential.
    And some have them without saying so (partial least squares, pipelines of linear steps): the
    model is asked for the difference that one feature at a time makes.

    Parameters
    ----------
    model : RegressorMixin
        Fitted.
    X : ndarray of shape (n_scans, n_features)
        Scans on which its predictions must be ``X @ weights + intercept``; a few are enough.

    Returns
    -------
    line : tuple of (ndarray of shape (n_features,), float) or None
    """
    few = np.asarray(X[:_FEW], dtype=np.float64)
    predicted = _predictions(model, few)
    coef = np.asarray(getattr(model, "coef_", ()), dtype=float).ravel()
    if coef.shape != (X.shape[1],):
        if not _is_affine(model, few):
            return None
        coef = _probed(model, few)
    intercept = float(np.mean(predicted - few @ coef))
    # float32 features make float32 predictions.
    spread = max(float(np.ptp(predicted)), 1e-12)
    if not np.allclose(predicted, few @ coef + intercept, rtol=1e-4, atol=1e-4 * spread):
        return None
    return coef, intercept


def _predictions(model: RegressorMixin, X: np.ndarray) -> np.ndarray:
    return np.asarray(model.predict(X), dtype=np.float64).ravel()


def _is_affine(model: RegressorMixin, few: np.ndarray) -> bool:
    """Return whether mixtures of scans, far ones too, are predicted as mixed predictions."""
    rng = np.random.default_rng(0)
    shares = rng.normal(0, 3, (_FEW, len(few)))
    shares += (1 - shares.sum(axis=1, keepdims=True)) / len(few)
    expected = shares @ _predictions(model, few)
    found = _predictions(model, shares @ few)
    return bool(np.allclose(found, expected, rtol=1e-4, atol=1e-4 * np.ptp(expected)))


def _probed(model: RegressorMixin, few: np.ndarray) -> np.ndarray:
    """Return what each feature adds to the prediction when it rises by one spread of `few`."""
    start, step = few.mean(axis=0), float(few.std()) or 1.0
    base = _predictions(model, start[None, :])[0]
    coef = np.empty(few.shape[1])
    for part in blocks(len(coef), len(coef)):
        moved = np.tile(start, (part.stop - part.start, 1))
        moved[np.arange(len(moved)), np.arange(part.start, part.stop)] += step
        coef[part] = (_predictions(model, moved) - base) / step
    return coef


@dataclass(frozen=True)
class ForeignModel:
    """A fitted scikit-learn regressor that is not linear in its features."""

    model: RegressorMixin
    chosen: dict[str, Any] = field(default_factory=dict)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ages in years of features (n_new, n_features)."""
        return np.ravel(self.model.predict(X))


@dataclass(frozen=True)
class ForeignLine(FeatureLine):
    """A fitted scikit-learn regressor that is; it predicts for itself, and is kept as weights."""

    model: Any = None

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return ages in years of features (n_new, n_features)."""
        return np.ravel(self.model.predict(X))


@dataclass(frozen=True)
class ForeignRegressor:
    """A scikit-learn regressor on one view's features, for an estimator named by import path.

    Parameters
    ----------
    template : RegressorMixin
        Cloned and fitted in each fold.
    """

    template: RegressorMixin
    centred = False
    threaded = False

    @property
    def name(self) -> str:
        """As the card names it."""
        return type(self.template).__name__

    def needs(self, shape: TrainingShape) -> Needs:
        """Return "features"."""
        return "features"

    def fit(self, training: FeatureTraining) -> ForeignLine | ForeignModel:
        """Fit a clone; one weight a feature where that is what it is."""
        model = clone(self.template).fit(training.X, training.ages)
        line = line_of(model, training.X)
        return ForeignModel(model) if line is None else ForeignLine(*line, model=model)

    def freeze(
        self,
        models: Sequence[ForeignLine | ForeignModel],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> LinearRegression:
        """Return one weight vector (`freeze_lines`)."""
        lines = [model for model in models if isinstance(model, ForeignLine)]
        if len(lines) < len(models):
            raise BrainAgeError(_not_kept(self.name))
        return freeze_lines(lines, trains, prepared)

    def words(self) -> str:
        """Return the method in words."""
        return f"{self.name} of scikit-learn"
