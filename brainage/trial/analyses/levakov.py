"""Levakov's outcome: the brain age expected at follow-up minus the one observed.

Predicted age is regressed on age at baseline within the trial (slope b); expected = predicted at
baseline + b x interval; attenuation = expected - observed, above zero is good, the opposite sign
of an arm delta. The published t takes b as known. b comes from a narrow age range, so its error
is large; it is common to all arms and cancels between them, but not within. The bootstrap draws
people and refits b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from brainage.errors import DesignError
from brainage.trial.analyses.record import (
    Analysis,
    AnalysisInputs,
    AnalysisResult,
    EffectRow,
    between_arms,
    within_arms,
)
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.options import TrialOptions
from brainage.trial.results.contrasts import BASELINE
from brainage.trial.results.schemas import LEVAKOV
from brainage.trial.results.tables import ResultTable

_LEVEL = 0.95


@dataclass(frozen=True)
class LevakovOutcome:
    """Attenuation by arm and visit, and between arms.

    Parameters
    ----------
    table : DataFrame
        network, arm, visit, n, attenuation_years (above zero is good) with the published t and the
        bootstrap, slope: schema `brainage.trial.results.contrasts.LEVAKOV`.
    between : DataFrame
        arm, visit, n, attenuation_years (arm minus control), bootstrap_se_years,
        bootstrap_ci_low_years, bootstrap_ci_high_years, p_value (bootstrap, two-sided).
    slope : float
        Years of predicted age per year of age, at baseline.
    """

    table: pd.DataFrame = field(repr=False)
    between: pd.DataFrame = field(repr=False)
    slope: float


def levakov_outcome(
    scans: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    arms: tuple[str, ...],
    visits: tuple[str, ...],
    baseline: str,
    n_bootstraps: int = 2000,
    seed: int = 0,
) -> LevakovOutcome:
    """Compute expected minus observed brain age.

    Parameters
    ----------
    scans : DataFrame
        One network's scans: participant_id, arm, visit, age_years, predicted_age_years.
    changes : DataFrame
        The same network's changes: participant_id, arm, visit, years, predicted_age_years,
        baseline_predicted_years.
    arms : tuple of str
        Control first.
    visits : tuple of str
        Later visits in order.
    baseline : str
        Label of the baseline visit.
    n_bootstraps : int, default=2000
        Samples of people, drawn within arm (arm sizes are fixed by design).
    seed : int, default=0
        Of the draws.

    Returns
    -------
    outcome : LevakovOutcome

    Raises
    ------
    DesignError
        Ages at baseline do not vary, or an arm has fewer than two people at a visit.

    References
    ----------
    .. [1] Levakov et al. (2023), eLife 12:e83604.

    Examples
    --------
    >>> result = examples.result()
    >>> result.levakov[["arm", "visit"]].drop_duplicates().head(2)
       arm   visit
    0  CON  1 year
    1  MIT  1 year
    """
    first = scans[scans["visit"] == baseline].reset_index(drop=True)
    age = first["age_years"].to_numpy(dtype=float)
    predicted = first["predicted_age_years"].to_numpy(dtype=float)
    if np.isnan(predicted).all():
        raise DesignError("Levakov's outcome: the scores hold no predicted ages.")
    if len(first) < 3 or np.ptp(age) < 1e-6:
        raise DesignError(
            f"Levakov's outcome: ages at baseline do not vary ({len(first)} people); "
            "the slope of predicted age on age cannot be fitted."
        )
    weights = _bootstrap_weights(first["arm"].to_numpy(), n_bootstraps, seed)
    slope = _slopes(age, predicted, np.ones((1, len(age))))[0]
    slopes = _slopes(age, predicted, weights)
    rows: list[dict] = []
    between: list[dict] = []
    network = str(first["network"].iloc[0])
    for visit in visits:
        drawn = {}
        for arm in arms:
            mine = changes[(changes["arm"] == arm) & (changes["visit"] == visit)]
            if len(mine) < 2:
                raise DesignError(
                    f"Levakov's outcome, {arm} at {visit}: expected two people at "
                    f"least with both scans, found {len(mine)}."
                )
            kept = first["participant_id"].isin(mine["participant_id"]).to_numpy()
            ordered = mine.set_index("participant_id").loc[first["participant_id"][kept]]
            start, years = ordered["baseline_predicted_years"], ordered["years"].to_numpy()
            fall = (start - ordered["predicted_age_years"]).to_numpy()
            values = fall + slope * years
            drawn[arm] = (values, _weighted(fall, years, slopes, weights[:, kept]))
            rows.append(
                {
                    "network": network,
                    "arm": arm,
                    "visit": visit,
                    **_one_sample(values),
                    **_bootstrap(drawn[arm][1]),
                    "slope": slope,
                    "slope_se": float(np.std(slopes, ddof=1)),
                    "n_bootstraps": n_bootstraps,
                }
            )
        between += _between_arms(drawn, visit)
    return LevakovOutcome(pd.DataFrame(rows), pd.DataFrame(between), float(slope))


def _between_arms(drawn: dict[str, tuple[np.ndarray, np.ndarray]], visit: str) -> list[dict]:
    """Return each arm's attenuation less control's, the first; values and their bootstrap means."""
    (_, (control, control_drawn)), *active = drawn.items()
    rows = []
    for arm, (values, own) in active:
        estimate = float(values.mean() - control.mean())
        spread = _bootstrap(own - control_drawn)
        p_value = float(2 * stats.norm.sf(abs(estimate) / spread["bootstrap_se_years"]))
        rows.append(
            {
                "arm": arm,
                "visit": visit,
                "n": len(values) + len(control),
                "attenuation_years": estimate,
                **spread,
                "p_value": p_value,
            }
        )
    return rows


def _bootstrap_weights(arm: np.ndarray, n_bootstraps: int, seed: int) -> np.ndarray:
    """Return how often each person is drawn, shape (n_bootstraps, n_people)."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((n_bootstraps, len(arm)))
    for name in dict.fromkeys(arm):
        mine = np.flatnonzero(arm == name)
        share = np.full(len(mine), 1 / len(mine))
        weights[:, mine] = rng.multinomial(len(mine), share, size=n_bootstraps)
    return weights


