"""Site effects from moments: least squares, and the posterior modes of ComBat."""

import numpy as np
import pytest

from brainage.clock.preparation.combat import (
    estimate_site_effects,
    residual_sd,
    shrink_site_effect,
)


@pytest.fixture
def two_sites():
    rng = np.random.default_rng(0)
    code = np.repeat([0, 1], [30, 20])
    return rng.normal(0, 1, (50, 40)) + 0.7 * code[:, None], code


def test_location_alone_is_each_sites_mean_less_the_mean_of_all_scans(two_sites):
    X, code = two_sites
    found = estimate_site_effects(X, code, shrink=False)
    np.testing.assert_allclose(found.grand_mean, X.mean(axis=0), atol=1e-12)
    for site in (0, 1):
        expected = X[code == site].mean(axis=0) - X.mean(axis=0)
        np.testing.assert_allclose(found.shift[site], expected, atol=1e-12)
    assert (found.scale == 1).all()


def test_covariates_slope_is_that_of_the_regression_with_a_mean_a_site(two_sites):
    X, code = two_sites
    age = np.random.default_rng(1).uniform(20, 80, 50)
    X = X + 0.05 * age[:, None]
    found = estimate_site_effects(X, code, shrink=False, covariate=age)
    design = np.column_stack([np.eye(2)[code], age])
    slope = np.linalg.lstsq(design, X, rcond=None)[0][2]
    np.testing.assert_allclose(found.covariate_slope, slope, rtol=1e-9)
    np.testing.assert_allclose(found.covariate_mean, [age[code == 0].mean(), age[code == 1].mean()])


def test_scans_without_a_site_are_not_looked_at(two_sites):
    X, code = two_sites
    more = np.vstack([X, np.full((3, 40), 1e6)])
    found = estimate_site_effects(more, np.append(code, [-1, -1, -1]), shrink=True)
    expected = estimate_site_effects(X, code, shrink=True)
    np.testing.assert_allclose(found.shift, expected.shift, rtol=1e-9)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-9)


def test_shrunken_location_lies_between_the_edges_own_and_the_mean_of_edges():
    rng = np.random.default_rng(0)
    mean, variance = rng.normal(0.5, 1.0, 60), rng.uniform(0.5, 2.0, 60)
    location, squared = shrink_site_effect(mean, variance, 5)
    pull = (mean - location) / (mean - mean.mean())
    assert ((pull > 0) & (pull < 1)).all()
    assert squared.std() < variance.std()
    # Many scans need no neighbours.
    far, _ = shrink_site_effect(mean, variance, 10**6)
    np.testing.assert_allclose(far, mean, atol=1e-4)


def test_posterior_is_a_fixed_point_of_johnsons_equations():
    rng = np.random.default_rng(2)
    mean, variance, n = rng.normal(1.0, 0.5, 80), rng.uniform(0.5, 2.0, 80), 12
    location, squared = shrink_site_effect(mean, variance, n, tolerance=1e-12)
    prior_mean, prior_variance = mean.mean(), mean.var(ddof=1)
    average, spread = variance.mean(), variance.var(ddof=1)
    shape, rate = 2 + average**2 / spread, average + average**3 / spread
    weight = n * prior_variance
    np.testing.assert_allclose(
        location, (weight * mean + squared * prior_mean) / (weight + squared), rtol=1e-9
    )
    squares = (n - 1) * variance + n * (mean - location) ** 2
    np.testing.assert_allclose(squared, (squares / 2 + rate) / (n / 2 + shape - 1), rtol=1e-9)


def test_one_edge_has_no_neighbours_and_equal_variances_no_prior_of_scale():
    mean, variance = np.array([0.3]), np.array([2.0])
    assert [v.tolist() for v in shrink_site_effect(mean, variance, 9)] == [[0.3], [2.0]]
    _, squared = shrink_site_effect(np.arange(5.0), np.full(5, 1.5), 9)
    np.testing.assert_allclose(squared, 1.5)
    _, squared = shrink_site_effect(np.arange(5.0), np.full(5, 1.5), 9, location_only=True)
    np.testing.assert_allclose(squared, 1.0)


def test_column_that_never_varies_is_divided_by_one():
    values = np.column_stack([np.full(6, 0.1), np.arange(6.0)])
    found = residual_sd(values, values.mean(axis=0))
    np.testing.assert_allclose(found, [1.0, np.arange(6.0).std()])
