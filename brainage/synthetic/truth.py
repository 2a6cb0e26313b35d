"""Clock-scale truth: what a frozen clock can see of a planted effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables import WHOLE_BRAIN, Column, TableSchema

CLOCK_SCALE = TableSchema(
    "clock-scale truth",
    (
        Column("arm", "text", "Arm."),
        Column("session_id", "text", "Session."),
        Column("n", "integer", "Scans."),
        Column("planted_years", "number", "Mean planted effect, latent years.", "years"),
        Column(
            "clock_scale_years",
            "number",
            "Mean change of the prediction that the effect "
            "makes: same scans, same noise, with minus without.",
            "years",
        ),
        Column(
            "share",
            "number",
            "clock_scale_years / planted_years; n/a where nothing was planted.",
            nullable=True,
        ),
    ),
    key=("arm", "session_id"),
)

_KEY = ["participant_id", "session_id"]


def clock_scale_truth(
    scores_with: pd.DataFrame,
    scores_without: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    outcome: str = "predicted_age_years",
) -> pd.DataFrame:
    """Compare a frozen clock's scores of the same scans with and without the arm effect.

    Parameters
    ----------
    scores_with, scores_without : DataFrame
        participant_id, session_id and `outcome`: of the study as it is, and of its
        counterfactual. Where they have a column ``network``, only "whole_brain" rows count.
    truth : DataFrame
        `SyntheticStudy.truth` (or the table read from ``truth.tsv``): arm, session_id,
        effect_years.
    outcome : str, default="predicted_age_years"
        Score column; for an offset correction any gap column gives the same, for a slope
        correction the corrected gap gives the truth in corrected units.

    Returns
    -------
    table : DataFrame
        Schema `CLOCK_SCALE`, one row an arm and session; negative: younger-looking.

    Raises
    ------
    TableError
        A scored scan without its counterfactual.

    Examples
    --------
    >>> study, clock = examples.study(), examples.clock()
    >>> without = clock.score(study.features("trial", counterfactual=True))
    >>> table = clock_scale_truth(examples.scores(), without, study.truth)
    >>> table[["arm", "session_id", "planted_years"]].tail(2).round(1)
       arm session_id  planted_years
    7  HRT         2y           -6.9
    8  MIT         2y           -4.2
    """
    with_, without = (
        _whole_brain(scores)[[*_KEY, outcome]] for scores in (scores_with, scores_without)
    )
    merged = with_.merge(without, on=_KEY, how="left", suffixes=("_with", "_without"))
    alone = merged[f"{outcome}_without"].isna()
    if alone.any():
        raise TableError(
            f"clock-scale truth: expected a counterfactual score of each of {len(merged)} scans, "
            f"found none of {int(alone.sum())}. Score the counterfactual study with the same clock."
        )
    merged["change"] = merged[f"{outcome}_with"] - merged[f"{outcome}_without"]
    planned = truth.loc[truth["cohort"] == "trial", [*_KEY, "visit", "arm", "effect_years"]]
    merged = merged.merge(planned, on=_KEY, how="inner")
    arms = {arm: i for i, arm in enumerate(dict.fromkeys(merged["arm"]))}
    rows = []
    for (_, _, arm, session), here in sorted(
        merged.groupby(["visit", merged["arm"].map(arms), "arm", "session_id"])
    ):
        planted, seen = float(here["effect_years"].mean()), float(here["change"].mean())
        share = seen / planted if planted else np.nan
        rows.append((arm, session, len(here), planted, seen, share))
    return pd.DataFrame(rows, columns=list(CLOCK_SCALE.names))


def _whole_brain(scores: pd.DataFrame) -> pd.DataFrame:
    if "network" not in scores:
        return scores
    return scores[scores["network"] == WHOLE_BRAIN]
