"""Clock-scale truth: what a frozen clock can see of a planted effect."""

from __future__ import annotations

from collections.abc import Iterator

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

NETWORK_SCALE = TableSchema(
    "clock-scale truth of every clock",
    (
        Column("network", "text", "Whose clock."),
        *CLOCK_SCALE.columns,
    ),
    key=("network", "arm", "session_id"),
)
LOCAL_SCALE = TableSchema(
    "what the planted effects do to connectivity",
    (
        Column("level", "text", "parcel, network or named region."),
        Column("region", "text", "Parcel, two networks joined by ' - ', or the region's name."),
        Column("arm", "text", "Arm."),
        Column("session_id", "text", "Session."),
        Column("n", "integer", "Scans."),
        Column("planted_z", "number", "Mean planted rise of prefrontal connectivity, Fisher z."),
        Column(
            "change_in_view_units",
            "number",
            "Mean change of the region that the effects make: same scans, same noise, with minus "
            "without.",
        ),
    ),
    key=("level", "region", "arm", "session_id"),
)

_KEY = ["participant_id", "session_id"]


def clock_scale_truth(
    scores_with: pd.DataFrame,
    scores_without: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    outcome: str = "predicted_age_years",
    network: str = WHOLE_BRAIN,
) -> pd.DataFrame:
    """Compare a frozen clock's scores of the same scans with and without the arm effect.

    Parameters
    ----------
    scores_with, scores_without : DataFrame
        participant_id, session_id and `outcome`: of the study as it is, and of its
        counterfactual. Where they have a column ``network``, only rows of `network` count.
    truth : DataFrame
        `SyntheticStudy.truth` (or the table read from ``truth.tsv``): arm, session_id,
        effect_years.
    outcome : str, default="predicted_age_years"
        Score column; for an offset correction any gap column gives the same, for a slope
        correction the corrected gap gives the truth in corrected units.
    network : str, default="whole_brain"
        Whose clock.

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
        _of_network(scores, network)[[*_KEY, outcome]] for scores in (scores_with, scores_without)
    )
    merged = with_.merge(without, on=_KEY, how="left", suffixes=("_with", "_without"))
    alone = merged[f"{outcome}_without"].isna()
    if alone.any():
        raise TableError(
            f"clock-scale truth: expected a counterfactual score of each of {len(merged)} scans, "
            f"found none of {int(alone.sum())}. Score the counterfactual study with the same clock."
        )
    merged["change"] = merged[f"{outcome}_with"] - merged[f"{outcome}_without"]
    rows = []
    for (arm, session), here in _by_arm(merged, truth):
        planted, seen = float(here["effect_years"].mean()), float(here["change"].mean())
        share = seen / planted if planted else np.nan
        rows.append((arm, session, len(here), planted, seen, share))
    return pd.DataFrame(rows, columns=list(CLOCK_SCALE.names))


def network_scale_truth(
    scores_with: pd.DataFrame, scores_without: pd.DataFrame, truth: pd.DataFrame
) -> pd.DataFrame:
    """Compare every clock's scores of the same scans with and without the arm effect.

    Parameters
    ----------
    scores_with, scores_without : DataFrame
        network, participant_id, session_id and predicted_age_years.
    truth : DataFrame
        As of `clock_scale_truth`.

    Returns
    -------
    table : DataFrame
        Schema `NETWORK_SCALE`.

    Raises
    ------
    TableError
        A scored scan without its counterfactual.

    Examples
    --------
    >>> study, clock = examples.study(), examples.clock()
    >>> without = clock.score(study.features("trial", counterfactual=True))
    >>> table = network_scale_truth(examples.scores(), without, study.truth)
    >>> set(table["network"])
    {'whole_brain'}
    """
    tables = [
        clock_scale_truth(scores_with, scores_without, truth, network=name).assign(network=name)
        for name in dict.fromkeys(scores_with["network"])
    ]
    return pd.concat(tables, ignore_index=True)[list(NETWORK_SCALE.names)]


def local_truth(
    values_with: pd.DataFrame, values_without: pd.DataFrame, truth: pd.DataFrame
) -> pd.DataFrame:
    """Return what the planted effects change in each region.

    Parameters
    ----------
    values_with, values_without : DataFrame
        Index participant_id, session_id, the same of both; columns (level, region), from
        `brainage.trial.region_values`.
    truth : DataFrame
        `SyntheticStudy.truth`: arm, session_id, regional_z.

    Returns
    -------
    table : DataFrame
        Schema `LOCAL_SCALE`: with minus without, means over the arm's scans.

    Examples
    --------
    >>> from brainage.trial import region_values
    >>> from brainage.trial.options import LocalOptions
    >>> study, options, values = examples.study(), LocalOptions(levels=["network"]), []
    >>> for without in (False, True):
    ...     table = study.features("trial", counterfactual=without)
    ...     view = table["fisher_z"]
    ...     keys = pd.MultiIndex.from_frame(table.rows[["participant_id", "session_id"]])
    ...     values.append(region_values(view.values, view.spec, options).set_index(keys))
    >>> truth = local_truth(*values, study.truth)
    >>> bool((truth.loc[truth["arm"] == "CON", "change_in_view_units"] == 0).all())
    True
    """
    change = values_with - values_without
    regions = list(change.columns)
    numbered = change.set_axis(range(len(regions)), axis="columns").reset_index()
    rows = [
        (*region, arm, session, len(here), float(here["regional_z"].mean()), float(here[k].mean()))
        for (arm, session), here in _by_arm(numbered, truth)
        for k, region in enumerate(regions)
    ]
    return pd.DataFrame(rows, columns=list(LOCAL_SCALE.names))


def _by_arm(
    scans: pd.DataFrame, truth: pd.DataFrame
) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Give the scans of each arm and session with what was planted, in order of visits."""
    columns = [*_KEY, "visit", "arm", "effect_years", "regional_z"]
    planned = truth.loc[truth["cohort"] == "trial", columns]
    merged = scans.merge(planned, on=_KEY, how="inner")
    arms = {arm: i for i, arm in enumerate(dict.fromkeys(merged["arm"]))}
    for (_, _, arm, session), here in sorted(
        merged.groupby(["visit", merged["arm"].map(arms), "arm", "session_id"]),
        key=lambda group: group[0],
    ):
        yield (arm, session), here


def _of_network(scores: pd.DataFrame, network: str) -> pd.DataFrame:
    if "network" not in scores:
        return scores
    return scores[scores["network"] == network]
