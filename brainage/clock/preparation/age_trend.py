"""A smooth trend of many columns on age: natural cubic splines with few knots.

Shared by the spline bias correction (one column: the gap) and the harmoniser's frozen age trend
(one column per edge).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Harrell's placement of four knots (Regression Modeling Strategies, 2nd ed., table 2.3).
KNOT_PERCENTILES = (5.0, 35.0, 65.0, 95.0)

#: Below this many scans a straight line is fitted instead.
SPLINE_LEAST_SCANS = 40


def age_knots(age_years: np.ndarray) -> np.ndarray:
    """Return four knots in years, or none where a straight line has to do.

    A line is used for fewer than 40 scans or ages too tied for four distinct knots.
    """
    if len(age_years) < SPLINE_LEAST_SCANS:
        return np.empty(0)
    knots = np.percentile(age_years, KNOT_PERCENTILES)
    return knots if np.all(np.diff(knots) > 1e-6 * max(np.ptp(age_years), 1e-12)) else np.empty(0)


def age_basis(age_years: np.ndarray, knots_years: np.ndarray) -> np.ndarray:
    """Return the basis (n, 2) of a line or (n, 4) of a natural cubic spline.

    Columns: 1, age in decades from 50, then (with knots) two curves that are straight beyond the
    outer knots. The scaling keeps the columns of one size, so that least squares stays accurate.

    References
    ----------
    .. [1] Hastie, Tibshirani & Friedman (2009), Elements of Statistical Learning, eq. 5.4-5.5.
    """
    age = np.asarray(age_years, dtype=float)
    columns = [np.ones_like(age), (age - 50.0) / 10.0]
    if len(knots_years):
        knots = np.asarray(knots_years, dtype=float)
        span = knots[-1] - knots[0]

        def bent(k: int) -> np.ndarray:
            tail = np.maximum(age - knots[-1], 0) ** 3
            return (np.maximum(age - knots[k], 0) ** 3 - tail) / (knots[-1] - knots[k])

        last = bent(len(knots) - 2)
        columns += [(bent(k) - last) / span**2 for k in range(len(knots) - 2)]
    return np.column_stack(columns)


@dataclass(frozen=True)
class AgeTrend:
    """A fitted trend.

    Parameters
    ----------
    knots_years : ndarray of shape (4,) or (0,)
        Knots; none for a straight line.
    weights : ndarray of shape (4 or 2, n_columns)
        Weights of `age_basis`.
    """

    knots_years: np.ndarray
    weights: np.ndarray

    @classmethod
    def fit(cls, age_years: np.ndarray, values: np.ndarray) -> AgeTrend:
        """Fit each column of `values` (n, n_columns) on age by least squares."""
        age = np.asarray(age_years, dtype=float)
        knots = age_knots(age)
        weights = np.linalg.lstsq(age_basis(age, knots), values, rcond=None)[0]
        return cls(knots, weights)

    def expected(self, age_years: np.ndarray) -> np.ndarray:
        """Return the trend's values (n, n_columns) at given ages."""
        return age_basis(age_years, self.knots_years) @ self.weights
