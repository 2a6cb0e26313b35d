"""Directions from the training mean: how far a scan lies from it has no say."""

import numpy as np
from sklearn.utils.estimator_checks import check_estimator

from brainage.connectivity import DirectionTransformer, build_features

from .toy import make_people, make_series

RNG = np.random.default_rng(3)
X = RNG.normal(2.0, 1.0, (12, 30))


def test_direction_transformer_passes_scikit_learns_checks():
    check_estimator(DirectionTransformer())


def test_a_scan_twice_as_far_from_the_mean_has_the_same_direction():
    fitted = DirectionTransformer().fit(X)
    mean = X.mean(axis=0)
    near = fitted.transform(X)
    np.testing.assert_allclose(fitted.transform(mean + 2 * (X - mean)), near, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.sum(near * (X - mean), axis=1), np.linalg.norm(X - mean, axis=1))


def test_a_scan_equal_to_the_mean_has_no_direction():
    fitted = DirectionTransformer().fit(X)
    np.testing.assert_array_equal(fitted.transform(fitted.mean_[None]), 0.0)


def test_the_direction_of_one_scan_is_its_row_in_a_batch_to_the_bit():
    fitted = DirectionTransformer().fit(X.astype(np.float32))
    batch = fitted.transform(X.astype(np.float32))
    for i, row in enumerate(X.astype(np.float32)):
        np.testing.assert_array_equal(fitted.transform(row[None])[0], batch[i])


def test_the_view_stores_the_logarithm_because_the_mean_belongs_to_the_fold():
    kinds = ("log_correlation", "log_correlation_direction")
    series = [make_series(i) for i in range(4)]
    features = build_features(series, make_people(range(4)), kinds=kinds)
    first, second = (features[kind] for kind in kinds)
    np.testing.assert_array_equal(first.values, second.values)
    assert second.spec.shrinkage == first.spec.shrinkage == "fixed_0.3"
