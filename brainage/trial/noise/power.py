"""Power and sample size of one arm against control, from a clock's own noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.noise.power_forms import (
    analysis_variances,
    detectable_effect,
    power_of_contrast,
    smallest_size,
)

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

    Examples
    --------
    >>> table = ba.power_two_arm(effect_years=-2.3, sd_years=8.5, icc=0.7, n_per_arm=103)
    >>> table[["analysis", "power"]].round(2)
             analysis  power
    0  follow-up only   0.49
    1   change scores   0.70
    2          ancova   0.77
    3            mmrm   0.77
    """
    _check_noise(effect_years, sd_years, icc)
    _check_size((power, alpha, drop_out), n_per_arm, n_follow_ups)
    share = 1 - drop_out
    variances = analysis_variances(
        sd_years=sd_years, icc=icc, drop_out=drop_out, n_follow_ups=n_follow_ups
    )
    rows = []
    for analysis, variance in variances.items():

        def power_at(size: int, variance: float = variance) -> float:
            se, df = _error(variance, size, share)
            return power_of_contrast(effect_years, se, df, alpha)

        size = n_per_arm
        if size is None:
            least = int(np.ceil(2 / share))
            size = smallest_size(power_at, power, least=least, what=analysis)
        rows.append(
            {
                "analysis": analysis,
                "effect_years": float(effect_years),
                "sd_effective_years": float(np.sqrt(variance)),
                "n_per_arm": int(size),
                "n_analysed_per_arm": size * share,
                "power": power_at(size),
                "alpha": alpha,
                "detectable_years": detectable_effect(*_error(variance, size, share), alpha),
            }
        )
    return pd.DataFrame(rows, columns=list(POWER.names))


def _error(variance: float, size: int, share: float) -> tuple[float, float]:
    """Return the standard error of the contrast of two arms of one size, and its df."""
    return float(np.sqrt(2 * variance / size)), max(2 * size * share - 2, 1e-6)


def _check_noise(effect_years: float, sd_years: float, icc: float) -> None:
    problems = []
    if not np.isfinite(effect_years) or effect_years == 0:
        problems.append(f"effect_years: expected a number other than 0, found {effect_years}")
    if not sd_years > 0:
        problems.append(f"sd_years: expected more than 0, found {sd_years}")
    if not 0 <= icc < 1:
        problems.append(f"icc: expected 0 to less than 1, found {icc}")
    _refuse(problems)


def _check_size(
    shares: tuple[float, float, float], n_per_arm: int | None, n_follow_ups: int
) -> None:
    power, alpha, drop_out = shares
    problems = []
    if not 0 < alpha < 1 or not alpha < power < 1:
        problems.append(f"alpha and power: expected 0 < alpha < power < 1, found {alpha}, {power}")
    if not 0 <= drop_out < 1:
        problems.append(f"drop_out: expected 0 to less than 1, found {drop_out}")
    if n_per_arm is not None and n_per_arm * (1 - min(drop_out, 1)) < 2:
        problems.append(f"n_per_arm: expected two analysed people an arm, found {n_per_arm}")
    if n_follow_ups < 1:
        problems.append(f"n_follow_ups: expected 1 or more, found {n_follow_ups}")
    _refuse(problems)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise DesignError("power: " + "; ".join(problems) + ".")
