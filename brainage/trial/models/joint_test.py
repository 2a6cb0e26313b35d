"""A joint test of several linear combinations of a model's coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from brainage.errors import DesignError

#: Eigenvalues below this share of the largest belong to combinations of the others.
_RANK = 1e-9


@dataclass(frozen=True)
class JointTest:
    """An F test.

    Parameters
    ----------
    statistic : float
        F.
    numerator_df, denominator_df : float
        Degrees of freedom.
    p_value : float
        Of an F at least as large.
    """

    statistic: float
    numerator_df: float
    denominator_df: float
    p_value: float


def joint_test(
    weights: np.ndarray,
    coefficients: np.ndarray,
    vcov: np.ndarray,
    *,
    error_of: Callable[[np.ndarray], tuple[float, float]],
) -> JointTest:
    """Test that several linear combinations are all zero, by the model's degrees of freedom.

    The combinations are turned into uncorrelated ones; each has degrees of freedom of its own,
    from which the denominator's follow (Fai and Cornelius, as ``lmerTest::contestMD`` does).

    Parameters
    ----------
    weights : ndarray of shape (n_combinations, p)
        Of the coefficients; combinations that follow from the others do not count.
    coefficients : ndarray of shape (p,)
        Estimates.
    vcov : ndarray of shape (p, p)
        Their covariance.
    error_of : callable
        Weights of one combination -> standard error and degrees of freedom.

    Returns
    -------
    test : JointTest

    Raises
    ------
    DesignError
        No combination has a variance.

    References
    ----------
    .. [1] Fai & Cornelius (1996), J. Stat. Comput. Simul. 54:363-378.
    """
    middle = weights @ vcov @ weights.T
    values, vectors = np.linalg.eigh(middle)
    kept = values > _RANK * max(values.max(initial=0.0), 0.0)
    if not kept.any() or values.max() <= 0:
        raise DesignError("joint test: no combination of the coefficients has a variance.")
    turned = vectors[:, kept].T @ weights
    squares = (turned @ coefficients) ** 2 / values[kept]
    q = int(kept.sum())
    df = np.array([error_of(row)[1] for row in turned])
    statistic = float(squares.sum() / q)
    denominator = _denominator(df)
    p_value = float(stats.f.sf(statistic, q, denominator))
    return JointTest(statistic, float(q), denominator, p_value)


def _denominator(df: np.ndarray) -> float:
    if len(df) == 1 or np.allclose(df, df[0], rtol=1e-8):
        return float(df.mean())
    if (df <= 2).any():
        # The mean of an F with two degrees of freedom or fewer does not exist.
        return 2.0
    total = float((df / (df - 2)).sum())
    return 2 * total / (total - len(df))
