"""Means of positive definite matrices, where they are known without iteration."""

from __future__ import annotations

import numpy as np

from brainage.connectivity.spd_means import mean_affine_invariant, mean_log_euclidean


def random_spd(n, p, seed=0):
    roots = np.random.default_rng(seed).normal(size=(n, p, 3 * p))
    return roots @ roots.transpose(0, 2, 1) / (3 * p)


def test_means_of_commuting_matrices_are_geometric():
    diagonals = np.array([[1.0, 4.0], [4.0, 1.0], [2.0, 2.0]])
    matrices = np.stack([np.diag(each) for each in diagonals])
    expected = np.diag(np.exp(np.log(diagonals).mean(axis=0)))
    np.testing.assert_allclose(mean_log_euclidean(matrices), expected, rtol=1e-12)
    np.testing.assert_allclose(mean_affine_invariant(matrices), expected, rtol=1e-6)


def test_the_geometric_mean_moves_with_any_change_of_basis():
    matrices = random_spd(6, 4)
    basis = np.random.default_rng(1).normal(size=(4, 4)) + 3 * np.eye(4)
    moved = mean_affine_invariant(basis @ matrices @ basis.T)
    np.testing.assert_allclose(
        moved, basis @ mean_affine_invariant(matrices) @ basis.T, rtol=1e-5, atol=1e-7
    )
