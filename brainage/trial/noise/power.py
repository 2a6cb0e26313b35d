"""Power and sample size of one arm against control, from a clock's own noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema

#: Shifts in standard errors from which a rejection on the wrong side (< 1e-9), or any other
#: outcome than rejection, no longer counts.
_NO_WRONG_SIDE = 6.0
_CERTAIN = 60.0

POWER = TableSchema(
    "power",
    (
        Column("analysis", "text", "How the arms are compared."),
        Column(
            "effect_years", "number", "Difference between the arms, on the clock's scale.", "years"
        ),
        Column(
            "sd_effective_years",
            "number",
            "Standard deviation behind the contrast, per person randomised.",
            "years",
        ),
        Column("n_per_arm", "integer", "Randomised per arm."),
        Column("n_analysed_per_arm", "number", "Expected with a follow-up scan."),
        Column("power", "number", "Chance to reject at alpha.", low=0, high=1),
        Column("alpha", "number", "Two-sided."),
        Column(
            "detectable_years", "number", "Difference found with 80 % power at this size.", "years"
        ),
    ),
)


def power_two_arm(
    *,
    effect_years: float,
    sd_years: float,
    icc: float,
    n_per_arm: int | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    drop_out: float = 0.0,
    n_follow_ups: int = 2,
) -> pd.DataFrame:
    """Compute power at a size, or the size for a power, for four analyses of one contrast.

    Parameters
    ----------
    effect_years : float
        Difference between arms at the last visit, on the clock's scale: a shrunken clock shows
        only a share of a true shift.
    sd_years : float
        Standard deviation of the gap between people.
    icc : float
        Correlation of two scans of one person, the same for any two visits.
    n_per_arm : int or None, default=None
        Randomised per arm; None: the smallest size that reaches `power`.
    power : float, default=0.8
        Wanted; not read where `n_per_arm` is given.
    alpha : float, default=0.05
        Two-sided.
    drop_out : float, default=0.0
        Share without the last scan.
    n_follow_ups : int, default=2
        Visits after baseline, for the repeated-measures row: those who drop out do so in equal
        parts before each of them.

    Returns
    -------
    table : DataFrame
        Schema `POWER`: "follow-up only", "change scores", "ancova", "mmrm". The repeated-measures
        row treats the covariance as known and takes t with the analysed people's degrees of
        freedom.

    Raises
    ------
    DesignError
        A value that cannot be true, or no size up to a million that reaches the power.

    References
    ----------
    .. [1] Frison & Pocock (1992), Stat. Med. 11:1685-1704 (change scores and ANCOVA).
    .. [2] Lu, Luo & Chen (2008), Int. J. Biostat. 4:9 (repeated measures with drop-out).
    """
    _check(effect_years, sd_years, icc, (power, alpha, drop_out), n_per_arm, n_follow_ups)
    share = 1 - drop_out
    variances = {
        "follow-up only": sd_years**2 / share,
        "change scores": 2 * sd_years**2 * (1 - icc) / share,
        "ancova": sd_years**2 * (1 - icc**2) / share,
        "mmrm": sd_years**2 * _repeated_variance(icc, drop_out, n_follow_ups),
    }
    rows = []
    for analysis, variance in variances.items():
        size = n_per_arm
        if size is None:
            size = _smallest(effect_years, variance, (power, alpha, share), analysis)
        found = _power(effect_years, variance, size, (alpha, share))
        rows.append(
            {
                "analysis": analysis,
                "effect_years": float(effect_years),
                "sd_effective_years": float(np.sqrt(variance)),
                "n_per_arm": int(size),
                "n_analysed_per_arm": size * share,
                "power": found,
                "alpha": alpha,
                "detectable_years": _detectable(variance, size, (alpha, share)),
            }
        )
    return pd.DataFrame(rows, columns=list(POWER.names))


def _check(effect_years, sd_years, icc, shares, n_per_arm, n_follow_ups) -> None:
    power, alpha, drop_out = shares
    problems = []
    if not np.isfinite(effect_years) or effect_years == 0:
        problems.append(f"effect_years: expected a number other than 0, found {effect_years}")
    if not sd_years > 0:
        problems.append(f"sd_years: expected more than 0, found {sd_years}")
    if not 0 <= icc < 1:
        problems.append(f"icc: expected 0 to less than 1, found {icc}")
    if not 0 < alpha < 1 or not alpha < power < 1:
        problems.append(f"alpha and power: expected 0 < alpha < power < 1, found {alpha}, {power}")
    if not 0 <= drop_out < 1:
        problems.append(f"drop_out: expected 0 to less than 1, found {drop_out}")
    if n_per_arm is not None and n_per_arm * (1 - min(drop_out, 1)) < 2:
        problems.append(f"n_per_arm: expected two analysed people an arm, found {n_per_arm}")
    if n_follow_ups < 1:
        problems.append(f"n_follow_ups: expected 1 or more, found {n_follow_ups}")
    if problems:
        raise DesignError("power: " + "; ".join(problems) + ".")


def _repeated_variance(icc: float, drop_out: float, n_follow_ups: int) -> float:
    """Return n times the variance of one arm's last mean given baseline, in units of sd^2."""
    k = n_follow_ups
    # Equicorrelated visits, conditional on the baseline scan.
    matrix = (1 - icc) * np.eye(k) + (icc - icc**2) * np.ones((k, k))
    information = (1 - drop_out) * np.linalg.inv(matrix)
    for seen in range(1, k):
        information[:seen, :seen] += drop_out / k * np.linalg.inv(matrix[:seen, :seen])
    return float(np.linalg.inv(information)[-1, -1])


def _power(effect: float, variance: float, size: int, context) -> float:
    alpha, share = context
    df = max(2 * size * share - 2, 1e-6)
    shift = abs(effect) / np.sqrt(2 * variance / size)
    critical = stats.t.isf(alpha / 2, df)
    if shift > _CERTAIN:
        return 1.0
    # Rejection on the wrong side is rarer than the normal tail beyond the shift, and SciPy's
    # noncentral t is NaN far out there.
    wrong_side = stats.nct.cdf(-critical, df, shift) if shift < _NO_WRONG_SIDE else 0.0
    return float(stats.nct.sf(critical, df, shift) + wrong_side)


def _smallest(effect: float, variance: float, context, analysis: str) -> int:
    wanted, alpha, share = context
    low, high = int(np.ceil(2 / share)), 1_000_000
    if _power(effect, variance, high, (alpha, share)) < wanted:
        raise DesignError(
            f"power: {analysis} does not reach {wanted:g} with a million per arm; "
            f"the effect of {effect:g} years is too small."
        )
    while low < high:
        middle = (low + high) // 2
        if _power(effect, variance, middle, (alpha, share)) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def _detectable(variance: float, size: int, context) -> float:
    unit = np.sqrt(2 * variance / size)
    found = optimize.brentq(lambda e: _power(e, variance, size, context) - 0.8, 1e-9, 100 * unit)
    return float(found)
