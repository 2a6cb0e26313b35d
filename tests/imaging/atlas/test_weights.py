"""Smoothing moves onto the weights, and keeps their sums."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from brainage.imaging.atlas.weights import smoothed, unmixing
from brainage.imaging.reading.nifti import Grid


def test_a_smoothed_mean_stays_a_mean_and_an_empty_row_stays_empty():
    grid = Grid((8, 7, 6), np.diag([2.0, 3.0, 4.0, 1.0]))
    dense = np.zeros((3, grid.n_voxels))
    dense[0, [5, 60]] = 0.5
    dense[2, -1] = 1.0
    made = smoothed(csr_array(dense), grid, 6.0)
    np.testing.assert_allclose(made.sum(axis=1), [1, 0, 1], atol=1e-12)
    assert np.diff(made.indptr)[1] == 0


def test_unmixing_inverts_what_overlaps_and_leaves_absent_maps_at_zero():
    maps = csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    made = unmixing(maps)
    np.testing.assert_allclose(made[:2, :2], np.linalg.inv([[2, 1], [1, 2]]), rtol=1e-9)
    np.testing.assert_allclose(made[2], 0, atol=1e-12)


def test_a_map_of_large_numbers_hides_no_map_of_small_ones():
    """One voxel of 4e10 beside maps of about 1: their loadings are those of least squares."""
    rng = np.random.default_rng(0)
    maps, volume = np.abs(rng.normal(size=(3, 40))), rng.normal(size=40)
    maps[0, 7] = 4e10
    found = volume @ maps.T @ unmixing(csr_array(maps))
    scale = np.linalg.norm(maps, axis=1)
    loadings = np.linalg.lstsq((maps / scale[:, None]).T, volume, rcond=None)[0] / scale
    np.testing.assert_allclose(found, loadings, rtol=1e-6)
