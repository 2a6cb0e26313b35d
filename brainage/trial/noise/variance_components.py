"""Reliability where some visits are missing: people, sessions and what is left, by REML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainage.errors import DesignError
from brainage.showing import Shown

#: Ends of the search for log(variance between people / residual variance).
_LOWEST, _HIGHEST = -14.0, 14.0
#: Golden section: 28 wide at first, 1e-8 after these steps.
_GOLDEN, _STEPS = (5**0.5 - 1) / 2, 46


@dataclass(frozen=True, repr=False)
class VarianceComponents(Shown):
    """Variances of a score over repeated scans, some of them missing.

    Parameters
    ----------
    person, session, error : float
        Variance between people, between sessions (a shift common to all people), and what is
        left, in squared units of the score; never negative.
    icc_agreement, icc_agreement_low, icc_agreement_high : float
        ICC(A,1) = person / (person + session + error), 95 % interval over people redrawn.
    icc_consistency, icc_consistency_low, icc_consistency_high : float
        ICC(C,1) = person / (person + error), 95 % interval over people redrawn.
    n_people, n_sessions, n_values : int
        People with a value, sessions, values.

    Examples
    --------
    >>> values = np.array([[1.0, 1.4], [3.0, 3.1], [-2.0, -1.1], [0.5, 0.2]])
    >>> variance_components(values, n_bootstraps=20).n_people
    4
    """

    person: float
    session: float
    error: float
    icc_agreement: float
    icc_agreement_low: float
    icc_agreement_high: float
    icc_consistency: float
    icc_consistency_low: float
    icc_consistency_high: float
    n_people: int
    n_sessions: int
    n_values: int


def variance_components(
    values: np.ndarray, *, n_bootstraps: int = 500, seed: int = 0
) -> VarianceComponents:
    """Estimate variance components from repeated scans, some of them missing.

    Parameters
    ----------
    values : ndarray of shape (n_people, n_sessions)
        Age-corrected gaps in years; NaN where a scan is missing.
    n_bootstraps : int, default=500
        People redrawn, for the intervals.
    seed : int, default=0
        Of the bootstrap.

    Returns
    -------
    components : VarianceComponents
        Restricted maximum likelihood with sessions fixed (as ``lmer(y ~ session + (1 | person))``);
        the variance of sessions is that of their means less what their errors explain. Complete
        tables give the mean squares' values, unless those are negative.

    Raises
    ------
    DesignError
        Fewer than two people with two scans, a session without a scan, or no variance.

    Examples
    --------
    >>> values = np.array([[1.0, 1.4], [3.0, 3.1], [-2.0, np.nan], [0.5, 0.2], [2.0, 1.7]])
    >>> found = variance_components(values, n_bootstraps=50)
    >>> bool(found.icc_consistency > 0.9), found.n_values
    (True, 9)
    """
    kept = values[np.isfinite(values).any(axis=1)]
    seen = np.isfinite(kept)
    repeated = int((seen.sum(axis=1) > 1).sum())
    if repeated < 2 or kept.shape[1] < 2:
        raise DesignError(
            f"reliability: expected two people or more with two scans each, found {repeated}."
        )
    if not seen.any(axis=0).all():
        raise DesignError("reliability: a session has no scan of anybody; leave it out.")
    if np.nanstd(kept) <= 1e-12:
        raise DesignError("reliability: every value is the same; check the scores.")
    own = _fit(_Sums.of(kept, seen, np.ones((1, len(kept)))))
    rng = np.random.default_rng(seed)
    equal = np.full(len(kept), 1 / len(kept))
    counts = rng.multinomial(len(kept), equal, size=n_bootstraps).astype(float)
    # A resample without repeats of two people, or with an empty session, determines nothing.
    enough = counts @ (seen.sum(axis=1) > 1) >= 2
    enough &= ((counts @ seen.astype(float)) > 0).all(axis=1)
    drawn = _correlations(*_fit(_Sums.of(kept, seen, counts[enough])))
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=1)
    person, session, error = (float(part[0]) for part in own)
    agreement, consistency = (float(part[0]) for part in _correlations(*own))
    return VarianceComponents(
        person=person,
        session=session,
        error=error,
        icc_agreement=agreement,
        icc_agreement_low=float(low[0]),
        icc_agreement_high=float(high[0]),
        icc_consistency=consistency,
        icc_consistency_low=float(low[1]),
        icc_consistency_high=float(high[1]),
        n_people=len(kept),
        n_sessions=kept.shape[1],
        n_values=int(seen.sum()),
    )


def _correlations(
    person: np.ndarray, session: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(invalid="ignore"):
        return person / (person + session + error), person / (person + error)


@dataclass(frozen=True)
class _Sums:
    """What the likelihood needs of the people, for several weightings of them at once.

    People with the same number of scans share one weight, so sums by that number are enough.
    """

    scans: np.ndarray
    people: np.ndarray
    patterns: np.ndarray
    totals: np.ndarray
    squares: np.ndarray
    per_session: np.ndarray
    values: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, seen: np.ndarray, counts: np.ndarray) -> _Sums:
        """Sum over people, each counted as often as `counts` (n_weightings, n_people) says."""
        filled, own = np.where(seen, values, 0.0), seen.astype(float)
        number, total = seen.sum(axis=1), filled.sum(axis=1)
        k = seen.shape[1]
        scans = np.arange(1, k + 1)
        groups = [counts * (number == m) for m in scans]
        outer = (own[:, :, None] * own[:, None, :]).reshape(len(own), k * k)
        return cls(
            scans=scans,
            people=np.stack([group.sum(axis=1) for group in groups]),
            patterns=np.stack([(group @ outer).reshape(-1, k, k) for group in groups]),
            totals=np.stack([group @ (own * total[:, None]) for group in groups]),
            squares=np.stack([group @ total**2 for group in groups]),
            per_session=counts @ own,
            values=counts @ filled,
            square=counts @ (filled**2).sum(axis=1),
        )


@dataclass(frozen=True)
class _Profile:
    """Minus twice the restricted likelihood at a ratio of variances, and what belongs to it."""

    criterion: np.ndarray
    error: np.ndarray
    means: np.ndarray
    spread: np.ndarray

    @classmethod
    def at(cls, ratio: np.ndarray, sums: _Sums) -> _Profile:
        load = ratio / (1 + ratio * sums.scans[:, None])
        k = sums.per_session.shape[1]
        information = np.eye(k) * sums.per_session[:, None, :]
        information = information - (load[:, :, None, None] * sums.patterns).sum(axis=0)
        right = sums.values - (load[:, :, None] * sums.totals).sum(axis=0)
        spread = np.linalg.inv(information)
        means = (spread @ right[:, :, None])[:, :, 0]
        square = sums.square - (load * sums.squares).sum(axis=0) - (right * means).sum(axis=1)
        free = sums.per_session.sum(axis=1) - k
        error = np.maximum(square / free, 1e-300)
        likelihood = (np.log1p(ratio * sums.scans[:, None]) * sums.people).sum(axis=0)
        likelihood = likelihood + np.linalg.slogdet(information)[1] + free * np.log(error)
        return cls(likelihood, error, means, spread)


def _fit(sums: _Sums) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the variances of people, sessions and residuals for each weighting."""
    ratio = np.exp(
        _smallest(
            lambda log_ratio: _Profile.at(np.exp(log_ratio), sums).criterion, len(sums.square)
        )
    )
    # Nothing between people is the end of the scale, which no logarithm reaches.
    none = _Profile.at(np.zeros_like(ratio), sums).criterion <= _Profile.at(ratio, sums).criterion
    ratio = np.where(none, 0.0, ratio)
    found = _Profile.at(ratio, sums)
    k = found.means.shape[1]
    own = np.trace(found.spread, axis1=1, axis2=2)
    sampling = (own - found.spread.sum(axis=(1, 2)) / k) / (k - 1) * found.error
    session = np.maximum(found.means.var(axis=1, ddof=1) - sampling, 0.0)
    return ratio * found.error, session, found.error


def _smallest(criterion: Callable[[np.ndarray], np.ndarray], size: int) -> np.ndarray:
    """Return where several functions of one number are smallest, by golden section."""
    low, high = np.full(size, _LOWEST), np.full(size, _HIGHEST)
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = criterion(left) < criterion(right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return (low + high) / 2
