"""Weights times volumes: scaling, volumes in any blocks, and values that are not finite."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array

from brainage.imaging.atlas.product import VolumeProduct

_VOXELS = np.array([1, 4, 6])
_WEIGHTS = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])


def _signals(volumes: np.ndarray, *, slope=1.0, intercept=0.0, block=2):
    product = VolumeProduct(_VOXELS, csc_array(_WEIGHTS), slope, intercept)
    out = np.empty((len(volumes), 2))
    product.signals((volumes[i : i + block] for i in range(0, len(volumes), block)), out)
    return out, product.not_finite


def test_values_are_scaled_before_they_are_weighed():
    volumes = np.random.default_rng(0).integers(0, 100, (5, 8)).astype("i2")
    signals, bad = _signals(volumes, slope=0.25, intercept=-3.0)
    expected = (volumes[:, _VOXELS] * 0.25 - 3.0) @ _WEIGHTS.T
    np.testing.assert_allclose(signals, expected, rtol=1e-12)
    assert bad is None


def test_a_value_that_is_not_finite_counts_as_zero_and_is_counted_once():
    volumes = np.ones((5, 8))
    volumes[3, 4] = np.inf
    signals, bad = _signals(volumes)
    np.testing.assert_allclose(signals[:, 0], [1, 1, 1, 0.5, 1])
    assert bad.tolist() == [0, 1, 0]
