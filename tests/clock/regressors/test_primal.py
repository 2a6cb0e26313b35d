"""Ridge through sums over scans is the ridge through their products."""

import numpy as np
import pytest

from brainage.clock.regressors import primal
from brainage.clock.regressors.primal import fit_ridge_on_moments, moments_of
from brainage.clock.regressors.ridge import fit_ridge_on_gram

SHAPES = [(40, 90), (120, 15)]


def _data(n, n_features, seed=0):
    rng = np.random.default_rng(seed)
    X = 0.3 + rng.normal(size=(n, n_features))
    return X, 50 + X @ rng.normal(size=n_features) + rng.normal(0, 4, n)


@pytest.mark.parametrize(("n", "n_features"), SHAPES)
def test_ridge_through_features_equals_ridge_through_scans(n, n_features):
    X, y = _data(n, n_features)
    train = np.arange(n - 10)
    moments = moments_of(X, y, np.arange(n)).without(moments_of(X, y, np.arange(n - 10, n)))
    tall = fit_ridge_on_moments(moments, X, y, train)
    wide = fit_ridge_on_gram(X[train] @ X[train].T, y[train])
    assert tall.penalty == pytest.approx(wide.penalty, rel=1e-10)
    np.testing.assert_allclose(tall.coef, X[train].T @ wide.dual, atol=1e-8)
    assert tall.intercept == pytest.approx(wide.intercept, abs=1e-7)


def test_penalty_of_sampled_left_out_scans_errs_by_less_than_one_percent_more():
    X, y = _data(5000, 20)
    train, new = np.arange(1500), np.arange(1500, 5000)
    moments = moments_of(X, y, train)
    exact = fit_ridge_on_moments(moments, X, y, train)
    sampled = fit_ridge_on_moments(moments, X, y, train, max_left_out=500)
    exact_error, sampled_error = (
        np.mean((X[new] @ fit.coef + fit.intercept - y[new]) ** 2) for fit in (exact, sampled)
    )
    assert sampled_error < 1.01 * exact_error


@pytest.mark.parametrize("most", [3000, 60])
def test_people_are_left_out_whole_as_through_scans(most):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(120), np.resize([1, 3, 2], 120))
    age = rng.uniform(20, 80, 120)
    own = 0.004 * np.outer(age - 50, rng.normal(size=15)) + 0.3 * rng.normal(size=(120, 15))
    X, age = own[people] + 0.3 * rng.normal(size=(len(people), 15)), age[people]
    train = np.flatnonzero(people % 5 > 0)
    tall = fit_ridge_on_moments(
        moments_of(X, age, train), X, age, train, groups=people[train], max_left_out=most
    )
    wide = fit_ridge_on_gram(X[train] @ X[train].T, age[train], groups=people[train])
    if most > len(train):
        assert tall.penalty == pytest.approx(wide.penalty)
        np.testing.assert_allclose(tall.coef, wide.dual @ X[train], rtol=1e-7, atol=1e-10)
    else:
        assert 0.2 < tall.penalty / wide.penalty < 5


def test_sums_over_some_scans_are_those_of_all_without_the_others():
    X, y = _data(40, 6)
    rest = moments_of(X, y, np.arange(40)).without(moments_of(X, y, np.arange(10)))
    own = moments_of(X, y, np.arange(10, 40))
    assert rest.n == own.n == 30
    np.testing.assert_allclose(rest.xx, own.xx, atol=1e-10)
    np.testing.assert_allclose(rest.xy, X[10:].T @ y[10:], rtol=1e-10)
    assert rest.sum_y == pytest.approx(y[10:].sum())


def test_the_penalty_search_finds_the_lowest_point_with_a_third_of_the_evaluations():
    counts = []
    for middle in np.linspace(-3, 43, 60):
        known = {}

        def error(i, middle=middle, known=known):
            assert i not in known
            known[i] = 3 * np.logaddexp(0, i - middle) + np.logaddexp(0, (middle - i) / 4)
            return known[i]

        found = primal._smallest(error, 41)
        curve = [error(i, middle, {}) for i in range(41)]
        assert curve[found] == min(curve)
        counts.append(len(known))
    assert np.mean(counts) < 41 / 3
