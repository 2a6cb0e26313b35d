"""Site effects per edge from first and second moments, with ComBat's empirical-Bayes shrinkage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainage.blocks import blocks

_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class SiteEffects:
    """Effects of each site on each edge.

    ``harmonised = (x - centre - shift) / scale + centre``, where centre is `grand_mean` plus
    `covariate_slope` times the covariate.

    Parameters
    ----------
    shift, scale : ndarray of shape (n_sites, n_features)
        In the edges' own unit; scale > 0, one where only locations are estimated.
    grand_mean, covariate_slope : ndarray of shape (n_features,)
        Mean over sites weighted by their scans, and slope on the covariate (zero without one).
    covariate_mean : ndarray of shape (n_sites,)
        The covariate's mean in each site (zero without one).
    """

    shift: np.ndarray
    scale: np.ndarray
    grand_mean: np.ndarray
    covariate_slope: np.ndarray
    covariate_mean: np.ndarray


def estimate_site_effects(
    X: np.ndarray,
    code: np.ndarray,
    *,
    shrink: bool,
    covariate: np.ndarray | None = None,
) -> SiteEffects:
    """Estimate location (and, shrunken, scale) of each site.

    Parameters
    ----------
    X : ndarray of shape (n_scans, n_features)
        Edges; read chunk by chunk, so a memory map stays on disk.
    code : ndarray of shape (n_scans,), int
        Site of each scan, 0 to n_sites - 1, each at least twice; -1: not used.
    shrink : bool
        Empirical-Bayes location and scale (ComBat); False: least-squares location only.
    covariate : ndarray of shape (n_scans,) or None, default=None
        An effect estimated beside the sites' and left in the data.

    Returns
    -------
    effects : SiteEffects
    """
    kept = np.flatnonzero(code >= 0)
    code, n_sites, p = code[kept], int(code.max()) + 1, X.shape[1]
    counts = np.bincount(code)
    design = np.eye(n_sites)[code]
    covariate_mean = np.zeros(n_sites)
    if covariate is not None:
        covariate_mean = design.T @ covariate[kept] / counts
        design = np.column_stack([design, covariate[kept]])
    solver = np.linalg.pinv(design)
    mean, variance = np.empty((n_sites, p)), np.empty((n_sites, p))
    grand, slope, sd = np.empty(p), np.zeros(p), np.empty(p)
    for part in blocks(p, len(kept)):
        values = X[kept, part].astype(np.float64, copy=False)
        weights = solver @ values
        sd[part] = residual_sd(values, design @ weights)
        grand[part] = counts @ weights[:n_sites] / counts.sum()
        expected = grand[part]
        if covariate is not None:
            slope[part] = weights[n_sites]
            expected = expected + np.outer(design[:, n_sites], slope[part])
        values = (values - expected) / sd[part]
        for s in range(n_sites):
            mean[s, part] = values[code == s].mean(axis=0)
            variance[s, part] = values[code == s].var(axis=0, ddof=1)
    scale = scale_of_sites(mean, variance, counts) if shrink else np.ones((n_sites, p))
    return SiteEffects(mean * sd, scale, grand, slope, covariate_mean)


def scale_of_sites(mean: np.ndarray, variance: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return each site's shrunken scale (n_sites, n_features); `mean` is shrunk in place."""
    scale = np.ones(mean.shape)
    for s, n_scans in enumerate(counts):
        mean[s], squared = shrink_site_effect(mean[s], variance[s], int(n_scans))
        scale[s] = np.sqrt(squared)
    return scale


def residual_sd(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return each column's root mean squared residual; 1 for a column that never varies."""
    sd = np.sqrt(np.mean((values - expected) ** 2, axis=0))
    return np.where(sd > 1e-12 * (1 + np.abs(values).max(axis=0)), sd, 1.0)


def shrink_site_effect(
    mean: np.ndarray,
    variance: np.ndarray,
    n_scans: int,
    *,
    location_only: bool = False,
    tolerance: float = 1e-4,
) -> tuple[np.ndarray, np.ndarray]:
    """Shrink a site's location and scale towards their mean over edges.

    The mean and variance of the standardised edges are all that the posterior needs, so no scan
    is passed. Iteration and stopping rule are those of neuroCombat, whose figures are
    reproduced to 1e-6: the largest relative change, where edges with a negative location do not
    count, because theirs is divided by a negative number.

    Parameters
    ----------
    mean, variance : ndarray of shape (n_features,)
        Of the site's standardised edges (variance with n - 1).
    n_scans : int
        Scans of the site, at least two.
    location_only : bool, default=False
        Keep the scale at one.
    tolerance : float, default=1e-4
        Largest relative change at which the iteration stops.

    Returns
    -------
    location, squared_scale : ndarray of shape (n_features,)
        Posterior modes; squared_scale > 0.

    References
    ----------
    .. [1] Johnson, Li & Rabinovic (2007), Biostatistics 8:118-127, eq. 3.1.
    .. [2] Fortin et al. (2018), NeuroImage 167:104-120 (neuroCombat).
    """
    raw_variance, variance = variance, np.where(variance > 0, variance, 1.0)
    if len(mean) < 2:
        # One edge has no neighbours to borrow from.
        return mean, np.ones_like(variance) if location_only else variance
    prior_mean, prior_variance = mean.mean(), mean.var(ddof=1)

    def posterior_location(squared_scale: np.ndarray | float, weight: float) -> np.ndarray:
        pull = prior_variance * weight
        return (pull * mean + squared_scale * prior_mean) / (pull + squared_scale)

    if location_only:
        return posterior_location(1.0, n_scans), np.ones_like(variance)
    average, spread = variance.mean(), variance.var(ddof=1)
    if spread <= 1e-12 * average**2:
        return posterior_location(average, n_scans), np.full_like(variance, average)
    shape = (2 * spread + average**2) / spread
    rate = (average * spread + average**3) / spread
    location, squared_scale = mean, variance
    for _ in range(_MOST_ITERATIONS):
        new_location = posterior_location(squared_scale, n_scans)
        squares = (n_scans - 1) * raw_variance + n_scans * (mean - new_location) ** 2
        new_scale = (0.5 * squares + rate) / (n_scans / 2 + shape - 1)
        change = max(_relative(new_location, location), _relative(new_scale, squared_scale))
        location, squared_scale = new_location, new_scale
        if change <= tolerance:
            break
    return location, squared_scale


def _relative(new: np.ndarray, old: np.ndarray) -> float:
    moved = np.abs(new - old)
    counted = old > 0
    return float(np.max(moved[counted] / old[counted], initial=0.0))
