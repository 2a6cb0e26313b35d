"""Band-limited parcel signals of one scan, and their correlations.

Signals are drawn as coefficients on the sines and cosines that the band and the scan's length
allow (2 per frequency). That basis is orthonormal and has no mean, so correlations of the
coefficients are exactly the correlations of the series: the feature depth skips the series and
loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Power falls off above this frequency as resting-state signals do (Lorentzian).
_CORNER_HZ = 0.05


@dataclass(frozen=True)
class Band:
    """The frequencies of a scan.

    Parameters
    ----------
    basis : ndarray of shape (n_volumes, m)
        Orthonormal sines and cosines, each of mean zero.
    amplitude : ndarray of shape (m,)
        Spectral weight; mean square 1.
    """

    basis: np.ndarray
    amplitude: np.ndarray


def make_band(n_volumes: int, t_r_s: float, low_hz: float, high_hz: float) -> Band:
    """Return the basis of the frequencies from `low_hz` to `high_hz` (below Nyquist)."""
    frequencies = np.fft.rfftfreq(n_volumes, t_r_s)
    below_nyquist = frequencies < 0.5 / t_r_s - 1e-12
    used = (frequencies >= low_hz) & (frequencies <= high_hz) & below_nyquist
    cycles = np.flatnonzero(used)
    phase = 2 * np.pi * np.outer(np.arange(n_volumes), cycles) / n_volumes
    basis = np.concatenate([np.cos(phase), np.sin(phase)], axis=1) * (2 / n_volumes) ** 0.5
    weight = 1 / np.sqrt(1 + (frequencies[used] / _CORNER_HZ) ** 2)
    amplitude = np.tile(weight / np.sqrt((weight**2).mean()), 2)
    return Band(basis, amplitude)


def draw_coefficients(
    band: Band, loadings: np.ndarray, unshared_sd: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw a scan's neural signals on the band's basis.

    Parameters
    ----------
    band : Band
        m basis functions.
    loadings : ndarray of shape (p, k)
        On the latent time courses.
    unshared_sd : ndarray of shape (p,)
        Of each parcel's own noise.
    rng : Generator
        The scan's stream. The draws do not depend on the loadings, so the same stream with other
        loadings is the same noise: that is what makes a counterfactual scan.

    Returns
    -------
    coefficients : ndarray of shape (m, p)
    """
    m = len(band.amplitude)
    p, k = loadings.shape
    courses = rng.standard_normal((m, k))
    own = rng.standard_normal((m, p))
    return band.amplitude[:, None] * (courses @ loadings.T + own * unshared_sd)


def fisher_z_rows(coefficients: np.ndarray) -> np.ndarray:
    """Return the Fisher z of every pair of parcels, upper triangle row by row.

    Parameters
    ----------
    coefficients : ndarray of shape (m, p)
        On an orthonormal basis of mean-zero functions.

    Returns
    -------
    edges : ndarray of shape (p (p - 1) / 2,), float32
    """
    unit = coefficients / np.linalg.norm(coefficients, axis=0)
    correlation = unit.T @ unit
    return np.arctanh(correlation[np.triu_indices(len(correlation), k=1)]).astype(np.float32)


def to_series(band: Band, coefficients: np.ndarray) -> np.ndarray:
    """Return standardised series (n_volumes, p): mean 0, sample standard deviation 1."""
    series = band.basis @ coefficients
    return series / series.std(axis=0, ddof=1)
