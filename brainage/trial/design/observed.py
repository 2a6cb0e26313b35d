"""Observed scores by arm and visit: what a figure shows beside the model's estimates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.tables import WHOLE_BRAIN
from brainage.trial.options import TrialOptions


def scans_by_arm(
    scores: pd.DataFrame, allocation: pd.DataFrame, options: TrialOptions
) -> pd.DataFrame:
    """Return the scored scans of planned visits with arm, visit and the gap that is analysed.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`.
    allocation : DataFrame
        participant_id, arm and what else was known before randomisation.
    options : TrialOptions
        Arms, visits and outcome.

    Returns
    -------
    scans : DataFrame
        The whole-brain clock's rows (of the first network where there is none), each with arm and
        visit; ``gap`` is the outcome, years.

    Examples
    --------
    >>> design = examples.design()
    >>> scans = scans_by_arm(examples.scores(), design.allocation, design.options)
    >>> scans[["participant_id", "arm", "visit"]].head(2)
      participant_id  arm     visit
    0           T001  CON  baseline
    1           T001  CON    1 year
    """
    networks = list(dict.fromkeys(scores["network"])) if "network" in scores else []
    own = scores
    if networks:
        first = WHOLE_BRAIN if WHOLE_BRAIN in networks else networks[0]
        own = scores[scores["network"] == first]
    labels = {visit.session_id: visit.label for visit in options.visits}
    own = own.assign(
        participant_id=own["participant_id"].str.removeprefix("sub-"),
        visit=own["session_id"].str.removeprefix("ses-").map(labels),
    )
    own = own[own["visit"].notna()].drop(columns=["arm"], errors="ignore")
    known = [name for name in allocation if name == "participant_id" or name not in own]
    scans = own.merge(allocation[known], on="participant_id", how="inner")
    order = {arm: i for i, arm in enumerate(options.arms)}
    return (
        scans.assign(gap=scans[options.outcome], _order=scans["arm"].map(order))
        .sort_values("_order", kind="stable")
        .drop(columns="_order")
        .reset_index(drop=True)
    )


def gap_means(scans: pd.DataFrame, options: TrialOptions) -> pd.DataFrame:
    """Return the mean gap of each arm at each visit with its 95 % t interval, observed scores.

    Examples
    --------
    >>> design = examples.design()
    >>> scans = scans_by_arm(examples.scores(), design.allocation, design.options)
    >>> gap_means(scans, design.options)[["arm", "visit", "n"]].head(3)
       arm     visit  n
    0  CON  baseline  8
    1  CON    1 year  6
    2  CON   2 years  7
    """
    rows = []
    for arm in options.arms:
        for visit in options.visits:
            here = scans.loc[(scans["arm"] == arm) & (scans["visit"] == visit.label), "gap"]
            gaps = here.dropna().to_numpy(float)
            if not len(gaps):
                continue
            half = np.nan
            if len(gaps) > 1:
                half = stats.t.ppf(0.975, len(gaps) - 1) * stats.sem(gaps)
            rows.append(
                {
                    "arm": arm,
                    "visit": visit.label,
                    "n": len(gaps),
                    "mean_years": gaps.mean(),
                    "low_years": gaps.mean() - half,
                    "high_years": gaps.mean() + half,
                }
            )
    columns = ["arm", "visit", "n", "mean_years", "low_years", "high_years"]
    return pd.DataFrame(rows, columns=columns)
