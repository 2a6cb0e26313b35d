"""Logarithm, exponential and tangent vectors of positive definite matrices, in stacks.

Every function takes ``(..., p, p)`` and works matrix by matrix, so that a matrix alone gives the
same bits as in a stack; the stack is only spread over threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController

from brainage.errors import MatrixError

_SQRT2 = np.sqrt(2.0)


def half_vectorise(matrices: np.ndarray) -> np.ndarray:
    """Turn symmetric matrices into vectors with the same inner product.

    Parameters
    ----------
    matrices : ndarray of shape (..., p, p)
        Symmetric.

    Returns
    -------
    vectors : ndarray of shape (..., p (p + 1) / 2)
        Upper triangle row by row, diagonal included; off-diagonal elements times sqrt(2), so that
        the Euclidean distance of vectors is the Frobenius distance of matrices.
    """
    here, _, weights = _layout(matrices.shape[-1])
    flat = matrices.reshape(*matrices.shape[:-2], -1)
    return flat.take(here, axis=-1) * weights.astype(matrices.dtype, copy=False)


def unvectorise(vectors: np.ndarray) -> np.ndarray:
    """Undo `half_vectorise`: vectors (..., p (p + 1) / 2) -> matrices (..., p, p).

    Raises
    ------
    MatrixError
        If the length is not p (p + 1) / 2 for any p.
    """
    n_parcels = n_parcels_of(vectors.shape[-1])
    _, back, weights = _layout(n_parcels)
    unweighted = vectors * (1 / weights).astype(vectors.dtype, copy=False)
    return unweighted.take(back, axis=-1).reshape(*vectors.shape[:-1], n_parcels, n_parcels)


def n_parcels_of(n_columns: int) -> int:
    """Return p for p (p + 1) / 2 columns.

    Raises
    ------
    MatrixError
        If no p fits.

    Examples
    --------
    >>> n_parcels_of(300)
    24
    """
    n_parcels = int((np.sqrt(8 * n_columns + 1) - 1) / 2 + 0.5)
    if n_parcels * (n_parcels + 1) // 2 != n_columns or n_columns == 0:
        raise MatrixError(
            f"expected half-vectorised matrices with p (p + 1) / 2 columns (1, 3, 6, 10, ...), "
            f"found {n_columns}. Give the upper triangle with its diagonal (layout "
            "'upper_with_diagonal')."
        )
    return n_parcels


def logm(matrices: np.ndarray, *, n_threads: int | None = None) -> np.ndarray:
    """Return the matrix logarithm of positive definite matrices.

    Parameters
    ----------
    matrices : ndarray of shape (..., p, p)
        Symmetric positive definite.
    n_threads : int, optional
        Threads over the stack; by default one a core.

    Raises
    ------
    MatrixError
        If one is not positive definite; says which and its smallest eigenvalue.
    """
    return _apply(matrices, _log_positive, n_threads)


class ShrunkLogarithm:
    """Logarithms of one matrix shrunk by fixed weights (`covariance.shrink_fixed`).

    Shrinking towards the identity leaves the eigenvectors: one decomposition serves every weight.

    Parameters
    ----------
    matrix : ndarray of shape (p, p)
        Symmetric.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self._logs: dict[float, np.ndarray] = {}
        _spread(lambda _: self._decompose(matrix), 1, 1)

    def at(self, weight: float) -> np.ndarray:
        """Return the logarithm (p, p) at a weight of the identity, above 0.

        Raises
        ------
        MatrixError
            If the shrunk matrix is not positive definite.
        """
        if weight not in self._logs:
            _spread(lambda _: self._take(weight), 1, 1)
        return self._logs[weight]

    def _decompose(self, matrix: np.ndarray) -> None:
        self._values, self._basis = np.linalg.eigh(matrix)

    def _take(self, weight: float) -> None:
        levels = _log_positive((1 - weight) * self._values + weight * self._values.mean())
        self._logs[weight] = (self._basis * levels) @ self._basis.T


def log_rows(
    vectors: np.ndarray, rows: np.ndarray | None = None, *, n_threads: int | None = None
) -> np.ndarray:
    """Return half-vectorised logarithms of half-vectorised matrices, one scan at a time.

    Parameters
    ----------
    vectors : ndarray of shape (n, p (p + 1) / 2)
        As `half_vectorise` makes them.
    rows : ndarray of shape (m,), int, optional
        Which of them; by default all.
    n_threads : int, optional
        Threads over scans; by default one a core.

    Returns
    -------
    logs : ndarray of shape (m, p (p + 1) / 2), float64
        A row depends on its own scan alone.

    Raises
    ------
    MatrixError
        If one is not positive definite; says which.
    """
    return _map_rows(vectors, lambda matrix: matrix, n_threads, rows)


