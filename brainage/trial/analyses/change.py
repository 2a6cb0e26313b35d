"""Change from baseline: within-arm tests as LISA-like studies report them, and change scores.

A within-arm change is no effect of treatment: age bias, habituation, scanner drift and regression
to the mean move every arm. Each table of changes stands beside the contrasts between arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from brainage.errors import DesignError
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    between_arms,
    within_arms,
)
from brainage.trial.models.lsmeans import Estimate, t_estimate
from brainage.trial.results.contrasts import BASELINE


@dataclass(frozen=True)
class PairedChange:
    """Change of one group between two visits.

    Parameters
    ----------
    n : int
        People with both values.
    mean, sd : float
        Of follow-up minus baseline, in years; below zero is younger.
    test : Estimate
        Paired t test with n - 1 degrees of freedom.
    cohens_d_z : float
        mean / sd of the change.
    cohens_d_av : float
        mean / mean of the two visits' standard deviations.
    """

    n: int
    mean: float
    sd: float
    test: Estimate
    cohens_d_z: float
    cohens_d_av: float


def paired_change(baseline: ArrayLike, follow_up: ArrayLike) -> PairedChange:
    """Test the mean change of one group.

    Parameters
    ----------
    baseline, follow_up : array-like of shape (n,)
        Of the same people in the same order, in years, without missing values.

    Returns
    -------
    change : PairedChange

    Raises
    ------
    DesignError
        Different lengths, missing values, fewer than two people, or the same change in everyone.

    References
    ----------
    .. [1] Lakens (2013), Front. Psychol. 4:863, eq. 7 and 10 (d_z, d_av).

    Examples
    --------
    >>> change = paired_change([1.0, 2.0, 0.5, 3.0], [0.0, 1.5, 0.5, 1.0])
    >>> change.n, change.mean, change.test.df
    (4, -0.875, 3.0)
    """
    first, last = np.asarray(baseline, dtype=float), np.asarray(follow_up, dtype=float)
    if first.shape != last.shape or not (np.isfinite(first).all() and np.isfinite(last).all()):
        raise DesignError(
            "paired change: expected as many baseline as follow-up values, none "
            f"missing; found {first.shape} and {last.shape}."
        )
    difference = last - first
    mean, sd, n = _moments(difference, "paired change")
    spread = (np.std(first, ddof=1) + np.std(last, ddof=1)) / 2
    test = t_estimate(mean, sd / np.sqrt(n), n - 1)
    return PairedChange(n, mean, sd, test, mean / sd, mean / float(spread))


def welch_difference(change: ArrayLike, control_change: ArrayLike) -> Estimate:
    """Compare the mean change of two arms without assuming equal variances.

    Parameters
    ----------
    change, control_change : array-like
        Change scores in years of the arm and of control.

    Returns
    -------
    difference : Estimate
        Arm minus control; Welch's t and degrees of freedom.

    Raises
    ------
    DesignError
        Fewer than two people in an arm, or the same change in everyone of an arm.
    """
    mean_a, sd_a, n_a = _moments(np.asarray(change, dtype=float), "change scores of the arm")
    mean_b, sd_b, n_b = _moments(np.asarray(control_change, dtype=float), "change of control")
    va, vb = sd_a**2 / n_a, sd_b**2 / n_b
    df = (va + vb) ** 2 / (va**2 / (n_a - 1) + vb**2 / (n_b - 1))
    return t_estimate(mean_a - mean_b, float(np.sqrt(va + vb)), float(df))


def within_arm_changes(
    changes: pd.DataFrame, arms: Sequence[str], visits: Sequence[str]
) -> pd.DataFrame:
    """Test the change from baseline of each arm at each later visit.

    Parameters
    ----------
    changes : DataFrame
        Of one network: arm, visit, baseline_gap, gap, years.
    arms, visits : sequence of str
        In order.

    Returns
    -------
    table : DataFrame
        One row an arm and visit: n, mean and sd of the change with its interval, df, statistic,
        p_value, cohens_d_z, cohens_d_av, mean_interval_years.

    Raises
    ------
    DesignError
        An arm with fewer than two people at a visit, or with the same change in everyone.

    Examples
    --------
    >>> visit = {"arm": "CON", "visit": "1 year", "years": 1.0}
    >>> changes = pd.DataFrame(visit, index=range(4))
    >>> changes = changes.assign(baseline_gap=[1.0, 2.0, 0.5, 3.0], gap=[0.0, 1.5, 0.5, 1.0])
    >>> within_arm_changes(changes, ["CON"], ["1 year"])[["n", "df"]]
       n   df
    0  4  3.0
    """
    rows = []
    for arm in arms:
        for visit in visits:
            mine = changes[(changes["arm"] == arm) & (changes["visit"] == visit)]
            try:
                found = paired_change(mine["baseline_gap"], mine["gap"])
            except DesignError as error:
                raise DesignError(f"{arm} at {visit}: {error}") from error
            rows.append(
                {
                    "arm": arm,
                    "visit": visit,
                    "n": found.n,
                    "mean_change_years": found.mean,
                    "sd_change_years": found.sd,
                    "se_years": found.test.se,
                    "change_ci_low_years": found.test.ci_low,
                    "change_ci_high_years": found.test.ci_high,
                    "df": found.test.df,
                    "statistic": found.test.statistic,
                    "p_value": found.test.p_value,
                    "cohens_d_z": found.cohens_d_z,
                    "cohens_d_av": found.cohens_d_av,
                    "mean_interval_years": float(mine["years"].mean()),
                }
            )
    return pd.DataFrame(rows)


def _moments(values: np.ndarray, what: str) -> tuple[float, float, int]:
    n = len(values)
    if n < 2:
        raise DesignError(f"{what}: expected two people at least with both scans, found {n}.")
    sd = float(np.std(values, ddof=1))
    if sd <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise DesignError(
            f"{what}: all {n} people change by the same {values[0]:g} years; there "
            "is no error to test it against. Check the scores."
        )
    return float(np.mean(values)), sd, n


def _change_scores(inputs: AnalysisInputs) -> AnalysisResult:
    """Compare plain change scores between arms: the contrast beside a paired t test."""
    design, rows = inputs.design, []
    for arm in design.active_arms:
        for visit in design.later_visits:
            here = inputs.changes[inputs.changes["visit"] == visit]
            own = here.loc[here["arm"] == arm, "change"]
            control = here.loc[here["arm"] == design.control_arm, "change"]
            found = welch_difference(own, control)
            n = len(own) + len(control)
            row = (arm, design.control_arm, visit)
            rows.append(EffectRow(*row, found, n, n, "change scores, Welch t"))
    return AnalysisResult(tuple(rows))


def _within_arm(inputs: AnalysisInputs) -> AnalysisResult:
    """Return the paired tests as rows against baseline."""
    design = inputs.design
    table = within_arm_changes(inputs.changes, design.arms, design.later_visits)
    return AnalysisResult(deltas=tuple(_paired_row(row) for row in table.itertuples()))


def _paired_row(row: Any) -> EffectRow:
    found = Estimate(
        row.mean_change_years,
        row.se_years,
        row.df,
        row.statistic,
        row.p_value,
        row.change_ci_low_years,
        row.change_ci_high_years,
    )
    n = int(row.n)
    return EffectRow(row.arm, BASELINE, row.visit, found, n, n, "change from baseline, paired t")


CHANGE_SCORES = Analysis(
    key="change_scores",
    title=lambda _: "change scores",
    words="Welch t test of change scores between arms",
    settings=(),
    rows=between_arms,
    run=_change_scores,
    style="lisa_like",
)
WITHIN_ARM = Analysis(
    key="within_arm",
    title=lambda _: "paired t within arm",
    words="paired t test of change from baseline within each arm; no effect of treatment",
    settings=("within_arm_multiplicity",),
    rows=within_arms,
    run=_within_arm,
    beside_headline=True,
)
