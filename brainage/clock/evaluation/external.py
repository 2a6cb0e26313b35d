"""A frozen clock on people of another study: the hardest and most honest test of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.clock.model.bias import gap_slope
from brainage.clock.model.model import BrainClock
from brainage.clock.training.half_predictions import HALVES
from brainage.clock.training.metrics import accuracy, bootstrap_mean
from brainage.connectivity import FeatureTable, HalfFeatures, View
from brainage.errors import BrainAgeError
from brainage.tables import Column, TableSchema

EXTERNAL = TableSchema(
    "external_test",
    (
        Column("network", "text", "whole_brain or the network's name."),
        Column(
            "metric",
            "text",
            "MAE, RMSE, MAE_median (the reference's median age for everyone) "
            "and MAE_own_median (this cohort's) in years; r, R2; skill = 1 - MAE / MAE_median; "
            "coverage: share of ages inside their 90 % interval.",
        ),
        Column(
            "estimate", "number", "On uncorrected predictions of the frozen clock.", nullable=True
        ),
        Column("low", "number", "Lower 95 % bootstrap bound over people.", nullable=True),
        Column("high", "number", "Upper 95 % bootstrap bound over people.", nullable=True),
        Column("n_scans", "integer", "Scans."),
        Column("n_people", "integer", "People."),
    ),
    key=("network", "metric"),
)
EXTERNAL_SLOPES = TableSchema(
    "external_gap_slopes",
    (
        Column("network", "text", "whole_brain or the network's name."),
        Column("gap", "text", "raw or corrected."),
        Column("slope", "number", "Slope of the gap on age, years per year.", nullable=True),
        Column("low", "number", "Lower 95 % bound (CR3 over people).", nullable=True),
        Column("high", "number", "Upper 95 % bound (CR3 over people).", nullable=True),
        Column("n", "integer", "Scans."),
    ),
    key=("network", "gap"),
)


@dataclass(frozen=True, repr=False)
class ExternalTest:
    """How a frozen clock did on people it never saw.

    Parameters
    ----------
    metrics : DataFrame
        Schema `EXTERNAL`; every row is of uncorrected predictions.
    gap_slopes : DataFrame
        Schema `EXTERNAL_SLOPES`: what the frozen correction leaves of the gap's slope on age.
    scores : DataFrame
        Schema `brainage.tables.SCORES`.

    Examples
    --------
    >>> ba.evaluate_clock(examples.clock(), examples.features(), n_bootstrap=0).scores.shape
    (40, 17)
    """

    metrics: pd.DataFrame
    gap_slopes: pd.DataFrame
    scores: pd.DataFrame

    def __repr__(self) -> str:
        """Return cohort and accuracy in one line."""
        figures = self.metrics.set_index("metric")["estimate"]
        return (
            f"ExternalTest: {len(self.scores)} scans of "
            f"{self.scores['participant_id'].nunique()} people, MAE {figures['MAE']:.2f} years, "
            f"r {figures['r']:.2f} (uncorrected)"
        )

    def _repr_html_(self) -> str:
        """Return the metrics as a table, for notebooks."""
        return self.metrics.to_html(index=False, float_format="{:.3f}".format)


def evaluate_clock(
    clock: BrainClock, features: FeatureTable, *, n_bootstrap: int = 1000, seed: int = 0
) -> ExternalTest:
    """Test a frozen clock on an external cohort; nothing of the clock is learnt or changed.

    Parameters
    ----------
    clock : BrainClock
        Trained on other people: `check_disjoint` tells.
    features : FeatureTable
        The external cohort, made with the clock's atlas, cleaning and estimators.
    n_bootstrap : int, default=1000
        Draws over people (all scans of a person together) behind the intervals.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    test : ExternalTest

    Raises
    ------
    FeatureMismatchError
        Features of another making.
    BrainAgeError
        Ages that are missing, or fewer than two people.

    Examples
    --------
    >>> others = ba.make_study(examples.study().options, seed=9, parcels=examples.parcels())
    >>> unseen = others.features("reference")
    >>> test = ba.evaluate_clock(examples.clock(), unseen, n_bootstrap=0)
    >>> test
    ExternalTest: 40 scans of 40 people, MAE 7.85 years, r 0.90 (uncorrected)
    """
    scores = clock.score(features)
    age = scores["age_years"].to_numpy(float)
    n_people = scores["participant_id"].nunique()
    if not np.isfinite(age).all() or n_people < 2:
        raise BrainAgeError(
            f"external test: expected at least two people with an age at every scan, found "
            f"{n_people} and {np.sum(~np.isfinite(age))} scans without an age."
        )
    draws = {"n_bootstrap": n_bootstrap, "seed": seed}
    # Clocks of before this was stored have no median: then only the cohort's own is a yardstick.
    median = clock.facts["cohort"].get("median_age_years", np.nan)
    found = accuracy(scores.assign(repeat=0, median_age_years=median), **draws)
    own = accuracy(scores.assign(repeat=0, median_age_years=float(np.median(age))), **draws)
    inside = (scores["interval_low_years"] <= age) & (age <= scores["interval_high_years"])
    metrics = pd.concat(
        [
            found,
            own[own["metric"] == "MAE_median"].assign(metric="MAE_own_median"),
            bootstrap_mean(inside, scores["participant_id"], **draws).assign(metric="coverage"),
        ],
        ignore_index=True,
    ).assign(network=clock.network, n_scans=len(scores), n_people=n_people)
    slopes = pd.DataFrame(
        [
            {"network": clock.network, "gap": name}
            | gap_slope(age, scores[column], people=scores["participant_id"].to_numpy())._asdict()
            for name, column in (("raw", "gap_years"), ("corrected", "gap_corrected_years"))
        ]
    )
    return ExternalTest(metrics[list(EXTERNAL.names)], slopes[list(EXTERNAL_SLOPES.names)], scores)


def score_halves(
    clock: BrainClock,
    features: FeatureTable,
    halves: HalfFeatures,
    *,
    scans: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score whole scans and both of their halves with a frozen clock.

    Parameters
    ----------
    clock : BrainClock
        Trained on other people.
    features : FeatureTable
        Whole scans.
    halves : HalfFeatures
        Of the same scans, in the same order.
    scans : ndarray of int, optional
        Rows of `features` that `halves` are of; None: all.

    Returns
    -------
    predictions : DataFrame
        Schema `HALVES`, in the order of `features`: uncorrected, NaN where a scan could not be
        halved; nothing is planted.

    Examples
    --------
    >>> from brainage.connectivity import HalfFeatures
    >>> features, clock = examples.features(), examples.clock()
    >>> edges = np.asarray(features["fisher_z"].values)
    >>> halves = HalfFeatures({"fisher_z": edges}, {"fisher_z": edges}, pd.DataFrame())
    >>> table = ba.clock.score_halves(clock, features, halves)
    >>> bool((table["first_years"] == table["whole_years"]).all())
    True
    """
    rows, usable = features.rows, np.flatnonzero(halves.usable)
    places = usable if scans is None else scans[usable]
    table = pd.DataFrame(
        {name: rows[name].to_numpy() for name in ("participant_id", "session_id", "site")}
    )
    table["age_years"] = rows["age_years"].to_numpy(float)
    table["whole_years"] = clock.score(features)["predicted_age_years"].to_numpy(float)
    for name, side in (("first_years", halves.first), ("second_years", halves.second)):
        table[name] = np.nan
        if len(usable):
            own = {view: View(np.asarray(side[view][usable]), features[view].spec) for view in side}
            scores = clock.score(FeatureTable(own, rows.iloc[places].reset_index(drop=True)))
            table.loc[places, name] = scores["predicted_age_years"].to_numpy(float)
    return table.assign(planted_share=np.nan)[list(HALVES.names)]
