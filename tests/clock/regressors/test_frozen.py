"""A frozen regression: sums and powers by hand, one scan as many, to file as arrays."""

import numpy as np
import pytest

from brainage.clock.regressors.age_scale import to_years
from brainage.clock.regressors.frozen import LinearRegression, PolynomialRegression

X = np.random.default_rng(0).normal(size=(5, 3))


@pytest.mark.parametrize("scale", ["years", "sqrt", "log"])
def test_line_is_weights_times_features_on_its_age_scale(scale):
    line = LinearRegression(np.array([0.1, -0.2, 0.05]), 3.0, scale)
    expected = [to_years(x @ [0.1, -0.2, 0.05] + 3.0, scale) for x in X]
    np.testing.assert_allclose(line.predict_rows(X), expected, rtol=1e-12)
    np.testing.assert_allclose([line.predict_one(x) for x in X], expected, rtol=1e-12)


def test_polynomial_is_the_mean_over_models_of_powers_of_products():
    support = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    found = PolynomialRegression(
        support, np.array([[1.0, 0.0], [0.5, 1.0]]), np.array([1.0, 0.5]), np.array([3.0, 5.0]), 2
    )
    x = np.array([3.0, 1.0, 9.0])
    # Model 1: 9 + 3. Model 2: 0.5 (0.5 * 3)^2 + (0.5 * 2)^2 + 5.
    expected = (12.0 + 0.5 * 2.25 + 1.0 + 5.0) / 2
    assert found.predict_one(x) == pytest.approx(expected)
    np.testing.assert_allclose(found.predict_rows(X), [found.predict_one(x) for x in X])


def test_kernel_alone_holds_features_of_people():
    line = LinearRegression(np.zeros(3), 0.0)
    kernel = PolynomialRegression(X, np.ones((1, 5)), np.ones(1), np.zeros(1), 2)
    assert (line.holds_features, kernel.holds_features) == (False, True)
    assert line.data_in_file.startswith("none")
    assert "share this file as you would share" in kernel.data_in_file
