"""Change with change: does brain age move in the people whose strength moves?

Both changes happen after randomisation, so nothing here is an effect of one on the other; the
docs (docs/statistics.md) say why mediation is not claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.trial.analyses.robust_lines import covariate_columns, fit_robust_line
from brainage.trial.models.lsmeans import CONFIDENCE_LEVEL, Estimate

_Z = float(stats.norm.ppf(0.5 + CONFIDENCE_LEVEL / 2))
#: Fewest pairs of which a correlation has an interval.
FEWEST_PAIRS = 4


@dataclass(frozen=True, repr=False)
class Correlation(Shown):
    """A correlation with its interval and test of zero.

    Parameters
    ----------
    r : float
        Between -1 and 1.
    ci_low, ci_high : float
        95 % interval by Fisher's z.
    df : float
        Degrees of freedom of the t.
    statistic, p_value : float
        t and two-sided p.
    n : int
        People, or for a repeated-measures correlation observations.

    Examples
    --------
    >>> found = pearson(np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.1, -1.0, -1.8, -4.4]))
    >>> found.r < -0.9, found.n
    (True, 4)
    """

    r: float
    ci_low: float
    ci_high: float
    df: float
    statistic: float
    p_value: float
    n: int


def pearson(first: np.ndarray, second: np.ndarray, *, what: str = "Pearson r") -> Correlation:
    """Correlate two changes of the same people, as R's ``cor.test``.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        None missing.
    what : str, default="Pearson r"
        For messages.

    Returns
    -------
    found : Correlation

    Raises
    ------
    DesignError
        Fewer than four pairs, or one of the two the same in everyone.

    Examples
    --------
    >>> found = pearson(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5]))
    >>> round(found.r, 2), round(found.p_value, 3)
    (0.8, 0.104)
    """
    _check(first, second, what)
    r = float(np.corrcoef(first, second)[0, 1])
    return _tested(r, len(first), lost=0)


def spearman(first: np.ndarray, second: np.ndarray, *, what: str = "Spearman rho") -> Correlation:
    """Correlate the ranks of two changes.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        None missing; ties have their mean rank.
    what : str, default="Spearman rho"
        For messages.

    Returns
    -------
    found : Correlation
        The t approximation's p, as R's ``cor.test(method = "spearman", exact = FALSE)``; Bonett
        and Wright's interval.

    Raises
    ------
    DesignError
        As `pearson`.

    References
    ----------
    .. [1] Bonett & Wright (2000), Psychometrika 65:23-28.

    Examples
    --------
    >>> round(spearman(np.array([0.0, 1.0, 2.0, 4.0]), np.array([3.0, 2.0, 1.0, 0.0])).r, 2)
    -1.0
    """
    _check(first, second, what)
    r = float(np.corrcoef(stats.rankdata(first), stats.rankdata(second))[0, 1])
    return _tested(r, len(first), lost=0, inflation=float(np.sqrt(1 + r**2 / 2)))


def partial_correlation(
    first: np.ndarray,
    second: np.ndarray,
    given: np.ndarray,
    *,
    robust: bool = False,
    what: str = "partial r",
) -> Correlation:
    """Correlate what other columns leave of two changes.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        None missing.
    given : ndarray of shape (n, k)
        Held fixed (baselines, arm), of full rank, without a constant.
    robust : bool, default=False
        HC3 error of the slope behind the correlation, in the place of the formula that takes one
        spread for all: pooled arms of which one is noisier in both changes would otherwise reject
        too often (docs/trial_questions.md).
    what : str, default="partial r"
        For messages.

    Returns
    -------
    found : Correlation
        n - k - 2 degrees of freedom; interval of n - k people.

    Raises
    ------
    DesignError
        Fewer than four people more than columns, or nothing left of one of the two.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first = rng.normal(size=30)
    >>> second, baseline = -first + rng.normal(0, 0.1, 30), rng.normal(size=(30, 1))
    >>> found = partial_correlation(first, second, baseline)
    >>> found.r < -0.9, found.df
    (True, 27.0)
    """
    _check(first, second, what)
    n, k = given.shape
    if n - k < FEWEST_PAIRS:
        raise DesignError(f"{what}: {n} people are too few to hold {k} columns fixed.")
    q = np.linalg.qr(np.column_stack([np.ones(n), given]))[0]
    left = [values - q @ (q.T @ values) for values in (first, second)]
    for values, rest in zip((first, second), left, strict=True):
        if np.linalg.norm(rest) <= 1e-9 * np.linalg.norm(values - values.mean()):
            raise DesignError(f"{what}: one of the changes is determined by what is held fixed.")
    r = float(left[0] @ left[1] / np.sqrt((left[0] @ left[0]) * (left[1] @ left[1])))
    if not robust:
        return _tested(r, n, lost=k)
    # The correlation is zero where the slope given the other columns is: HC3's error of that
    # slope over the usual one is how far the usual error of Fisher's z is off.
    first_centred = first - first.mean()
    design = np.column_stack([first_centred, np.ones(n), given])
    line = fit_robust_line(design, second, what=what).coefficient(0)
    usual = np.sqrt((1 - r**2) * (left[1] @ left[1]) / (left[0] @ left[0]) / (n - k - 2))
    return _tested(r, n, lost=k, inflation=float(line.se / usual), statistic=line.statistic)


def repeated_measures_correlation(
    first: np.ndarray, second: np.ndarray, person: np.ndarray
) -> Correlation:
    """Correlate two measures within people over all their visits.

    Parameters
    ----------
    first, second : ndarray of shape (n_observations,)
        None missing.
    person : ndarray of shape (n_observations,)
        Whose; people with one observation say nothing and are left out.

    Returns
    -------
    found : Correlation
        One slope common to all people, each with their own level; observations less people less
        one degrees of freedom.

    Raises
    ------
    DesignError
        Fewer than two people with two observations, or a measure that never changes.

    References
    ----------
    .. [1] Bland & Altman (1995), BMJ 310:446. [2] Bakdash & Marusich (2017), Front. Psychol. 8:456.

    Examples
    --------
    >>> first = np.array([1.0, 2.0, 3.0, 2.0, 3.0, 5.0])
    >>> second = np.array([0.0, -1.2, -1.8, 4.0, 3.1, 1.0])
    >>> found = repeated_measures_correlation(first, second, np.array([1, 1, 1, 2, 2, 2]))
    >>> found.r < -0.9, found.df
    (True, 3.0)
    """
    code, counts = np.unique(person, return_inverse=True, return_counts=True)[1:]
    kept = counts[code] > 1
    x, y = first[kept].astype(float), second[kept].astype(float)
    code = np.unique(code[kept], return_inverse=True)[1]
    n_people = int(code.max(initial=-1)) + 1
    df = len(x) - n_people - 1
    if n_people < 2 or df < 2:
        raise DesignError(
            f"repeated-measures correlation: expected two people or more with two visits each, "
            f"and three visits to spare; found {n_people} people with {len(x)} visits."
        )
    size = np.bincount(code)
    x = x - (np.bincount(code, x) / size)[code]
    y = y - (np.bincount(code, y) / size)[code]
    if min(np.abs(x).max(), np.abs(y).max()) <= 1e-12:
        raise DesignError("repeated-measures correlation: one measure never changes in anybody.")
    r = float(x @ y / np.sqrt((x @ x) * (y @ y)))
    return _tested(r, df + 2, lost=0, shown=len(x))


@dataclass(frozen=True, repr=False)
class SlopesByArm(Shown):
    """How the change in a score goes with the change in an outcome, arm by arm.

    Parameters
    ----------
    slopes : dict of str to Estimate
        Score per unit of outcome in each arm, HC3 errors.
    differences : dict of str to Estimate
        Slope of each active arm minus that of control.
    statistic : float
        Joint F of arm x outcome.
    numerator_df, df : int
        Its degrees of freedom.
    p_value : float
        Its p.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"arm": ["CON"] * 10 + ["HRT"] * 10})
    >>> people["strength"] = rng.normal(size=20)
    >>> people["change"] = -people["strength"] + rng.normal(0, 0.1, 20)
    >>> found = slopes_by_arm(people, arms=("CON", "HRT"), outcome_change="strength")
    >>> {arm: round(slope.estimate) for arm, slope in found.slopes.items()}
    {'CON': -1, 'HRT': -1}
    """

    slopes: dict[str, Estimate]
    differences: dict[str, Estimate]
    statistic: float
    numerator_df: int
    df: int
    p_value: float


def slopes_by_arm(
    people: pd.DataFrame,
    *,
    arms: tuple[str, ...],
    outcome_change: str,
    response: str = "change",
    covariates: tuple[str, ...] = (),
) -> SlopesByArm:
    """Test whether the line of change on change differs between arms.

    Parameters
    ----------
    people : DataFrame
        One row a person of one visit: arm and the columns named, none missing.
    arms : tuple of str
        Control first.
    outcome_change : str
        Column of the outcome's change.
    response : str, default="change"
        Column of the score's change.
    covariates : tuple of str, default=()
        Baselines.

    Returns
    -------
    found : SlopesByArm

    Raises
    ------
    DesignError
        Too few people, or an arm in which the outcome's change is the same in everyone.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = pd.DataFrame({"arm": ["CON"] * 10 + ["HRT"] * 10})
    >>> people["strength"] = rng.normal(size=20)
    >>> people["change"] = -people["strength"] + rng.normal(0, 0.1, 20)
    >>> slopes_by_arm(people, arms=("CON", "HRT"), outcome_change="strength").numerator_df
    1
    """
    label = people["arm"].to_numpy()
    moved = people[outcome_change].to_numpy(dtype=float)
    cells = np.column_stack([(label == arm).astype(float) for arm in arms])
    for arm in arms:
        if len(np.unique(moved[label == arm])) < 2:
            raise DesignError(
                f"arm x outcome: the change of {outcome_change} is the same in all of {arm}."
            )
    slopes = cells * (moved - moved.mean())[:, None]
    given = np.column_stack([cells, slopes])
    design = np.column_stack([given, covariate_columns(people, covariates, given)])
    line = fit_robust_line(design, people[response].to_numpy(dtype=float), what="arm x outcome")
    places = {arm: len(arms) + k for k, arm in enumerate(arms)}
    unit = np.eye(design.shape[1])
    contrasts = np.array([unit[places[arm]] - unit[places[arms[0]]] for arm in arms[1:]])
    own, block = contrasts @ line.coefficients, contrasts @ line.vcov @ contrasts.T
    statistic = float(own @ np.linalg.solve(block, own)) / len(own)
    return SlopesByArm(
        slopes={arm: line.coefficient(place) for arm, place in places.items()},
        differences={arm: line.estimate(row) for arm, row in zip(arms[1:], contrasts, strict=True)},
        statistic=statistic,
        numerator_df=len(own),
        df=line.df,
        p_value=float(stats.f.sf(statistic, len(own), line.df)),
    )


def _check(first: np.ndarray, second: np.ndarray, what: str) -> None:
    if len(first) < FEWEST_PAIRS:
        raise DesignError(f"{what}: expected {FEWEST_PAIRS} pairs or more, found {len(first)}.")
    for values in (first, second):
        if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
            raise DesignError(f"{what}: one of the two changes is the same in everyone.")


def _tested(
    r: float,
    n: int,
    *,
    lost: int,
    inflation: float = 1.0,
    statistic: float | None = None,
    shown: int | None = None,
) -> Correlation:
    """Return a correlation of n people with its test, `lost` degrees of freedom spent on others.

    `inflation` is of the error of Fisher's z; `statistic` is a t from elsewhere.
    """
    df = n - lost - 2
    r = float(np.clip(r, -1.0, 1.0))
    certain = abs(r) >= 1 - 1e-15
    if statistic is None:
        statistic = np.inf * np.sign(r) if certain else r * np.sqrt(df / (1 - r**2))
    half = _Z * inflation / np.sqrt(n - lost - 3)
    low, high = (r, r) if certain else np.tanh(np.arctanh(r) + np.array([-half, half]))
    p_value = float(2 * stats.t.sf(abs(statistic), df))
    return Correlation(r, float(low), float(high), float(df), float(statistic), p_value, shown or n)
