"""Any scikit-learn regressor as a clock, named by its import path; Python only, never a config."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
from sklearn.base import RegressorMixin, is_regressor

from brainage.errors import BrainAgeError

#: Scans on which a regressor is asked whether it is linear.
_FEW = 16


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


def line_of(model: RegressorMixin, X: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Return weights and intercept of a fitted regressor, or None where it is not linear.

    Weights alone are no proof: a Poisson regression has some too, and predicts their exponential.

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
    coef = np.asarray(getattr(model, "coef_", ()), dtype=float).ravel()
    intercept = np.asarray(getattr(model, "intercept_", ()), dtype=float).ravel()
    if coef.shape != (X.shape[1],) or intercept.shape != (1,):
        return None
    few = X[:_FEW]
    predicted = np.ravel(model.predict(few))
    expected = few @ coef + intercept[0]
    # float32 features make float32 predictions.
    if not np.allclose(predicted, expected, rtol=1e-4, atol=1e-4 * np.ptp(predicted)):
        return None
    return coef, float(intercept[0])
