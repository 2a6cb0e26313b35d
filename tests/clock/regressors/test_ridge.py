"""Ridge by exact leave-one-out, through scans or through features, is scikit-learn's RidgeCV."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock import ClockOptions, RidgeClock, ValidationOptions, cross_validate_clock
from brainage.clock.options import PENALTIES
from brainage.connectivity import FeatureTable, View

SHAPES = [(40, 90), (120, 15)]


def _data(n, n_features, seed=0):
    rng = np.random.default_rng(seed)
    X = 0.3 + rng.normal(size=(n, n_features))
    return X, 50 + X @ rng.normal(size=n_features) + rng.normal(0, 4, n)


def _penalties(X):
    return np.trace((X - X.mean(0)) @ (X - X.mean(0)).T) / len(X) * np.array(PENALTIES)


@pytest.mark.parametrize(("n", "n_features"), SHAPES)
def test_ridge_equals_ridgecv_to_1e8(n, n_features):
    X, y = _data(n, n_features)
    ours = RidgeClock().fit(X, y)
    peer = RidgeCV(alphas=_penalties(X)).fit(X, y)
    assert ours.penalty_ == pytest.approx(peer.alpha_, rel=1e-10)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-8)
    assert ours.intercept_ == pytest.approx(peer.intercept_, abs=1e-8)


@pytest.mark.parametrize(("n", "n_features"), SHAPES)
def test_left_out_predictions_equal_refits_without_the_scan(n, n_features):
    X, y = _data(n, n_features)
    ours = RidgeClock().fit(X, y)
    for i in (0, n // 2, n - 1):
        others = np.arange(n) != i
        refit = Ridge(ours.penalty_).fit(X[others], y[others]).predict(X[[i]])[0]
        assert ours.left_out_[i] == pytest.approx(refit, abs=1e-8)


@pytest.mark.parametrize("p", [16, 6], ids=["more edges than scans", "more scans than edges"])
def test_cross_validated_ridge_equals_ridgecv_on_the_same_folds(make_cohort, p):
    features = make_cohort(60, p=p)
    X = features.views["fisher_z"].values.astype(float)
    y = features.rows["age_years"].to_numpy()
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    cv = cross_validate_clock(features, options, seed=3)
    expected = np.empty(60)
    for train, test in KFold(5, shuffle=True, random_state=3).split(X):
        peer = RidgeCV(alphas=_penalties(X[train])).fit(X[train], y[train])
        expected[test] = peer.predict(X[test])
    np.testing.assert_allclose(cv.predictions["predicted_age_years"], expected, atol=1e-6)


def test_memory_mapped_features_give_the_numbers_of_features_in_memory(make_cohort, tmp_path):
    features = make_cohort(60, p=6)
    view = features.views["fisher_z"]
    np.save(tmp_path / "x.npy", view.values)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    on_disk = FeatureTable({"fisher_z": View(mapped, view.spec)}, features.rows)
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    first, second = (
        cross_validate_clock(table, options).predictions["predicted_age_years"]
        for table in (features, on_disk)
    )
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_ridge_clock_passes_every_check_of_scikit_learn():
    check_estimator(RidgeClock())