def expm(matrices: np.ndarray, *, n_threads: int | None = None) -> np.ndarray:
    """Return the matrix exponential of symmetric matrices (..., p, p)."""
    return _apply(matrices, np.exp, n_threads)


def powm(matrices: np.ndarray, power: float, *, n_threads: int | None = None) -> np.ndarray:
    """Return positive definite matrices (..., p, p) raised to a real power (-0.5 whitens)."""
    return _apply(matrices, lambda values: _need_positive(values) ** power, n_threads)


def whitening(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse square root (p, p) of one positive definite matrix."""
    return powm(matrix, -0.5)


def tangent_rows(
    vectors: np.ndarray, reference: np.ndarray, *, n_threads: int | None = None
) -> np.ndarray:
    """Return log(W C W), W = reference^-1/2, half-vectorised; missing parcels are completed.

    Parameters
    ----------
    vectors : ndarray of shape (n, p (p + 1) / 2)
        As `half_vectorise` makes them; NaN for the edges of missing parcels.
    reference : ndarray of shape (p, p)
        Positive definite; its own tangent vector is zero.
    n_threads : int, optional
        Threads over scans; by default one a core.

    Returns
    -------
    tangents : ndarray of shape (n, p (p + 1) / 2), float64
        A row depends on its own scan and the reference alone.

    References
    ----------
    .. [1] Varoquaux et al. (2010), MICCAI, LNCS 6361:200-208.
    """
    whitener = whitening(reference)

    def whitened(matrix: np.ndarray) -> np.ndarray:
        return congruence(fill_missing(matrix, reference), whitener)

    return _map_rows(vectors, whitened, n_threads)


def log_euclidean_tangent_rows(
    logs: np.ndarray, reference: np.ndarray, *, n_threads: int | None = None
) -> np.ndarray:
    """Return ``W D[log C - log R] W``: D the differential of exp at log R, W = R^-1/2.

    The logarithmic map of the log-Euclidean metric at the reference R, whitened by it. To first
    order it is the affine-invariant map (`tangent_rows`), but it needs no decomposition a scan and
    reference: four products of the scan's own logarithm, which folds may share.

    Parameters
    ----------
    logs : ndarray of shape (n, p (p + 1) / 2)
        Logarithms of the scans (`log_rows`).
    reference : ndarray of shape (p, p)
        R, positive definite; its own tangent vector is zero.
    n_threads : int, optional
        Threads over scans; by default one a core.

    Returns
    -------
    tangents : ndarray of shape (n, p (p + 1) / 2), float64
        Linear in the logarithm. A row depends on its own scan and the reference alone.

    References
    ----------
    .. [1] Arsigny et al. (2007), SIAM J. Matrix Anal. Appl. 29:328-347, eq. 3.4.
    """
    levels, basis, stretch = _log_euclidean_frame(reference)
    out = np.empty(logs.shape)

    def one(i: int) -> None:
        turned = basis.T @ unvectorise(np.asarray(logs[i], dtype=np.float64)) @ basis
        turned.flat[:: len(levels) + 1] -= levels
        out[i] = half_vectorise(basis @ (stretch * turned) @ basis.T)

    _spread(one, len(logs), n_threads)
    return out


def log_euclidean_logs(tangents: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Undo `log_euclidean_tangent_rows`: tangent matrices (..., p, p) -> logarithms of scans."""
    levels, basis, stretch = _log_euclidean_frame(reference)
    turned = congruence(tangents, basis.T) / stretch + np.diag(levels)
    return congruence(turned, basis)


def _log_euclidean_frame(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log eigenvalues (p,), eigenvectors (p, p) and what the map stretches there (p, p)."""
    values, basis = np.linalg.eigh(reference)
    levels = _log_positive(values)
    half = (levels[:, None] - levels[None, :]) / 2
    # (e^a - e^b) / (a - b) over sqrt(e^a e^b): one where a = b.
    stretch = np.where(half == 0, 1.0, np.sinh(half) / np.where(half == 0, 1.0, half))
    return levels, basis, stretch


def fill_missing(matrix: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Complete a covariance whose missing parcels are NaN rows and columns.

    A missing parcel gets its regression on the scan's own parcels under the reference covariance,
    with the reference's residual covariance: the expected completion, always positive definite.

    Parameters
    ----------
    matrix : ndarray of shape (p, p)
        NaN in whole rows and columns.
    reference : ndarray of shape (p, p)
        Positive definite, complete.

    Returns
    -------
    complete : ndarray of shape (p, p)

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977), J. R. Stat. Soc. B 39:1-38, the expectation step for
       a normal covariance.
    """
    gone = np.isnan(np.diagonal(matrix))
    if not gone.any():
        return matrix
    here = ~gone
    if np.isnan(matrix[np.ix_(here, here)]).any():
        raise MatrixError(
            "a covariance with missing parcels: expected NaN in whole rows and columns, found "
            "single NaN elements. Build the features again."
        )
    complete = matrix.copy()
    weights = np.linalg.solve(reference[np.ix_(here, here)], reference[np.ix_(here, gone)])
    cross = matrix[np.ix_(here, here)] @ weights
    residual = reference[np.ix_(gone, gone)] - reference[np.ix_(gone, here)] @ weights
    complete[np.ix_(here, gone)] = cross
    complete[np.ix_(gone, here)] = cross.T
    complete[np.ix_(gone, gone)] = residual + weights.T @ cross
    return complete


def _log_positive(values: np.ndarray) -> np.ndarray:
    return np.log(_need_positive(values))


def _need_positive(values: np.ndarray) -> np.ndarray:
    # Relative to the largest eigenvalue: rounding alone makes a singular matrix look like 1e-17.
    smallest, largest = values[..., 0], values[..., -1]
    bad = ~(smallest > 1e-12 * np.abs(largest))
    if np.any(bad):
        which = int(np.flatnonzero(np.atleast_1d(bad))[0])
        raise MatrixError(
            f"matrix {which} of the stack: expected positive definite, found smallest eigenvalue "
            f"{np.atleast_1d(smallest)[which]:.3g} (largest "
            f"{np.atleast_1d(largest)[which]:.3g}). Use shrinkage 'ledoit_wolf' or 'oas'."
        )
    return values


def congruence(matrices: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return ``factor @ matrices @ factor.T``, symmetric to the bit."""
    product = factor @ matrices @ factor.T
    return (product + np.swapaxes(product, -1, -2)) / 2


@lru_cache(maxsize=8)
def _layout(n_parcels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where half vectors lie in a flat matrix, the way back, and their weights."""
    rows, columns = np.triu_indices(n_parcels)
    back = np.empty((n_parcels, n_parcels), dtype=np.intp)
    back[rows, columns] = back[columns, rows] = np.arange(len(rows))
    layout = (rows * n_parcels + columns, back.ravel(), np.where(rows == columns, 1.0, _SQRT2))
    for array in layout:
        array.flags.writeable = False
    return layout


def _map_rows(
    vectors: np.ndarray, change: Callable, n_threads: int | None, rows: np.ndarray | None = None
) -> np.ndarray:
    """Take the logarithm of each row's matrix after `change`, spread over threads."""
    rows = np.arange(len(vectors)) if rows is None else rows
    out = np.empty((len(rows), vectors.shape[1]))

    def one(i: int) -> None:
        matrix = change(unvectorise(np.asarray(vectors[rows[i]], dtype=np.float64)))
        out[i] = half_vectorise(_of_eigenvalues(matrix, _log_positive, rows[i]))

    _spread(one, len(rows), n_threads)
    return out


def _of_eigenvalues(matrix: np.ndarray, function: Callable, index: int) -> np.ndarray:
    """Apply a function to the eigenvalues of one matrix, number `index` of its stack."""
    values, basis = np.linalg.eigh(matrix)
    try:
        mapped = function(values)
    except MatrixError as error:
        raise MatrixError(str(error).replace("matrix 0 ", f"matrix {index} ")) from None
    return (basis * mapped) @ basis.T


def _apply(matrices: np.ndarray, function: Callable, n_threads: int | None) -> np.ndarray:
    """Apply a function of eigenvalues to every matrix of a stack, spread over threads."""
    matrices = np.asarray(matrices)
    stack = matrices.reshape(-1, *matrices.shape[-2:])
    if not np.isfinite(stack).all():
        raise MatrixError("expected finite matrices, found NaN or infinity.")
    out = np.empty_like(stack, dtype=np.result_type(stack, np.float32))

    def one(index: int) -> None:
        out[index] = _of_eigenvalues(stack[index], function, index)

    _spread(one, len(stack), n_threads)
    return out.reshape(matrices.shape)


@lru_cache(maxsize=1)
def _thread_pools() -> ThreadpoolController:
    # Found once: looking through the loaded libraries takes longer than a small logarithm.
    return ThreadpoolController()


def _spread(task: Callable[[int], None], n_tasks: int, n_threads: int | None) -> None:
    n_threads = min(n_tasks, n_threads or os.cpu_count() or 1)
    # LAPACK's own threads do not help at a few hundred parcels, and would change the last bits.
    with _thread_pools().limit(limits=1, user_api="blas"):
        if n_threads <= 1:
            for index in range(n_tasks):
                task(index)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(task, range(n_tasks)))
