"""Any scikit-learn regressor as a clock, named by its import path; Python only, never a config."""

from __future__ import annotations

import importlib
import inspect

from sklearn.base import RegressorMixin, is_regressor

from brainage.errors import BrainAgeError


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
        raise BrainAgeError(f"regressor: expected a scikit-learn regressor, found "
                            f"{type(regressor).__name__}.")  # fmt: skip
    return regressor
