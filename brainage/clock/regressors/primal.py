"""Ridge through features, for cohorts of more scans than edges: cost grows linearly with scans.

The features are read twice, in blocks of rows, and only sums over scans are kept: ``X'X`` of the
cohort, from which each fold takes off the sums of its held-out scans.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from brainage.blocks import blocks
from brainage.clock.options import PENALTIES
from brainage.clock.regressors.left_out import leave_together, repeated

#: Training scans left out exactly, each with its person, when penalties are compared; a seeded
#: sample of larger cohorts. The error of 3,000 people ranks penalties as the error of 40,000 does,
#: at a tenth of the cost.
MAX_LEFT_OUT = 3000


@dataclass(frozen=True)
class Moments:
    """Sums over scans: all that a ridge needs of them.

    Parameters
    ----------
    n : int
        Scans.
    sum_x : ndarray of shape (n_features,)
        Sum of features.
    xx : ndarray of shape (n_features, n_features)
        ``X'X``, not centred.
    xy : ndarray of shape (n_features,)
        ``X'y``.
    sum_y : float
        Sum of ages, years.
    """

    n: int
    sum_x: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    sum_y: float

    def without(self, other: Moments) -> Moments:
        """Return the sums over the scans that are not among `other`'s."""
        return Moments(
            self.n - other.n,
            self.sum_x - other.sum_x,
            self.xx - other.xx,
            self.xy - other.xy,
            self.sum_y - other.sum_y,
        )


@dataclass(frozen=True)
class PrimalRidge:
    """A ridge in terms of features.

    Parameters
    ----------
    coef : ndarray of shape (n_features,)
        Years per feature unit.
    intercept : float
        Years.
    penalty : float
        Chosen by the leave-one-out error.
    """

    coef: np.ndarray
    intercept: float
    penalty: float


def moments_of(values: np.ndarray, age_years: np.ndarray, rows: np.ndarray) -> Moments:
    """Sum over some scans, a block of rows at a time.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Features, a memory map included.
    age_years : ndarray of shape (n_scans,)
        Ages.
    rows : ndarray of int
        Which scans.
    """
    n_features = values.shape[1]
    sum_x, xy = np.zeros(n_features), np.zeros(n_features)
    xx = np.zeros((n_features, n_features))
    for part in blocks(len(rows), n_features):
        own = rows[part]
        block = np.asarray(values[own], dtype=np.float64)
        sum_x += block.sum(axis=0)
        xy += age_years[own] @ block
        xx += block.T @ block
    return Moments(len(rows), sum_x, xx, xy, float(age_years[rows].sum()))


def fit_ridge_on_moments(
    moments: Moments,
    values: np.ndarray,
    age_years: np.ndarray,
    train: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    penalties: Sequence[float] = PENALTIES,
    max_left_out: int = MAX_LEFT_OUT,
) -> PrimalRidge:
    """Fit a ridge with intercept, its penalty chosen by leave-one-out.

    Parameters
    ----------
    moments : Moments
        Of the training scans.
    values : ndarray of shape (n_scans, n_features)
        Features of the cohort; only training rows are read.
    age_years : ndarray of shape (n_scans,)
        Ages of the cohort.
    train : ndarray of int
        Training rows.
    groups : ndarray of shape (n_train,) or None, default=None
        Person (or family) of each training scan, whose scans are left out together; None: each
        its own.
    penalties : sequence of float, optional
        Candidates in rising order, relative to the mean squared length of a centred scan.
    max_left_out : int, default=3000
        Scans left out exactly when penalties are compared.

    Returns
    -------
    ridge : PrimalRidge
        Equal to the ridge through the Gram matrix, up to rounding, for as many training scans as
        `max_left_out`; beyond, the penalty is chosen on a sample of left-out scans.
    """
    mean, mean_age = moments.sum_x / moments.n, moments.sum_y / moments.n
    centred = moments.xx - moments.n * np.outer(mean, mean)
    target = moments.xy - moments.n * mean * mean_age
    chosen = _left_out_rows(len(train), groups, max_left_out)
    left_out, together = train[chosen], list(repeated(None if groups is None else groups[chosen]))
    scans = np.asarray(values[left_out], dtype=np.float64) - mean
    residual_of_mean = age_years[left_out] - mean_age
    unit = np.trace(centred) / moments.n or 1.0

    # Columns first, as LAPACK stores matrices: it then works in place, twice as fast.
    factor = np.empty_like(centred, order="F")

    def solve(penalty: float) -> tuple[np.ndarray, np.ndarray]:
        np.copyto(factor, centred)
        factor.flat[:: len(factor) + 1] += penalty
        lower, _ = cho_factor(factor, lower=True, overwrite_a=True, check_finite=False)
        return lower, cho_solve((lower, True), target, check_finite=False)

    def error(index: int) -> float:
        lower, coef = solve(unit * penalties[index])
        whitened = solve_triangular(lower, scans.T, lower=True, check_finite=False)
        leverage = 1 / moments.n + np.einsum("ji,ji->j", whitened.T, whitened.T)
        fitted = residual_of_mean - scans @ coef
        residual = fitted / np.maximum(1 - leverage, 1e-10)
        for rows in together:
            own = whitened.T[rows]
            hat = 1 / moments.n + own @ own.swapaxes(1, 2)
            residual[rows] = leave_together(fitted[rows], hat)
        return float(residual @ residual)

    penalty = unit * penalties[_smallest(error, len(penalties))]
    coef = solve(penalty)[1]
    return PrimalRidge(coef, float(mean_age - mean @ coef), float(penalty))


def _left_out_rows(n_train: int, groups: np.ndarray | None, most: int) -> np.ndarray:
    """Return the training scans to leave out: all, or of whole people drawn with a seed."""
    if n_train <= most:
        return np.arange(n_train)
    rng = np.random.default_rng(0)
    if groups is None or len(np.unique(groups)) == n_train:
        return np.sort(rng.choice(n_train, most, replace=False))
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    drawn = rng.permutation(len(counts))
    return np.flatnonzero(np.isin(group, drawn[np.cumsum(counts[drawn]) <= most]))


def _smallest(error: Callable[[int], float], n: int) -> int:
    """Return the index of a smallest error, in few evaluations.

    Four points over the grid find the valley; it is enclosed, then narrowed by parabolas. Ends
    only when both neighbours of the answer are known to be no better.
    """
    stride = max(1, n // 4)
    known = {i: error(i) for i in range(n // 8, n, stride)}
    while True:
        best = min(known, key=lambda i: (known[i], i))
        below = max((i for i in known if i < best), default=-1)
        above = min((i for i in known if i > best), default=n)
        if above - best == best - below == 1:
            return best
        if below < 0 < best:
            new = max(0, best - stride)
        elif above == n and best < n - 1:
            new = min(n - 1, best + stride)
        elif below < 0 or above == n:
            new = (best + (above if below < 0 else below)) // 2
        else:
            new = _vertex(below, best, above, known)
        known[new] = error(new)


def _vertex(below: int, best: int, above: int, known: dict[int, float]) -> int:
    """Return the lowest point of the parabola through three points, or else best's next."""
    left = (best - below) * (known[best] - known[above])
    right = (best - above) * (known[best] - known[below])
    sag = left - right
    shift = ((best - below) * left - (best - above) * right) / (2 * sag) if sag else 0.0
    new = min(max(round(best - shift), below + 1), above - 1)
    if new != best:
        return new
    return best + 1 if above - best > best - below else best - 1
