"""Products of features in blocks, and the way back to one weight a feature."""

import numpy as np
import pytest

from brainage.clock.regressors.grams import centred, directions, gram_of, weights_of
from brainage.connectivity import DirectionTransformer


def test_gram_matrices_of_directions_are_those_of_the_transformed_features():
    rng = np.random.default_rng(0)
    X = rng.normal(3.0, 1.0, (20, 50))
    train, test = np.arange(14), np.arange(14, 20)
    X[15] = X[train].mean(axis=0)
    fitted = DirectionTransformer().fit(X[train])
    own, cross = fitted.transform(X[train]), fitted.transform(X[test])
    found = directions(gram_of(X), train, test)
    np.testing.assert_allclose(found[0], own @ own.T, atol=1e-10)
    np.testing.assert_allclose(found[1], cross @ own.T, atol=1e-10)


def test_gram_matrix_and_weights_of_blocks_are_those_of_the_whole():
    rng = np.random.default_rng(1)
    X, duals = rng.normal(size=(9, 700)).astype(np.float32), rng.normal(size=(2, 9))
    exact = X.astype(float)
    np.testing.assert_allclose(gram_of(X), exact @ exact.T, rtol=1e-10)
    np.testing.assert_allclose(weights_of(X, duals), duals @ exact, rtol=1e-10, atol=1e-12)


def test_entry_of_a_gram_matrix_is_of_its_two_scans_alone():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(8, 30))
    before = gram_of(X)
    X[6:] = 1e6
    np.testing.assert_allclose(gram_of(X)[:6, :6], before[:6, :6], rtol=1e-12)


@pytest.mark.parametrize("n_mean", [None, 4])
def test_centred_products_are_of_features_less_the_training_mean(n_mean):
    rng = np.random.default_rng(3)
    train, test = rng.normal(2.0, 1.0, (6, 20)), rng.normal(2.0, 1.0, (3, 20))
    own, cross = centred(train @ train.T, test @ train.T, n_mean=n_mean)
    mean = train[:n_mean].mean(axis=0)
    np.testing.assert_allclose(own, (train - mean) @ (train - mean).T, atol=1e-10)
    np.testing.assert_allclose(cross, (test - mean) @ (train - mean).T, atol=1e-10)
