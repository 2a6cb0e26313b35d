"""Means of positive definite matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from brainage.connectivity.spd import congruence, expm, logm, powm, whitening
from brainage.errors import MatrixError


def mean_log_euclidean(matrices: np.ndarray, *, n_threads: int | None = None) -> np.ndarray:
    """Return exp of the mean logarithm (p, p) of positive definite matrices (n, p, p).

    References
    ----------
    .. [1] Arsigny et al. (2007), SIAM J. Matrix Anal. Appl. 29:328-347.
    """
    return expm(_sum_of(matrices, logm, n_threads) / len(matrices))


def mean_affine_invariant(
    matrices: np.ndarray,
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 100,
    start: np.ndarray | None = None,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return the affine-invariant (geometric, Frechet) mean of positive definite matrices.

    Parameters
    ----------
    matrices : ndarray of shape (n, p, p)
        Symmetric positive definite.
    tolerance : float, default=1e-7
        Stop when the norm of the mean tangent vector, divided by p, is below it.
    max_iterations : int, default=100
        Most gradient steps; from the log-Euclidean mean, a handful is usual.
    start : ndarray of shape (p, p), optional
        First guess; by default the log-Euclidean mean.
    n_threads : int, optional
        Threads over the stack; by default one a core.

    Returns
    -------
    mean : ndarray of shape (p, p)

    Raises
    ------
    MatrixError
        If a matrix is not positive definite, or the tolerance was not reached.

    References
    ----------
    .. [1] Pennec, Fillard & Ayache (2006), Int. J. Comput. Vis. 66:41-66.
    .. [2] Barzilai & Borwein (1988), IMA J. Numer. Anal. 8:141-148: length of the steps; one after
       which the gradient grew is halved and taken again.
    """
    mean = mean_log_euclidean(matrices, n_threads=n_threads) if start is None else start
    step, best, base = 1.0, np.inf, mean
    gradient = np.zeros_like(mean)
    for _ in range(max_iterations):
        new_gradient = _mean_tangent(matrices, mean, n_threads)
        norm = float(np.linalg.norm(new_gradient)) / len(mean)
        if norm < tolerance:
            return mean
        if norm < best:
            step = _next_step(step, gradient, new_gradient)
            best, base, gradient = norm, mean, new_gradient
        else:
            # Matrices far apart: the step overshoots. Go back and take a shorter one.
            step /= 2
        mean = congruence(expm(step * gradient), powm(base, 0.5))
    raise MatrixError(
        f"affine-invariant mean of {len(matrices)} matrices: expected a gradient below "
        f"{tolerance:g}, found {best:.2g} after {max_iterations} steps. Raise the shrinkage, the "
        "tolerance, or use reference 'log_euclidean'."
    )


def _mean_tangent(matrices: np.ndarray, mean: np.ndarray, n_threads: int | None) -> np.ndarray:
    whitener = whitening(mean)

    def tangent(chunk: np.ndarray, n_threads: int | None) -> np.ndarray:
        return logm(congruence(chunk, whitener), n_threads=n_threads)

    return _sum_of(matrices, tangent, n_threads) / len(matrices)


def _next_step(step: float, old: np.ndarray, new: np.ndarray) -> float:
    """Return the step whose secant of the gradient says it meets zero; far from it, one."""
    curved = float(np.sum(old * (old - new)))
    return min(1.0, step * float(np.sum(old * old)) / curved) if curved > 0 else 1.0


def _sum_of(matrices: np.ndarray, function: Callable, n_threads: int | None) -> np.ndarray:
    """Sum function(matrices) in chunks, so that memory stays at a chunk's size."""
    total = np.zeros(matrices.shape[-2:])
    for start in range(0, len(matrices), 64):
        total += function(matrices[start : start + 64], n_threads=n_threads).sum(axis=0)
    return total
