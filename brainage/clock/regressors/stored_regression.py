"""A regression in a clock file, and back: every value checked on the way in."""

from __future__ import annotations

from typing import cast, get_args

import numpy as np

from brainage.clock.options import MAX_DEGREE
from brainage.clock.regressors.age_scale import AgeScale
from brainage.clock.regressors.frozen import LinearRegression, PolynomialRegression, Regression
from brainage.clock.regressors.gaussian_process import (
    GaussianProcessClock,
    GaussianProcessRegression,
)
from brainage.clock.stored import ABOVE_ZERO, array, number, only, record, text, whole


def regression_from_stored(
    meta: dict, arrays: dict[str, np.ndarray], *, n_features: int
) -> Regression:
    """Rebuild a regression from `to_stored`; ClockFileError for one that makes no sense."""
    kind = text(
        meta.get("kind") if isinstance(meta, dict) else None,
        "regression kind",
        among=("linear", "polynomial", "gaussian_process"),
    )
    if kind == "linear":
        record(meta, "regression", ("kind", "intercept", "age_scale"))
        only(arrays, ("weights",), "arrays of a linear regression")
        return LinearRegression(
            array(arrays, "weights", (n_features,)),
            number(meta["intercept"], "regression intercept"),
            cast(AgeScale, text(meta["age_scale"], "age scale", among=get_args(AgeScale))),
        )
    if kind == "polynomial":
        record(meta, "regression", ("kind", "degree"))
        only(arrays, ("support", "dual", "gamma", "intercept"), "arrays of a polynomial regression")
        support = array(arrays, "support", (None, n_features))
        dual = array(arrays, "dual", (None, len(support)))
        return PolynomialRegression(
            support,
            dual,
            array(arrays, "gamma", (len(dual),), low=ABOVE_ZERO),
            array(arrays, "intercept", (len(dual),)),
            whole(meta["degree"], "degree", low=1, high=MAX_DEGREE),
        )
    record(meta, "regression", ("kind",))
    return GaussianProcessRegression(GaussianProcessClock.from_arrays(arrays, n_features))
