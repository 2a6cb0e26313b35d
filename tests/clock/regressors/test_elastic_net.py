"""The elastic-net clock finds the few edges that matter and never looks at held-out people."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, enet_path
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock.regressors.elastic_net import ElasticNetClock, _path


def _sparse(n, p=200, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(0.3, 0.2, (n, p))
    return X, 50 + 40 * X[:, 3] - 30 * X[:, 17] + rng.normal(0, 2, n)


def test_planted_edges_carry_the_largest_weights_and_most_others_none():
    X, y = _sparse(150)
    clock = ElasticNetClock(l1_ratios=(0.5,)).fit(X, y)
    assert set(np.argsort(np.abs(clock.coef_))[-2:]) == {3, 17}
    assert np.mean(clock.coef_ == 0) > 0.5


def test_prediction_error_on_new_people_is_far_below_the_spread():
    X, y = _sparse(200)
    X_new, y_new = _sparse(300, seed=1)
    error = np.abs(ElasticNetClock().fit(X, y).predict(X_new) - y_new).mean()
    # Ages have a mean absolute deviation near 8 years; the noise alone one of 1.6.
    assert error < 2.5


def test_fit_equals_scikit_learns_at_the_chosen_penalty():
    X, y = _sparse(80, p=40)
    clock = ElasticNetClock().fit(X, y)
    scale = X.std()
    peer = ElasticNet(alpha=clock.penalty_, l1_ratio=clock.l1_ratio_, tol=1e-8, max_iter=10_000)
    peer.fit((X - X.mean(axis=0)) / scale, y)
    np.testing.assert_allclose(clock.coef_ * scale, peer.coef_, atol=2e-2)


def test_the_path_over_kept_edges_is_scikit_learns_path_over_all():
    X, y = _sparse(60, p=400)
    X, y = np.asfortranarray(X - X.mean(axis=0)), y - y.mean()
    strongest = np.abs(X.T @ y).max() / 60 / 0.5
    steps = strongest * np.geomspace(1, 0.05, 8)
    _, expected, _ = enet_path(X, y, l1_ratio=0.5, alphas=steps, tol=1e-9, max_iter=20_000)
    found = _path(X, y, 0.5, steps, tol=1e-9)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_scaling_every_edge_alike_leaves_predictions_unchanged():
    X, y = _sparse(80, p=40)
    a = ElasticNetClock().fit(X, y).predict(X)
    b = ElasticNetClock().fit(1000 * X, y).predict(1000 * X)
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_noise_features_give_predictions_near_the_mean():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(100, 300)), rng.uniform(20, 80, 100)
    clock = ElasticNetClock().fit(X, y)
    assert clock.predict(rng.normal(size=(200, 300))).std() < 0.4 * y.std()


def test_inner_folds_keep_a_persons_scans_together():
    X, y = _sparse(40, p=30)
    twice, ages = np.repeat(X, 2, axis=0), np.repeat(y, 2)
    groups = np.repeat(np.arange(40), 2)
    for train, test in ElasticNetClock()._folds(80, groups):
        assert not set(groups[train]) & set(groups[test])
    mixed = ElasticNetClock().fit(twice, ages).inner_mse_.min()
    apart = ElasticNetClock().fit(twice, ages, groups=groups).inner_mse_.min()
    assert apart > mixed


def test_passes_scikit_learns_checks():
    check_estimator(ElasticNetClock())


def test_weights_are_in_years_per_edge_unit():
    X, y = _sparse(300)
    clock = ElasticNetClock(l1_ratios=(0.9,), path_ratio=0.005).fit(X, y)
    assert clock.coef_[3] == pytest.approx(40, rel=0.1)
