"""Claims about positive definite matrices in stacks."""

from __future__ import annotations

import numpy as np
import pytest
from pyriemann.geometry.mean import mean_logeuclid, mean_riemann
from pyriemann.geometry.tangentspace import log_map_logeuclid
from pyriemann.tangentspace import tangent_space
from scipy import linalg

from brainage.connectivity import spd, spd_means
from brainage.connectivity.covariance import shrink_fixed
from brainage.errors import MatrixError


def _stack(n: int = 12, p: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    signals = rng.standard_normal((n, 4 * p, p)) @ (np.eye(p) + 0.3 * rng.standard_normal((p, p)))
    return np.swapaxes(signals, 1, 2) @ signals / (4 * p)


STACK = _stack()


def test_logarithm_equals_scipys_and_exponential_undoes_it():
    logs = spd.logm(STACK)
    np.testing.assert_allclose(logs, [linalg.logm(one) for one in STACK], atol=1e-10)
    np.testing.assert_allclose(spd.expm(logs), STACK, atol=1e-12)


def test_a_matrix_alone_gives_what_it_gives_in_a_stack_on_any_number_of_threads():
    together = spd.logm(STACK, n_threads=2)
    np.testing.assert_allclose(spd.logm(STACK[3], n_threads=1), together[3], atol=1e-12)
    np.testing.assert_allclose(spd.logm(STACK, n_threads=1), together, atol=1e-12)


def test_half_vectors_keep_the_frobenius_distance_and_come_back():
    vectors = spd.half_vectorise(STACK)
    assert vectors.shape == (12, 28)
    frobenius = np.linalg.norm(STACK[0] - STACK[1])
    assert np.linalg.norm(vectors[0] - vectors[1]) == pytest.approx(frobenius, rel=1e-12)
    np.testing.assert_allclose(spd.unvectorise(vectors), STACK, rtol=1e-14)


@pytest.mark.parametrize("n_columns", [0, 2, 4, 5, 7, 44849])
def test_a_column_count_of_no_triangle_is_refused(n_columns):
    with pytest.raises(MatrixError, match=rf"p \(p \+ 1\) / 2 columns .* found {n_columns}"):
        spd.n_parcels_of(n_columns)


def test_means_equal_pyriemanns():
    np.testing.assert_allclose(
        spd_means.mean_log_euclidean(STACK), mean_logeuclid(STACK), atol=1e-12
    )
    expected = mean_riemann(STACK, tol=1e-12, maxiter=200)
    found = spd_means.mean_affine_invariant(STACK, tolerance=1e-10)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_affine_invariant_mean_moves_with_a_change_of_coordinates():
    rng = np.random.default_rng(3)
    change = np.eye(7) + 0.2 * rng.standard_normal((7, 7))
    moved = change @ STACK @ change.T
    expected = change @ spd_means.mean_affine_invariant(STACK, tolerance=1e-10) @ change.T
    found = spd_means.mean_affine_invariant(moved, tolerance=1e-10)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


def test_tangent_vectors_equal_pyriemanns_and_the_reference_maps_to_zero():
    reference = STACK.mean(axis=0)
    found = spd.tangent_rows(spd.half_vectorise(STACK), reference)
    np.testing.assert_allclose(found, tangent_space(STACK, reference), atol=1e-10)
    own = spd.tangent_rows(spd.half_vectorise(reference[None]), reference)
    np.testing.assert_allclose(own, 0, atol=1e-12)


def test_log_euclidean_tangent_vectors_are_pyriemanns_whitened_by_the_reference():
    reference = spd_means.mean_log_euclidean(STACK)
    logs = spd.log_rows(spd.half_vectorise(STACK))
    whitener = spd.whitening(reference)
    expected = whitener @ log_map_logeuclid(STACK, reference) @ whitener
    found = spd.log_euclidean_tangent_rows(logs, reference)
    np.testing.assert_allclose(spd.unvectorise(found), expected, atol=1e-10)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(
        spd.log_euclidean_tangent_rows(logs[3:4], reference, n_threads=1)[0], found[3]
    )


def test_the_two_maps_agree_to_first_order():
    reference = STACK[0]
    direction = STACK[1] - STACK[2]
    near = spd.half_vectorise(reference + 1e-4 * direction)[None]
    affine = spd.tangent_rows(near, reference)
    other = spd.log_euclidean_tangent_rows(spd.log_rows(near), reference)
    assert np.linalg.norm(other - affine) < 1e-3 * np.linalg.norm(affine)


def test_singular_and_nan_matrices_are_named():
    broken = STACK.copy()
    broken[5] = np.ones((7, 7))
    with pytest.raises(MatrixError, match="matrix 5 of the stack: expected positive definite"):
        spd.logm(broken)
    broken[5, 0, 0] = np.nan
    with pytest.raises(MatrixError, match="expected finite matrices"):
        spd.logm(broken)


def test_logarithms_of_rows_are_those_of_their_matrices_and_a_bad_row_keeps_its_number():
    vectors = spd.half_vectorise(STACK)
    expected = spd.half_vectorise(spd.logm(STACK))
    np.testing.assert_allclose(spd.log_rows(vectors), expected, rtol=0, atol=1e-13)
    some = np.array([7, 2])
    np.testing.assert_allclose(spd.log_rows(vectors, some), spd.log_rows(vectors)[some], atol=1e-12)
    vectors[7] *= -1
    with pytest.raises(MatrixError, match="matrix 7 of the stack: expected positive definite"):
        spd.log_rows(vectors, some)


def test_far_apart_matrices_reach_their_affine_invariant_mean_in_few_steps():
    rng = np.random.default_rng(5)
    changes = np.eye(7) + 0.7 * rng.standard_normal((12, 7, 7))
    far = changes @ STACK @ np.swapaxes(changes, 1, 2)
    mean = spd_means.mean_affine_invariant(far, tolerance=1e-9, max_iterations=25)
    np.testing.assert_allclose(mean, mean_riemann(far, tol=1e-12, maxiter=500), rtol=1e-6)


def test_a_mean_that_cannot_converge_says_so():
    with pytest.raises(MatrixError, match="after 1 steps"):
        spd_means.mean_affine_invariant(STACK, tolerance=1e-14, max_iterations=1)


def test_a_missing_parcel_is_completed_positive_definite_and_exactly_where_the_reference_holds():
    reference = STACK[0]
    broken = reference.copy()
    broken[2], broken[:, 2] = np.nan, np.nan
    np.testing.assert_allclose(spd.fill_missing(broken, reference), reference, atol=1e-12)
    other = STACK[1].copy()
    other[[2, 4]], other[:, [2, 4]] = np.nan, np.nan
    filled = spd.fill_missing(other, reference)
    assert np.linalg.eigvalsh(filled)[0] > 0
    np.testing.assert_array_equal(filled[0, 1], STACK[1][0, 1])


def test_logarithms_of_one_matrix_at_several_weights_are_those_of_each_alone():
    values = np.random.default_rng(0).standard_normal((9, 14))
    matrix = np.cov(values.T)  # fewer volumes than parcels: shrinking makes it positive
    together = spd.ShrunkLogarithm(matrix)
    for weight in (0.3, 0.8, 0.3):
        alone = spd.logm(shrink_fixed(matrix, weight))
        np.testing.assert_allclose(together.at(weight), alone, rtol=1e-9, atol=1e-9)
