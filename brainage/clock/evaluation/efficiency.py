"""Halves of scans that a frozen clock never saw: what an external cohort says it costs a trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.clock.model.model import BrainClock
from brainage.clock.training.half_predictions import HALVES
from brainage.connectivity import FeatureTable, HalfFeatures, View


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
