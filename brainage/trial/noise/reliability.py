"""How much of a gap is the person and how much the scan: ICC, error, smallest real change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown

_LEVEL = 0.95


@dataclass(frozen=True, repr=False)
class Reliability(Shown):
    """Reliability of a score over repeated scans of the same people.

    Parameters
    ----------
    n_people, n_scans : int
        Size of the table.
    icc_agreement, icc_agreement_low, icc_agreement_high : float
        ICC(2,1), absolute agreement (a shift between sessions counts as error), 95 % interval.
    icc_consistency, icc_consistency_low, icc_consistency_high : float
        ICC(3,1), consistency (a shift common to all people does not), 95 % interval.
    sem_years : float
        Standard error of measurement: the root of the residual mean square.
    sem_agreement_years : float
        The same with the variance of sessions added.
    mdc95_years : float
        Minimal detectable change of one person, 1.96 sqrt(2) sem_years.
    group_mdc95_years : float
        The same for the mean of n_people.

    Examples
    --------
    >>> gaps = [[1.0, 1.4], [3.0, 3.1], [-2.0, -1.1], [0.5, 0.2]]
    >>> found = ba.score_reliability(gaps)
    >>> round(found.icc_agreement, 2), round(found.sem_years, 2)
    (0.96, 0.36)
    """

    n_people: int
    n_scans: int
    icc_agreement: float
    icc_agreement_low: float
    icc_agreement_high: float
    icc_consistency: float
    icc_consistency_low: float
    icc_consistency_high: float
    sem_years: float
    sem_agreement_years: float
    mdc95_years: float
    group_mdc95_years: float


def score_reliability(values: ArrayLike) -> Reliability:
    """Estimate reliability from repeated scans.

    Parameters
    ----------
    values : array-like of shape (n_people, n_scans)
        Gaps in years, complete; age-adjusted gaps, or the spread of ages counts as reliability.

    Returns
    -------
    reliability : Reliability

    Raises
    ------
    DesignError
        Fewer than two people or scans, missing values, or no variance between people and scans.

    References
    ----------
    .. [1] Shrout & Fleiss (1979), Psychol. Bull. 86:420-428.
    .. [2] McGraw & Wong (1996), Psychol. Methods 1:30-46.

    Examples
    --------
    >>> found = ba.score_reliability([[1.0, 1.4], [3.0, 3.1], [-2.0, -1.1], [0.5, 0.2]])
    >>> round(found.icc_consistency, 2)
    0.97
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or min(x.shape) < 2:
        raise DesignError(
            f"reliability: expected (people, scans) with two of each at least, found {x.shape}."
        )
    if not np.isfinite(x).all():
        missing = int((~np.isfinite(x)).any(axis=1).sum())
        raise DesignError(f"reliability: {missing} people lack a scan; give those with every scan.")
    n, k = x.shape
    person, session, error = _mean_squares(x)
    if person + error <= 1e-24:
        raise DesignError("reliability: every value is the same; check the scores.")
    agreement = (person - error) / (person + (k - 1) * error + k * (session - error) / n)
    consistency = (person - error) / (person + (k - 1) * error)
    low2, high2 = map(float, agreement_interval((person, session, error), n, k, agreement))
    low3, high3 = _consistency_interval(person / error if error > 0 else np.inf, n, k)
    sem = np.sqrt(error)
    return Reliability(
        n_people=n,
        n_scans=k,
        icc_agreement=float(agreement),
        icc_agreement_low=low2,
        icc_agreement_high=high2,
        icc_consistency=float(consistency),
        icc_consistency_low=low3,
        icc_consistency_high=high3,
        sem_years=float(sem),
        sem_agreement_years=float(np.sqrt(error + max((session - error) / n, 0.0))),
        mdc95_years=float(stats.norm.ppf(0.5 + _LEVEL / 2) * np.sqrt(2) * sem),
        group_mdc95_years=float(stats.norm.ppf(0.5 + _LEVEL / 2) * np.sqrt(2 / n) * sem),
    )


def _mean_squares(x: np.ndarray) -> tuple[float, float, float]:
    n, k = x.shape
    grand = x.mean()
    person = k * ((x.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    session = n * ((x.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    residual = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + grand
    return float(person), float(session), float((residual**2).sum() / ((n - 1) * (k - 1)))


def _consistency_interval(ratio: float, n: int, k: int) -> tuple[float, float]:
    df1, df2 = n - 1, (n - 1) * (k - 1)
    tail = (1 - _LEVEL) / 2
    low = ratio / stats.f.isf(tail, df1, df2)
    high = ratio * stats.f.isf(tail, df2, df1)
    if np.isinf(ratio):
        return 1.0, 1.0
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def agreement_interval(
    squares: tuple[ArrayLike, ArrayLike, ArrayLike], n: int, k: int, icc: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of ICC(A,1), of one score or of many at once.

    Parameters
    ----------
    squares : tuple of array-like
        Mean squares of people, of sessions, and of what is left.
    n, k : int
        People and sessions.
    icc : array-like
        ICC(A,1) of these mean squares.

    Returns
    -------
    low, high : ndarray
        The ICC itself where nothing is left.
    """
    person, session, error = (np.asarray(each, dtype=float) for each in squares)
    icc = np.asarray(icc, dtype=float)
    tail = (1 - _LEVEL) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        # Satterthwaite's degrees of freedom of the denominator (Shrout & Fleiss 1979, p. 424).
        ratio = session / error
        top = (k - 1) * (n - 1) * (k * icc * ratio + n * (1 + (k - 1) * icc) - k * icc) ** 2
        bottom = (n - 1) * k**2 * icc**2 * ratio**2 + (n * (1 + (k - 1) * icc) - k * icc) ** 2
        df = top / bottom
        upper, lower = stats.f.isf(tail, n - 1, df), stats.f.isf(tail, df, n - 1)
        shared = k * session + (k * n - k - n) * error
        low = n * (person - upper * error) / (upper * shared + n * person)
        high = n * (lower * person - error) / (shared + n * lower * person)
    nothing = error <= 0
    return np.where(nothing, icc, low), np.where(nothing, icc, high)
