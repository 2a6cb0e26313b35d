"""What a model says about one linear combination of its coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """One estimate with its error, in the unit of the response (years for a brain-age gap).

    Parameters
    ----------
    estimate : float
        Below zero: younger-looking than at the start, or than the other arm.
    se : float
        Standard error, same unit.
    df : float
        Degrees of freedom of the t distribution.
    statistic : float
        estimate / se.
    p_value : float
        Two-sided.
    ci_low, ci_high : float
        Ends of the 95 % confidence interval, same unit.
    """

    estimate: float
    se: float
    df: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float


def t_estimate(estimate: float, se: float, df: float) -> Estimate:
    """Return an estimate with its two-sided t test of zero and its 95 % interval.

    Parameters
    ----------
    estimate : float
        In the unit of the response.
    se : float
        Standard error, > 0.
    df : float
        Degrees of freedom, > 0.

    Returns
    -------
    result : Estimate
    """
    statistic = estimate / se
    half = special.stdtrit(df, 0.5 + CONFIDENCE_LEVEL / 2) * se
    return Estimate(
        estimate=float(estimate),
        se=float(se),
        df=float(df),
        statistic=float(statistic),
        p_value=float(2 * special.stdtr(df, -abs(statistic))),
        ci_low=float(estimate - half),
        ci_high=float(estimate + half),
    )


def mean_of_weights(weights: list[np.ndarray]) -> np.ndarray:
    """Return the equally weighted mean of several linear combinations (average over visits)."""
    return np.mean(weights, axis=0)
