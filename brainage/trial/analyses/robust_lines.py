"""Least squares with errors that do not assume equal variances, for people of any grouping."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.trial.models.covariates import code_covariate
from brainage.trial.models.lsmeans import Estimate, t_estimate

#: A column whose part outside the span of those before it is smaller than this share is aliased.
_ALIASED = 1e-9
#: Leverage from which a person determines a coefficient alone and HC3 is not defined.
_FULL_LEVERAGE = 1 - 1e-8


@dataclass(frozen=True)
class RobustLine:
    """A line fitted by least squares, with HC3 errors.

    Parameters
    ----------
    coefficients : ndarray of shape (p,)
        In the order of the design's columns.
    vcov : ndarray of shape (p, p)
        Heteroscedasticity-consistent covariance of the coefficients.
    df : int
        n - p.
    residuals : ndarray of shape (n,)
        Response minus fitted value.
    """

    coefficients: np.ndarray
    vcov: np.ndarray = field(repr=False)
    df: int
    residuals: np.ndarray = field(repr=False)

    def estimate(self, weights: np.ndarray) -> Estimate:
        """Estimate a linear combination of the coefficients with its t test and 95 % interval."""
        se = float(np.sqrt(weights @ self.vcov @ weights))
        return t_estimate(float(weights @ self.coefficients), se, self.df)

    def coefficient(self, place: int) -> Estimate:
        """Estimate one coefficient."""
        return self.estimate(np.eye(len(self.coefficients))[place])

    def joint_test(self, places: np.ndarray) -> tuple[float, int, float]:
        """Test that several coefficients are zero.

        Parameters
        ----------
        places : ndarray of int of shape (q,)
            Which coefficients.

        Returns
        -------
        statistic : float
            Wald's F with q and `df` degrees of freedom.
        numerator_df : int
            q.
        p_value : float
        """
        own = self.coefficients[places]
        block = self.vcov[np.ix_(places, places)]
        statistic = float(own @ np.linalg.solve(block, own)) / len(places)
        return statistic, len(places), float(stats.f.sf(statistic, len(places), self.df))


def fit_robust_line(design: np.ndarray, response: np.ndarray, *, what: str) -> RobustLine:
    """Fit a line by least squares with HC3 errors.

    Parameters
    ----------
    design : ndarray of shape (n, p)
        Full column rank.
    response : ndarray of shape (n,)
        Without missing values.
    what : str
        Which analysis, for messages.

    Returns
    -------
    line : RobustLine
        As R's ``lm`` with ``sandwich::vcovHC(type = "HC3")``.

    Raises
    ------
    DesignError
        Fewer than two people more than columns, columns that depend on one another, a person who
        alone determines a coefficient, or a response that the line fits exactly.

    References
    ----------
    .. [1] MacKinnon & White (1985), J. Econometrics 29:305-325.
    """
    n, p = design.shape
    if n < p + 2:
        raise DesignError(f"{what}: {n} people are too few for {p} coefficients.")
    q, r = np.linalg.qr(design)
    size = np.abs(np.diag(r))
    if (size <= _ALIASED * np.maximum(np.linalg.norm(design, axis=0), 1e-300)).any():
        raise DesignError(
            f"{what}: a column is constant or determined by the others, so that its effect cannot "
            "be told from theirs."
        )
    leverage = (q**2).sum(axis=1)
    if leverage.max() > _FULL_LEVERAGE:
        raise DesignError(f"{what}: one person alone determines a coefficient; pool that level.")
    projected = q.T @ response
    residuals = response - q @ projected
    if residuals @ residuals <= 1e-20 * max(float(response @ response), 1e-300):
        raise DesignError(f"{what}: the line fits every value exactly; check the values.")
    pull = np.linalg.solve(r, q.T)
    scaled = pull * (residuals / (1 - leverage))
    return RobustLine(np.linalg.solve(r, projected), scaled @ scaled.T, n - p, residuals)


def covariate_columns(rows: pd.DataFrame, names: tuple[str, ...], given: np.ndarray) -> np.ndarray:
    """Return centred covariate columns, those determined by the ones before them left out.

    Parameters
    ----------
    rows : DataFrame
        One row a person.
    names : tuple of str
        Text is categorical, numbers are linear; without missing values.
    given : ndarray of shape (n, q)
        Columns the design has already.

    Returns
    -------
    columns : ndarray of shape (n, k)
    """
    if not len(rows):
        return np.empty((0, 0))
    basis = _orthonormal(given)
    kept: list[np.ndarray] = []
    for name in names:
        for _, column in code_covariate(rows[name], name):
            centred = column - column.mean()
            outside = centred - basis @ (basis.T @ centred)
            length = np.linalg.norm(outside)
            if length > np.sqrt(_ALIASED) * max(float(np.linalg.norm(centred)), 1e-12):
                kept.append(centred)
                basis = np.column_stack([basis, outside / length])
    return np.column_stack(kept) if kept else np.empty((len(rows), 0))


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    if not columns.shape[1]:
        return columns
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, singular > 1e-10 * singular[0]]
