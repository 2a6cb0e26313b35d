"""A regression of a file predicts as it did, or is none."""

import json

import numpy as np
import pytest

from brainage.clock.regressors.frozen import LinearRegression, PolynomialRegression
from brainage.clock.regressors.stored_regression import regression_from_stored
from brainage.errors import ClockFileError

X = np.random.default_rng(0).normal(size=(4, 3))
LINE = LinearRegression(np.array([1.0, 2.0, 3.0]), 40.0, "log")
KERNEL = PolynomialRegression(X, np.ones((2, 4)), np.ones(2), np.array([1.0, 2.0]), 3)


@pytest.mark.parametrize("kept", [LINE, KERNEL], ids=["linear", "polynomial"])
def test_what_was_stored_predicts_the_same_ages(kept):
    meta, arrays = kept.to_stored()
    again = regression_from_stored(json.loads(json.dumps(meta)), arrays, n_features=3)
    np.testing.assert_array_equal(again.predict_rows(X), kept.predict_rows(X))


@pytest.mark.parametrize(
    ("kept", "meta", "arrays", "words"),
    [
        (LINE, {"kind": "forest"}, {}, "regression kind: expected one of"),
        (LINE, {"age_scale": "parsec"}, {}, "age scale"),
        (LINE, {"intercept": True}, {}, "regression intercept: expected a number"),
        (LINE, {}, {"weights": np.ones(4)}, r"'weights': expected shape \(3,\)"),
        (LINE, {}, {"more": np.ones(1)}, "expected nothing else"),
        (KERNEL, {"degree": 0}, {}, "degree"),
        (KERNEL, {}, {"gamma": np.zeros(2)}, "'gamma': expected values from"),
        (KERNEL, {}, {"dual": np.ones((2, 3))}, "'dual'"),
    ],
)
def test_value_that_makes_no_sense_is_refused(kept, meta, arrays, words):
    own, stored = kept.to_stored()
    with pytest.raises(ClockFileError, match=words):
        regression_from_stored(own | meta, stored | arrays, n_features=3)
