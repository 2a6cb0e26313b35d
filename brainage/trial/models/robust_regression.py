"""Huber's M-estimate: people with outlying residuals count for less."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from brainage.errors import DesignError
from brainage.trial.models.lsmeans import Estimate, t_estimate

#: Residuals beyond this many scales count for less; 95 % efficiency under normal errors.
HUBER_K = 1.345
_MAD_OF_NORMAL = 0.6745
_MOST_ITERATIONS = 500
_CONVERGED = 1e-10
#: Scale below this share of the largest response is rounding.
_NO_SCALE = 1e-12


@dataclass(frozen=True)
class RobustFit:
    """A fitted M-estimate.

    Parameters
    ----------
    coefficients : ndarray of shape (p,)
        In the order of the design's columns.
    vcov : ndarray of shape (p, p)
        Their covariance.
    df : float
        n - p.
    weights : ndarray of shape (n,)
        Weight of each row, 1 where its residual is not outlying.
    """

    coefficients: np.ndarray
    vcov: np.ndarray = field(repr=False)
    df: float
    weights: np.ndarray = field(repr=False)

    def estimate(self, weights: np.ndarray) -> Estimate:
        """Estimate a linear combination of the coefficients."""
        se = float(np.sqrt(weights @ self.vcov @ weights))
        return t_estimate(float(weights @ self.coefficients), se, self.df)


def fit_huber(design: np.ndarray, response: np.ndarray) -> RobustFit:
    """Fit a line whose outlying residuals count for less.

    Iteratively weighted least squares with the median absolute residual as scale; errors as
    ``MASS::rlm``'s summary gives them.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        Of full column rank.
    response : ndarray of shape (n,)
        In its own unit.

    Returns
    -------
    fit : RobustFit

    Raises
    ------
    DesignError
        Too few rows, more than half of the residuals zero, or no convergence.

    References
    ----------
    .. [1] Huber (1981), Robust Statistics, chapter 7.
    """
    n, p = design.shape
    if n <= p:
        raise DesignError(f"robust regression: {n} rows are too few for {p} coefficients.")
    beta = np.linalg.lstsq(design, response, rcond=None)[0]
    for _ in range(_MOST_ITERATIONS):
        residual = response - design @ beta
        scale = float(np.median(np.abs(residual))) / _MAD_OF_NORMAL
        if scale <= _NO_SCALE * float(np.abs(response).max(initial=0.0)):
            raise DesignError("robust regression: half of the residuals are zero; no scale.")
        weights = _weights(residual / scale)
        root = np.sqrt(weights)
        new = np.linalg.lstsq(design * root[:, None], response * root, rcond=None)[0]
        step = np.abs(design @ (new - beta)).max() / scale
        beta = new
        if step < _CONVERGED:
            break
    else:
        raise DesignError("robust regression: no convergence.")
    residual = response - design @ beta
    weights = _weights(residual / scale)
    inside = (np.abs(residual / scale) <= HUBER_K).astype(float)
    spread = float(((residual * weights) ** 2).sum() / (n - p))
    mean = float(inside.mean())
    kappa = 1 + p * float(inside.var(ddof=1)) / (n * mean**2)
    gram = np.linalg.inv(design.T @ design)
    return RobustFit(beta, gram * spread * (kappa / mean) ** 2, float(n - p), weights)


def _weights(scaled: np.ndarray) -> np.ndarray:
    size = np.abs(scaled)
    return np.where(size <= HUBER_K, 1.0, HUBER_K / np.maximum(size, HUBER_K))
