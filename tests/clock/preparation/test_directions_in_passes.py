"""Directions of features on disk: those of the transformer fitted in memory."""

import numpy as np

from brainage.clock.preparation.directions_in_passes import (
    DirectedView,
    directions_in_passes,
    transformers_of,
)
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.connectivity import DirectionTransformer

RNG = np.random.default_rng(0)
X = (0.5 + RNG.normal(size=(30, 12))).astype(np.float32)
TRAINS = [np.arange(20), np.arange(10, 30)]


def test_means_and_lengths_are_those_of_transformers_fitted_in_memory():
    found = directions_in_passes(X, TRAINS)
    for k, train in enumerate(TRAINS):
        peer = DirectionTransformer().fit(X[train])
        np.testing.assert_allclose(transformers_of(found)[k].mean_, peer.mean_, rtol=1e-6)
        turned = (X - found.mean[:, k]) * found.inverse_length[:, [k]]
        np.testing.assert_allclose(turned, peer.transform(X), atol=1e-6)


def test_products_with_seen_directions_are_products_with_directions():
    (part,) = SeenFeatures(X, directions=directions_in_passes(X, TRAINS)).parts()
    vectors, columns = RNG.normal(size=(12, 2)), RNG.normal(size=(30, 2))
    stored, inner, _ = part.on_stored(vectors)
    rows = slice(0, 30)
    seen = part.scaled(rows, X @ stored + inner)
    scaled = part.scaled(rows, columns)
    back = part.as_seen(X.T @ scaled, scaled.sum(axis=0), columns.sum(axis=0))
    for k, train in enumerate(TRAINS):
        turned = DirectionTransformer().fit(X[train]).transform(X.astype(float))
        np.testing.assert_allclose(seen[:, k], turned @ vectors[:, k], atol=1e-6)
        np.testing.assert_allclose(back[:, k], turned.T @ columns[:, k], atol=1e-6)


def test_a_scan_equal_to_the_mean_has_no_direction():
    same = np.repeat(X[:1], 4, axis=0)
    found = directions_in_passes(same, [np.arange(4)])
    np.testing.assert_array_equal(found.inverse_length, 0.0)


def test_a_scan_close_to_a_large_mean_keeps_its_length():
    # The squares of both agree to 16 digits: only their difference knows the distance.
    far = 1e8 + RNG.normal(size=(9, 12))
    found = directions_in_passes(far, [np.arange(9)])
    peer = DirectionTransformer().fit(far)
    lengths = np.linalg.norm(far - peer.mean_, axis=1)
    np.testing.assert_allclose(found.inverse_length[:, 0], 1 / lengths, rtol=1e-6)


def test_a_view_is_read_by_rows_and_columns_as_the_transformed_array_is():
    peer = DirectionTransformer().fit(X[:20])
    view, made = DirectedView(X, peer.mean_), peer.transform(X)
    assert (view.shape, len(view)) == (X.shape, 30)
    for rows in (slice(3, 9), np.array([1, 5, 29])):
        np.testing.assert_allclose(view[rows, slice(2, 7)], made[rows, 2:7], atol=1e-6)
