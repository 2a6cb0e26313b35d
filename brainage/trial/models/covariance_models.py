"""Covariance of one person's visits: each structure with its first and second derivatives.

A structure turns parameters into a matrix (n_visits, n_visits). Heterogeneous structures hold a
standard deviation per visit and one or more correlations; homogeneous ones one variance. The
unstructured, homogeneous Toeplitz and homogeneous compound-symmetry structures are linear in
their parameters, which is the case Kenward and Roger (1997) derive without extra terms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

UNSTRUCTURED = "unstructured"

#: Tried in this order; a step down is taken only when the one before fails, and is reported.
FALL_BACK_ORDER = (
    UNSTRUCTURED,
    "heterogeneous Toeplitz",
    "heterogeneous AR(1)",
    "heterogeneous compound symmetry",
    "Toeplitz",
    "AR(1)",
    "compound symmetry",
)


#: Matrix, first and second derivatives.
_Derived = tuple[np.ndarray, np.ndarray, np.ndarray]
_Built = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class CovarianceModel:
    """One structure for a given number of visits.

    Parameters
    ----------
    name : str
        One of `FALL_BACK_ORDER`.
    n_visits : int
        Size of the matrix.
    start : callable
        Matrix -> parameters near it.
    build : callable
        Parameters of shape (k,) -> matrix (v, v), first derivatives (k, v, v), second derivatives
        (k, k, v, v) or None where all are zero.
    """

    name: str
    n_visits: int
    start: Callable[[np.ndarray], np.ndarray]
    build: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray | None]]


def covariance_model(name: str, n_visits: int) -> CovarianceModel:
    """Return a structure by name.

    Parameters
    ----------
    name : str
        One of `FALL_BACK_ORDER`.
    n_visits : int
        Number of visits.

    Returns
    -------
    model : CovarianceModel

    Raises
    ------
    KeyError
        Unknown name.
    """
    lags = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))
    if name == UNSTRUCTURED:
        return _linear(name, _vech_basis(n_visits))
    if name == "Toeplitz":
        return _linear(name, np.stack([(lags == lag).astype(float) for lag in range(n_visits)]))
    if name == "compound symmetry":
        identity = np.eye(n_visits)
        basis = [identity] if n_visits == 1 else [identity, np.ones_like(identity)]
        return _linear(name, np.stack(basis))
    correlations = {
        "heterogeneous Toeplitz": (_toeplitz, max(n_visits - 1, 0)),
        "heterogeneous AR(1)": (_first_order, min(n_visits - 1, 1)),
        "heterogeneous compound symmetry": (_exchangeable, min(n_visits - 1, 1)),
        "AR(1)": (_first_order, min(n_visits - 1, 1)),
    }
    correlation, n_correlations = correlations[name]
    spread = np.ones((1, n_visits)) if name == "AR(1)" else np.eye(n_visits)
    return _scaled(name, lags, spread, correlation, n_correlations)


def _vech_basis(n_visits: int) -> np.ndarray:
    basis = []
    for i in range(n_visits):
        for j in range(i + 1):
            matrix = np.zeros((n_visits, n_visits))
            matrix[i, j] = matrix[j, i] = 1.0
            basis.append(matrix)
    return np.stack(basis)


def _linear(name: str, basis: np.ndarray) -> CovarianceModel:
    flat = basis.reshape(len(basis), -1)

    def start(matrix: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(flat.T, matrix.ravel(), rcond=None)[0]

    def build(parameters: np.ndarray) -> _Built:
        return np.tensordot(parameters, basis, axes=1), basis, None

    return CovarianceModel(name, basis.shape[1], start, build)


def _scaled(
    name: str,
    lags: np.ndarray,
    spread: np.ndarray,
    correlation: Callable[[np.ndarray, np.ndarray], _Derived],
    n_correlations: int,
) -> CovarianceModel:
    """Return D C D: `spread` (n_sd, n_visits) says which visits share a standard deviation."""
    n_sd, n_visits = spread.shape
    # Exponents of each standard deviation in entry (i, j): 0, 1 or 2.
    power = spread[:, :, None] + spread[:, None, :]

    def start(matrix: np.ndarray) -> np.ndarray:
        sd = np.sqrt(np.diag(matrix))
        own = (spread @ sd) / spread.sum(axis=1)
        if not n_correlations:
            return own
        off = matrix / np.outer(sd, sd)
        first = [off[lags == lag].mean() for lag in range(1, n_correlations + 1)]
        return np.concatenate([own, np.clip(first, -0.9, 0.9)])

    def build(parameters: np.ndarray) -> _Built:
        sd, rho = parameters[:n_sd], parameters[n_sd:]
        if (sd <= 0).any():
            raise np.linalg.LinAlgError("a standard deviation is not positive")
        scale = np.prod(sd[:, None, None] ** power, axis=0)
        matrix_c, first_c, second_c = correlation(rho, lags)
        k = len(parameters)
        first = np.empty((k, n_visits, n_visits))
        second = np.zeros((k, k, n_visits, n_visits))
        growth = power / sd[:, None, None]
        first[:n_sd] = scale * matrix_c * growth
        first[n_sd:] = scale * first_c
        for a in range(n_sd):
            for b in range(n_sd):
                term = growth[a] * growth[b] - (a == b) * power[a] / sd[a] ** 2
                second[a, b] = scale * matrix_c * term
            for m in range(len(rho)):
                second[a, n_sd + m] = second[n_sd + m, a] = scale * first_c[m] * growth[a]
        second[n_sd:, n_sd:] = scale * second_c
        return scale * matrix_c, first, second

    return CovarianceModel(name, n_visits, start, build)


def _toeplitz(rho: np.ndarray, lags: np.ndarray) -> _Derived:
    first = (
        np.stack([(lags == lag + 1).astype(float) for lag in range(len(rho))])
        if len(rho)
        else np.zeros((0, *lags.shape))
    )
    matrix = np.eye(len(lags)) + np.tensordot(rho, first, axes=1)
    return matrix, first, np.zeros((len(rho), len(rho), *lags.shape))


def _exchangeable(rho: np.ndarray, lags: np.ndarray) -> _Derived:
    first = np.repeat((lags > 0).astype(float)[None], len(rho), axis=0)
    matrix = np.eye(len(lags)) + np.tensordot(rho, first, axes=1)
    return matrix, first, np.zeros((len(rho), len(rho), *lags.shape))


def _first_order(rho: np.ndarray, lags: np.ndarray) -> _Derived:
    if not len(rho):
        return np.eye(len(lags)), np.zeros((0, *lags.shape)), np.zeros((0, 0, *lags.shape))
    if abs(rho[0]) >= 1:
        raise np.linalg.LinAlgError("a correlation is not inside (-1, 1)")
    matrix = rho[0] ** lags
    first = np.where(lags > 0, lags * rho[0] ** np.maximum(lags - 1, 0), 0.0)
    second = np.where(lags > 1, lags * (lags - 1) * rho[0] ** np.maximum(lags - 2, 0), 0.0)
    return matrix, first[None], second[None, None]
