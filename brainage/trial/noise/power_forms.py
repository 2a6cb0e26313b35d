"""Closed forms behind power: the variance of each analysis's contrast, and power from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from brainage.errors import DesignError

#: Shifts in standard errors from which a rejection on the wrong side (< 1e-9), or any other
#: outcome than rejection, no longer counts.
_NO_WRONG_SIDE = 6.0
_CERTAIN = 60.0
_MOST = 1_000_000


def analysis_variances(
    *, sd_years: float, icc: float, drop_out: float, n_follow_ups: int
) -> dict[str, float]:
    """Return each analysis's variance of a contrast of the last visit, a person randomised.

    Parameters
    ----------
    sd_years : float
        Standard deviation of the gap between people.
    icc : float
        Correlation of two scans of one person, the same for any two visits.
    drop_out : float
        Share without the last scan.
    n_follow_ups : int
        Visits after baseline; those who drop out do so in equal parts before each of them.

    Returns
    -------
    variances : dict of str to float
        "follow-up only", "change scores", "ancova", "mmrm": the squared error of the difference is
        the variance times (1 / n + 1 / n of control), squared years.

    References
    ----------
    .. [1] Frison & Pocock (1992), Stat. Med. 11:1685-1704 (change scores and ANCOVA).
    .. [2] Lu, Luo & Chen (2008), Int. J. Biostat. 4:9 (repeated measures with drop-out).
    """
    seen = 1 - drop_out
    return {
        "follow-up only": sd_years**2 / seen,
        "change scores": 2 * sd_years**2 * (1 - icc) / seen,
        "ancova": sd_years**2 * (1 - icc**2) / seen,
        "mmrm": sd_years**2 * _repeated_variance(icc, drop_out, n_follow_ups),
    }


def _repeated_variance(icc: float, drop_out: float, n_follow_ups: int) -> float:
    """Return n times the variance of one arm's last mean given baseline, in units of sd^2."""
    k = n_follow_ups
    # Equicorrelated visits, conditional on the baseline scan.
    matrix = (1 - icc) * np.eye(k) + (icc - icc**2) * np.ones((k, k))
    information = (1 - drop_out) * np.linalg.inv(matrix)
    for seen in range(1, k):
        information[:seen, :seen] += drop_out / k * np.linalg.inv(matrix[:seen, :seen])
    return float(np.linalg.inv(information)[-1, -1])


def power_of_contrast(effect: float, se: float, df: float, alpha: float) -> float:
    """Return the chance to reject at alpha, two-sided.

    Parameters
    ----------
    effect, se : float
        In the same unit.
    df : float
        Degrees of freedom of the t test.
    alpha : float
        Two-sided.

    Returns
    -------
    power : float
    """
    shift = abs(effect) / se
    critical = stats.t.isf(alpha / 2, df)
    if shift > _CERTAIN:
        return 1.0
    # Rejection on the wrong side is rarer than the normal tail beyond the shift, and SciPy's
    # noncentral t is NaN far out there.
    wrong_side = stats.nct.cdf(-critical, df, shift) if shift < _NO_WRONG_SIDE else 0.0
    return float(stats.nct.sf(critical, df, shift) + wrong_side)


def smallest_size(power_at: Callable[[int], float], wanted: float, *, least: int, what: str) -> int:
    """Return the smallest size whose power reaches what is wanted.

    Parameters
    ----------
    power_at : callable
        Size -> power, rising.
    wanted : float
        Power.
    least : int
        Smallest size that can be analysed.
    what : str
        Analysis, for the message.

    Returns
    -------
    size : int

    Raises
    ------
    DesignError
        A million are not enough.
    """
    low, high = least, _MOST
    if power_at(high) < wanted:
        raise DesignError(
            f"power: {what} does not reach {wanted:g} with a million per arm; the effect is too "
            "small."
        )
    while low < high:
        middle = (low + high) // 2
        if power_at(middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def detectable_effect(se: float, df: float, alpha: float, *, power: float = 0.8) -> float:
    """Return the effect that is found with this power at this standard error.

    Parameters
    ----------
    se : float
        Of the contrast, years.
    df : float
        Degrees of freedom.
    alpha : float
        Two-sided.
    power : float, default=0.8
        Wanted.
    """
    found = optimize.brentq(
        lambda effect: power_of_contrast(effect, se, df, alpha) - power, 1e-9 * se, 100 * se
    )
    return float(found)
