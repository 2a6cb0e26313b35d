"""The Gaussian-process clock: scikit-learn's answer, faster, with an honest spread."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, WhiteKernel
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock.regressors.gaussian_process import (
    GaussianProcessClock,
    _negative_log_likelihood,
)
from brainage.errors import BrainAgeError


def _cohort(n, p=60, *, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    weights = np.random.default_rng(99).normal(size=p)
    return X, 50 + 2 * X @ weights + rng.normal(0, 6, n)


def test_predictions_equal_scikit_learns_at_the_same_hyperparameters():
    X, y = _cohort(80)
    X_new, _ = _cohort(20, seed=1)
    ours = GaussianProcessClock().fit(X, y)
    s = ours.shares_
    mean = X.mean(axis=0)
    # Our linear kernel is x'z / scale; RBF lengths are relative to the median distance.
    length = s["length_scale"] * np.sqrt(ours.median_distance_ * ours.kernel_scale_)
    kernel = (
        s["linear"] / ours.kernel_scale_ * DotProduct(0, "fixed")
        + s["rbf"] * RBF(length)
        + WhiteKernel(s["noise"])
    )
    peer = GaussianProcessRegressor(kernel, optimizer=None, alpha=0)
    peer.fit(X - mean, (y - y.mean()) / y.std())
    expected, spread = peer.predict(X_new - mean, return_std=True)
    predicted, sd = ours.predict(X_new, return_std=True)
    np.testing.assert_allclose(predicted, y.mean() + y.std() * expected, rtol=1e-7)
    np.testing.assert_allclose(sd, y.std() * spread, rtol=1e-6)


def test_gradient_of_the_likelihood_is_right():
    X, y = _cohort(25)
    gram = X @ X.T / 60
    squared = np.diag(gram)[:, None] - 2 * gram + np.diag(gram)
    target = (y - y.mean()) / y.std()
    arguments = (gram, squared, target)
    error = check_grad(
        lambda h: _negative_log_likelihood(h, *arguments)[0],
        lambda h: _negative_log_likelihood(h, *arguments)[1],
        np.array([-0.3, -0.8, -0.5, 0.2]),
    )
    assert error < 1e-4


def test_spread_covers_new_people_near_its_nominal_level():
    X, y = _cohort(250)
    X_new, y_new = _cohort(1500, seed=2)
    predicted, sd = GaussianProcessClock().fit(X, y).predict(X_new, return_std=True)
    assert np.mean(np.abs(y_new - predicted) < 1.645 * sd) == pytest.approx(0.9, abs=0.04)


def test_a_far_scan_gets_a_wider_spread():
    X, y = _cohort(150)
    clock = GaussianProcessClock().fit(X, y)
    _, near = clock.predict(X[:5], return_std=True)
    _, far = clock.predict(X[:5] * 6, return_std=True)
    assert np.all(far > near)


def test_prediction_of_one_scan_equals_its_row_in_a_batch():
    X, y = _cohort(60)
    clock = GaussianProcessClock().fit(X, y)
    assert clock.predict(X[4:5])[0] == pytest.approx(clock.predict(X)[4], abs=1e-9)


def test_tuning_on_a_sample_still_fits_every_scan():
    X, y = _cohort(200)
    sampled = GaussianProcessClock(max_scans_tuning=80).fit(X, y)
    whole = GaussianProcessClock().fit(X, y)
    assert len(sampled.dual_coef_) == 200
    X_new, y_new = _cohort(300, seed=3)
    errors = [np.abs(c.predict(X_new) - y_new).mean() for c in (sampled, whole)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


def test_arrays_round_trip_gives_the_same_predictions_and_spread():
    X, y = _cohort(50)
    clock = GaussianProcessClock().fit(X, y)
    again = GaussianProcessClock.from_arrays(clock.to_arrays(), X.shape[1])
    X_new, _ = _cohort(6, seed=5)
    for ours, theirs in zip(
        again.predict(X_new, return_std=True), clock.predict(X_new, return_std=True), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_too_many_scans_are_refused_with_an_alternative():
    X, y = _cohort(20)
    with pytest.raises(BrainAgeError, match="Use ridge"):
        GaussianProcessClock(max_scans=19).fit(X, y)


def test_passes_scikit_learns_checks():
    check_estimator(GaussianProcessClock())
