"""Who changed beyond noise, and do people differ in their response? Read with care.

A person beyond the minimal detectable change is no responder: noise alone puts 2.5 % of people
there on each side, and a shift common to an arm moves people over the line without any of them
responding differently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown

_Z = float(stats.norm.ppf(0.975))
#: Share of people that noise alone puts beyond the minimal detectable change, each way.
NOISE_ALONE = 0.025


@dataclass(frozen=True, repr=False)
class ShareDifference(Shown):
    """A share of people in one arm against control.

    Parameters
    ----------
    share, control_share : float
        Between 0 and 1.
    difference, ci_low, ci_high : float
        Arm minus control, with Newcombe's 95 % interval.

    Examples
    --------
    >>> beyond = np.array([True, True, False, True])
    >>> share_difference(beyond, control_beyond=np.array([False, True, False, False]))
    ShareDifference
      share: 0.75
      control_share: 0.25
      difference: 0.5
      ci_low: -0.135488
      ci_high: 0.789083
    """

    share: float
    control_share: float
    difference: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, repr=False)
class IndividualResponse(Shown):
    """Spread of individual response: how much more an arm's changes vary than control's.

    Parameters
    ----------
    sd_years : float
        Square root of the difference in variance of change, with the difference's sign: below
        zero the control's changes vary more.
    ci_low_years, ci_high_years : float
        95 % interval, signed likewise.
    sd_change_years, sd_change_control_years : float
        Standard deviations of change.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> response = individual_response(rng.normal(-2, 6, 40), rng.normal(0, 2, 40))
    >>> response.sd_change_years > response.sd_change_control_years
    True
    """

    sd_years: float
    ci_low_years: float
    ci_high_years: float
    sd_change_years: float
    sd_change_control_years: float


@dataclass(frozen=True, repr=False)
class ChangeReliability(Shown):
    """Share of the variance of change that is not error of measurement.

    Parameters
    ----------
    reliability : float
        1 - 2 SEM^2 / variance of change; below zero: people change less than the error allows.
    ci_low, ci_high : float
        95 % interval from the F distribution of the two variances.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> change_reliability(rng.normal(0, 4, 60), sem_years=2.0, sem_df=50)
    ChangeReliability
      reliability: 0.389557
      ci_low: -0.0522809
      ci_high: 0.641563
    """

    reliability: float
    ci_low: float
    ci_high: float


def share_difference(beyond: np.ndarray, control_beyond: np.ndarray) -> ShareDifference:
    """Compare the share of people beyond a line between an arm and control.

    Parameters
    ----------
    beyond, control_beyond : ndarray of bool
        Of each person.

    Returns
    -------
    found : ShareDifference

    Raises
    ------
    DesignError
        Nobody in an arm.

    References
    ----------
    .. [1] Newcombe (1998), Stat. Med. 17:873-890, method 10.

    Examples
    --------
    >>> found = share_difference(np.arange(10) < 4, np.arange(10) < 1)
    >>> round(found.difference, 2), found.ci_low < 0.3 < found.ci_high
    (0.3, True)
    """
    if not len(beyond) or not len(control_beyond):
        raise DesignError("share of people beyond the detectable change: nobody in an arm.")
    p, q = float(np.mean(beyond)), float(np.mean(control_beyond))
    low_p, high_p = _wilson(p, len(beyond))
    low_q, high_q = _wilson(q, len(control_beyond))
    low = p - q - np.sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    high = p - q + np.sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return ShareDifference(p, q, p - q, float(low), float(high))


def individual_response(change: np.ndarray, control_change: np.ndarray) -> IndividualResponse:
    """Estimate the standard deviation of individual response.

    Parameters
    ----------
    change, control_change : ndarray
        Changes of the arm and of control, years.

    Returns
    -------
    found : IndividualResponse

    Raises
    ------
    DesignError
        Fewer than three people in an arm.

    References
    ----------
    .. [1] Atkinson & Batterham (2015), Exp. Physiol. 100:577-588.
    .. [2] Hopkins (2015), Front. Physiol. 6:359 (interval).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = individual_response(rng.normal(-2, 6, 40), rng.normal(0, 2, 40))
    >>> found.sd_change_years > found.sd_change_control_years
    True
    """
    n, m = len(change), len(control_change)
    if min(n, m) < 3:
        raise DesignError(
            f"individual response: expected three people an arm, found {n} and {m} in control."
        )
    own, control = float(np.var(change, ddof=1)), float(np.var(control_change, ddof=1))
    se = float(np.sqrt(2 * (own**2 / (n - 1) + control**2 / (m - 1))))
    difference = own - control
    return IndividualResponse(
        sd_years=_signed_root(difference),
        ci_low_years=_signed_root(difference - _Z * se),
        ci_high_years=_signed_root(difference + _Z * se),
        sd_change_years=float(np.sqrt(own)),
        sd_change_control_years=float(np.sqrt(control)),
    )


def change_reliability(change: np.ndarray, *, sem_years: float, sem_df: float) -> ChangeReliability:
    """Estimate the reliability of a change score from an error of measurement found elsewhere.

    Parameters
    ----------
    change : ndarray
        Changes of people, years.
    sem_years : float
        Standard error of measurement of one scan, from scans soon repeated or from halves: visits
        years apart hold real change in it.
    sem_df : float
        Its degrees of freedom (people less one, for two scans each); inf: taken as known.

    Returns
    -------
    found : ChangeReliability

    Raises
    ------
    DesignError
        Fewer than three people, or an error that is not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = change_reliability(rng.normal(0, 4, 60), sem_years=2.0, sem_df=50)
    >>> found.ci_low < found.reliability < found.ci_high
    True
    """
    if len(change) < 3 or not sem_years > 0 or not sem_df > 0:
        raise DesignError(
            "reliability of change: expected three people and an error of measurement above 0, "
            f"found {len(change)} and {sem_years:g} years."
        )
    df = len(change) - 1
    ratio = 2 * sem_years**2 / float(np.var(change, ddof=1))
    if np.isfinite(sem_df):
        low, high = stats.f.ppf([0.025, 0.975], sem_df, df)
    else:
        low, high = df / stats.chi2.ppf([0.975, 0.025], df)
    return ChangeReliability(1 - ratio, float(1 - ratio / low), float(1 - ratio / high))


def _wilson(share: float, n: int) -> tuple[float, float]:
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return float(centre - half), float(centre + half)


def _signed_root(variance: float) -> float:
    return float(np.sign(variance) * np.sqrt(abs(variance)))
