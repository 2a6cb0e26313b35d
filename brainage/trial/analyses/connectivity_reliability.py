"""Reliability of connectivity itself: edges, parcels and networks over two sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.connectivity import FeatureTable, edge_names
from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.regions import network_means, pair_edges, parcel_strengths
from brainage.trial.noise.reliability import agreement_interval


def _icc(name: str, text: str) -> Column:
    return Column(name, "number", text, nullable=True)


CONNECTIVITY_RELIABILITY = TableSchema(
    "connectivity_reliability",
    (
        Column("level", "text", "edge, parcel or network."),
        Column("region", "text", "Edge, parcel, or two networks joined by ' - '."),
        Column("n_people", "integer", "People with both sessions."),
        _icc("icc_agreement", "ICC(A,1): a shift between the sessions counts as error."),
        _icc("icc_agreement_low", "Lower end of its 95 % interval."),
        _icc("icc_agreement_high", "Upper end of its 95 % interval."),
        _icc("icc_consistency", "ICC(C,1): a shift common to all people does not."),
        _icc("icc_consistency_low", "Lower end of its 95 % interval."),
        _icc("icc_consistency_high", "Upper end of its 95 % interval."),
        _icc("sem_in_view_units", "Standard error of measurement."),
    ),
    key=("level", "region"),
)


def connectivity_reliability(
    features: FeatureTable,
    sessions: tuple[str, str],
    *,
    view: str = "fisher_z",
    level: str = "network",
) -> pd.DataFrame:
    """Return the reliability of connectivity over two sessions of the same people.

    Parameters
    ----------
    features : FeatureTable
        Scans; people without one of the two sessions are left out.
    sessions : tuple of str
        Two session ids, earlier first.
    view : str, default="fisher_z"
        A view of parcel pairs.
    level : {"network", "parcel", "edge"}, default="network"
        Means within and between networks, mean edge of a parcel, or each edge.

    Returns
    -------
    table : DataFrame
        Schema `CONNECTIVITY_RELIABILITY`; n/a where an edge was not measured in every scan.

    Raises
    ------
    DesignError
        Another level, two rows for one session, or fewer than two people with both.

    Examples
    --------
    >>> table = connectivity_reliability(examples.features("trial"), ("baseline", "1y"))
    >>> len(table)
    10
    """
    first, last = _pairs(features, sessions, view)
    spec = features[view].spec
    pair_edges(spec)
    usable = np.isfinite(first).all(axis=0) & np.isfinite(last).all(axis=0)
    if level == "edge":
        names, weights = edge_names(spec), None
    elif level in ("network", "parcel"):
        regions = (network_means if level == "network" else parcel_strengths)(spec, usable)
        names, weights = list(regions.name), regions.weights
    else:
        raise DesignError(f"reliability: level '{level}': expected network, parcel or edge.")
    first, last = (np.where(usable, each, 0.0) for each in (first, last))
    if weights is not None:
        first, last = first @ weights, last @ weights
        usable = (weights > 0).any(axis=0)
    columns = _icc_of_pairs(first, last)
    shown = {name: np.where(usable, values, np.nan) for name, values in columns.items()}
    table = pd.DataFrame({"level": level, "region": names, "n_people": len(first), **shown})
    return table[list(CONNECTIVITY_RELIABILITY.names)]


def _pairs(
    features: FeatureTable, sessions: tuple[str, str], view: str
) -> tuple[np.ndarray, np.ndarray]:
    rows = features.rows.reset_index(drop=True)
    if rows.duplicated(["participant_id", "session_id"]).any():
        raise DesignError("reliability: two or more feature rows for one session; keep one.")
    places = []
    for name in sessions:
        here = rows["session_id"].str.removeprefix("ses-") == name.removeprefix("ses-")
        places.append(pd.Series(rows.index[here], index=rows.loc[here, "participant_id"]))
    both = places[0].index.intersection(places[1].index)
    if len(both) < 2:
        raise DesignError(
            f"reliability: expected two people or more with sessions {' and '.join(sessions)}, "
            f"found {len(both)}; the table has {', '.join(sorted(set(rows['session_id'])))}."
        )
    values = features[view].values
    first, last = (np.asarray(values[place[both].to_numpy()], dtype=float) for place in places)
    return first, last


def _icc_of_pairs(first: np.ndarray, last: np.ndarray) -> dict[str, np.ndarray]:
    """Return McGraw and Wong's ICCs of two scans a person, column by column."""
    n = len(first)
    mean, half = (first + last) / 2, (last - first) / 2
    person = 2 * ((mean - mean.mean(axis=0)) ** 2).sum(axis=0) / (n - 1)
    error = 2 * ((half - half.mean(axis=0)) ** 2).sum(axis=0) / (n - 1)
    session = 2 * n * half.mean(axis=0) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = person / error
        low, high = (
            ratio / stats.f.isf(0.025, n - 1, n - 1),
            ratio * stats.f.isf(0.025, n - 1, n - 1),
        )
        agreement = (person - error) / (person + error + 2 * (session - error) / n)
        agreed = agreement_interval((person, session, error), n, 2, agreement)
        return {
            "icc_agreement": agreement,
            "icc_agreement_low": agreed[0],
            "icc_agreement_high": agreed[1],
            "icc_consistency": (ratio - 1) / (ratio + 1),
            "icc_consistency_low": (low - 1) / (low + 1),
            "icc_consistency_high": (high - 1) / (high + 1),
            "sem_in_view_units": np.sqrt(error),
        }