def _slopes(age: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1, keepdims=True)
    mean_age = weights @ age / total[:, 0]
    mean_predicted = weights @ predicted / total[:, 0]
    cross = weights @ (age * predicted) / total[:, 0] - mean_age * mean_predicted
    square = weights @ (age**2) / total[:, 0] - mean_age**2
    return cross / square


def _weighted(
    fall: np.ndarray, years: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    total = weights.sum(axis=1)
    # An arm of a few could be drawn without any of its followed-up people.
    total = np.where(total > 0, total, np.nan)
    return (weights @ fall) / total + slopes * (weights @ years) / total


def _one_sample(values: np.ndarray) -> dict:
    n = len(values)
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    statistic = mean / (sd / np.sqrt(n)) if sd > 0 else np.nan
    p_value = float(2 * stats.t.sf(abs(statistic), n - 1)) if sd > 0 else np.nan
    return {
        "n": n,
        "attenuation_years": mean,
        "sd_years": sd,
        "statistic": float(statistic),
        "df": float(n - 1),
        "p_value": p_value,
    }


def _bootstrap(drawn: np.ndarray) -> dict:
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {
        "bootstrap_se_years": float(np.std(drawn, ddof=1)),
        "bootstrap_ci_low_years": float(low),
        "bootstrap_ci_high_years": float(high),
    }


def _levakov(inputs: AnalysisInputs) -> AnalysisResult:
    """Return Levakov's attenuation with its sign turned, so that below zero is younger.

    Errors, intervals and tests are the bootstrap's, with the slope refitted.
    """
    design = inputs.design
    outcome = levakov_outcome(
        inputs.scans,
        inputs.changes,
        arms=design.arms,
        visits=design.later_visits,
        baseline=design.baseline,
        n_bootstraps=design.options.n_bootstraps,
        seed=inputs.seed,
    )
    return AnalysisResult(
        tuple(_turned(row, design.control_arm) for row in outcome.between.itertuples()),
        tuple(_turned(row, BASELINE) for row in outcome.table.itertuples()),
        tables={LEVAKOV.name: outcome.table[list(LEVAKOV.names)]},
    )


def _turned(row: Any, versus: str) -> EffectRow:
    z = -row.attenuation_years / row.bootstrap_se_years
    found = Estimate(
        estimate=-row.attenuation_years,
        se=row.bootstrap_se_years,
        df=math.nan,
        statistic=float(z),
        p_value=float(2 * stats.norm.sf(abs(z))),
        ci_low=-row.bootstrap_ci_high_years,
        ci_high=-row.bootstrap_ci_low_years,
    )
    method = "Levakov's expected minus observed, sign turned; people bootstrapped, slope refitted"
    return EffectRow(row.arm, versus, row.visit, found, int(row.n), int(row.n), method)


def _promised(options: TrialOptions) -> list[tuple[str, str, str]]:
    return [*between_arms(options), *within_arms(options)]


def _promised_table(options: TrialOptions) -> list[dict[str, str]]:
    return [
        {"table": LEVAKOV.name, "arm": arm, "visit": visit}
        for arm, _, visit in within_arms(options)
    ]


LEVAKOV_OUTCOME = Analysis(
    key="levakov",
    title=lambda _: "levakov",
    words="expected minus observed predicted age (Levakov et al. 2023), people bootstrapped",
    settings=("n_bootstraps",),
    rows=_promised,
    run=_levakov,
    tables=(
        ResultTable(
            LEVAKOV,
            "Levakov's attenuation, in its own sign: above zero is good.",
            planned_by=("arm", "visit"),
            shown="folded",
        ),
    ),
    table_rows=_promised_table,
    style="levakov2023",
)
