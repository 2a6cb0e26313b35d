"""Correlation, shrunk covariance, partial and lagged connectivity of one scan.

Pure functions of one scan's signals ``(n_kept, p)`` without missing parcels; what to do with
missing ones is decided in ``kinds.py``.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from brainage.errors import MatrixError, TooFewVolumesError

#: Fewer kept volumes than this give no correlation worth the name; extraction's own rule on
#: retained seconds is meant to be stricter.
MIN_VOLUMES = 10

# A correlation of exactly one (a parcel listed twice) has an infinite z; this bound is z = 8.3.
_LARGEST_CORRELATION = 1 - 1e-7
#: Spread of the parcels' log amplitudes below which series were standardised in time.
_NO_AMPLITUDE = 1e-3


def find_missing(values: np.ndarray) -> np.ndarray:
    """Say which parcels have no signal: any NaN or infinity, or no variation.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Parcel signals.

    Returns
    -------
    missing : ndarray of shape (p,), bool
        True where the parcel cannot enter a correlation. "No variation" means that the standard
        deviation is below 1e-10 of the largest absolute value, i.e. rounding.
    """
    finite = np.isfinite(values).all(axis=0)
    filled = np.where(finite, values, 0.0)
    spread = filled.std(axis=0)
    return ~finite | (spread <= 1e-10 * np.abs(filled).max(axis=0, initial=0.0))


def standardize(values: np.ndarray) -> np.ndarray:
    """Give every parcel mean 0 and standard deviation 1 (divisor n) over time.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Parcel signals, none missing.

    Returns
    -------
    standardized : ndarray of shape (n_kept, p), float64
    """
    centered = values - values.mean(axis=0)
    return centered / np.sqrt(np.mean(centered**2, axis=0))


def pearson(values: np.ndarray) -> np.ndarray:
    """Return the sample correlation of every pair of parcels, (p, p), diagonal exactly 1.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Parcel signals, none missing.
    """
    _need_volumes(values, MIN_VOLUMES, "a correlation")
    standardized = standardize(values)
    correlation = standardized.T @ standardized / len(values)
    np.clip(correlation, -1.0, 1.0, out=correlation)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def fisher_z(correlation: np.ndarray) -> np.ndarray:
    """Return arctanh of correlations; |r| is first bounded by 1 - 1e-7 (|z| <= 8.4).

    Unitless; 0 is no correlation, positive is positive. The diagonal carries no information.
    """
    return np.arctanh(np.clip(correlation, -_LARGEST_CORRELATION, _LARGEST_CORRELATION))


def ledoit_wolf_shrinkage(centered: np.ndarray) -> float:
    """Return the Ledoit-Wolf weight (0 to 1) of the spherical target.

    Parameters
    ----------
    centered : ndarray of shape (n_kept, p)
        Signals with mean 0.

    References
    ----------
    .. [1] Ledoit & Wolf (2004), J. Multivar. Anal. 88:365-411, section 3.2. The sum over all
       pairs of squared products is taken volume by volume, so this costs n_kept x p.
    """
    n_volumes, n_parcels = centered.shape
    power = np.einsum("ij,ij->i", centered, centered)
    gram = centered.T @ centered if n_parcels <= n_volumes else centered @ centered.T
    squared_norm = np.sum(gram**2) / n_volumes**2
    mean_variance = power.sum() / n_volumes / n_parcels
    distance = squared_norm / n_parcels - mean_variance**2
    error = (np.sum(power**2) / n_volumes - squared_norm) / n_volumes / n_parcels
    return 0.0 if distance <= 0 else float(min(error, distance) / distance)


def oas_shrinkage(centered: np.ndarray) -> float:
    """Return the oracle-approximating weight (0 to 1) of the spherical target.

    Parameters
    ----------
    centered : ndarray of shape (n_kept, p)
        Signals with mean 0.

    References
    ----------
    .. [1] Chen, Wiesel, Eldar & Hero (2010), IEEE Trans. Signal Process. 58:5016-5029, eq. 23,
       in the form scikit-learn uses (term of 1 - 2/p taken as 1).
    """
    n_volumes, n_parcels = centered.shape
    gram = centered.T @ centered if n_parcels <= n_volumes else centered @ centered.T
    alpha = np.sum(gram**2) / n_volumes**2 / n_parcels**2
    mu_squared = (np.einsum("ij,ij->", centered, centered) / n_volumes / n_parcels) ** 2
    denominator = (n_volumes + 1) * (alpha - mu_squared / n_parcels)
    return 1.0 if denominator == 0 else float(min((alpha + mu_squared) / denominator, 1.0))


_SHRINKAGE = {"ledoit_wolf": ledoit_wolf_shrinkage, "oas": oas_shrinkage}


def estimate_covariance(values: np.ndarray, *, shrinkage: str = "ledoit_wolf") -> np.ndarray:
    """Estimate the parcel covariance of one scan.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Cleaned parcel signals, none missing; centred here.
    shrinkage : {"none", "ledoit_wolf", "oas"}, default="ledoit_wolf"
        Weight of the target (mean variance x identity). "none" is the sample covariance
        (divisor n), which is singular when n_kept <= p.

    Returns
    -------
    covariance : ndarray of shape (p, p)
        Symmetric, in the signals' unit squared; of standardised signals it is a correlation.

    Raises
    ------
    TooFewVolumesError
        Fewer than 10 kept volumes.
    """
    _need_volumes(values, MIN_VOLUMES, "a covariance")
    centered = values - values.mean(axis=0)
    covariance = centered.T @ centered / len(values)
    if shrinkage == "none":
        return covariance
    weight = _SHRINKAGE[shrinkage](centered)
    mean_variance = np.trace(covariance) / len(covariance)
    covariance *= 1 - weight
    covariance.flat[:: len(covariance) + 1] += weight * mean_variance
    return covariance


def shrink_fixed(covariance: np.ndarray, weight: float) -> np.ndarray:
    """Return (1 - weight) x covariance + weight x mean variance x identity, (p, p).

    Unlike Ledoit-Wolf's, the weight does not depend on the length of the scan.
    """
    shrunk = (1 - weight) * covariance
    shrunk.flat[:: len(covariance) + 1] += weight * np.trace(covariance) / len(covariance)
    return shrunk


def remove_gain(values: np.ndarray) -> np.ndarray:
    """Centre every parcel and divide the whole run by one number, its typical amplitude.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Parcel signals of one run, none missing.

    Returns
    -------
    relative : ndarray of shape (n_kept, p)
        In units of the geometric mean of the parcels' standard deviations: the scanner's gain is
        gone, what one parcel's amplitude is beside another's stays.
    """
    centered = values - values.mean(axis=0)
    return centered / np.exp(np.mean(np.log(centered.std(axis=0))))


def holds_amplitude(values: np.ndarray) -> bool:
    """Return whether parcels differ in how much they fluctuate; standardised ones do not.

    Parameters
    ----------
    values : ndarray of shape (n_kept, p)
        Parcel signals, none missing.
    """
    return float(np.log(values.std(axis=0)).std()) >= _NO_AMPLITUDE


def relative_amplitude(relative: np.ndarray) -> np.ndarray:
    """Return each parcel's log standard deviation, standardised over the parcels, (p,).

    Unitless; 0 is the typical parcel, positive fluctuates more. Series that were standardised in
    time hold no amplitude: all zero then (spread of the logarithms below 1e-3).

    Parameters
    ----------
    relative : ndarray of shape (n_kept, p)
        What `remove_gain` returned, runs joined.

    References
    ----------
    .. [1] Zang et al. (2007), Brain Dev. 29:83-91 (amplitude of low-frequency fluctuations), of
       which this is the logarithm over the whole pass band.
    """
    amplitude = np.log(relative.std(axis=0))
    amplitude -= amplitude.mean()
    spread = amplitude.std()
    return np.zeros_like(amplitude) if spread < _NO_AMPLITUDE else amplitude / spread


def partial_correlation(covariance: np.ndarray) -> np.ndarray:
    """Return the correlation of every pair of parcels given all others, diagonal 1.

    Parameters
    ----------
    covariance : ndarray of shape (p, p)
        Positive definite.

    Raises
    ------
    MatrixError
        If the matrix has no inverse (more parcels than volumes and no shrinkage).
    """
    try:
        factor = linalg.cho_factor(covariance, lower=True)
    except linalg.LinAlgError:
        raise MatrixError(
            f"partial correlation: expected a positive definite {covariance.shape} covariance, "
            "found a singular one. Use shrinkage 'ledoit_wolf' or 'oas', or more volumes."
        ) from None
    precision = linalg.cho_solve(factor, np.eye(len(covariance)))
    scale = 1 / np.sqrt(np.diag(precision))
    partial = -precision * scale * scale[:, None]
    partial = (partial + partial.T) / 2
    np.fill_diagonal(partial, 1.0)
    return partial


def lagged_covariance(
    standardized: np.ndarray, *, follows: np.ndarray, lag_volumes: int = 1
) -> np.ndarray:
    """Return the cross-covariance of parcel i with parcel j `lag_volumes` later.

    Parameters
    ----------
    standardized : ndarray of shape (n_kept, p)
        Standardised signals, none missing.
    follows : ndarray of shape (n_kept - 1,), bool
        Whether row t + 1 was scanned directly after row t, in the same run. A pair never spans a
        censored volume or the seam between runs.
    lag_volumes : int, default=1
        Lag in volumes.

    Returns
    -------
    lagged : ndarray of shape (p, p)
        Row i leads column j; not symmetric. Mean product over the pairs.

    Raises
    ------
    TooFewVolumesError
        Fewer than 10 such pairs.
    """
    spans = np.ones(max(len(standardized) - lag_volumes, 0), dtype=bool)
    for step in range(lag_volumes):
        spans &= follows[step : step + len(spans)]
    start = np.flatnonzero(spans)
    if len(start) < MIN_VOLUMES:
        raise TooFewVolumesError(
            f"lagged covariance: expected at least {MIN_VOLUMES} pairs of volumes "
            f"{lag_volumes} apart without a gap, found {len(start)}. Relax the scrubbing or leave "
            "out the kind 'lagged'."
        )
    return standardized[start].T @ standardized[start + lag_volumes] / len(start)


def _need_volumes(values: np.ndarray, needed: int, purpose: str) -> None:
    if len(values) < needed:
        raise TooFewVolumesError(
            f"expected at least {needed} kept volumes for {purpose}, found {len(values)}."
        )
