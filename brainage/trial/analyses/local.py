"""Where connectivity changes by arm: parcels, and networks within and between.

A first form: change from baseline to one visit, arm against control, Welch's t per region, with
Benjamini-Hochberg and a max-t permutation of the two arms' labels.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from brainage.connectivity import FeatureTable, View, edge_indices
from brainage.errors import DesignError
from brainage.tables import Column, TableSchema
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.multiplicity import benjamini_hochberg

LOCAL = TableSchema(
    "local",
    (
        Column("level", "text", "parcel or network."),
        Column("region", "text", "Parcel, or two networks joined by ' - '."),
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("n", "integer", "Participants of both arms."),
        Column(
            "change_in_view_units",
            "number",
            "Mean change of the arm (mean edge of the region, in the view's unit: Fisher z or r).",
        ),
        Column("difference_in_view_units", "number", "The arm's mean change minus control's."),
        Column("se_in_view_units", "number", "Standard error of the difference."),
        Column("statistic", "number", "Welch's t."),
        Column("df", "number", "Welch's degrees of freedom."),
        Column("p_value", "number", "Two-sided.", low=0, high=1),
        Column("p_fdr", "number", "Benjamini-Hochberg over regions.", low=0, high=1),
        Column(
            "p_max_t",
            "number",
            "Permutation, family-wise over regions: (b + 1) / (m + 1).",
            low=0,
            high=1,
        ),
    ),
    key=("region",),
)


def local_changes(
    features: FeatureTable,
    design: TrialDesign,
    *,
    view: str = "fisher_z",
    level: Literal["network", "parcel"] = "network",
    arm: str | None = None,
    visit: str | None = None,
    n_permutations: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare the change of connectivity between an arm and control, region by region.

    Parameters
    ----------
    features : FeatureTable
        Of the trial.
    design : TrialDesign
        Arms and visits.
    view : str, default="fisher_z"
        Connectivity view.
    level : {"network", "parcel"}, default="network"
        Mean edge within or between networks, or mean edge of a parcel with all others.
    arm : str or None, default=None
        None: the arm of the primary contrast.
    visit : str or None, default=None
        None: the primary visit.
    n_permutations : int, default=999
        Of the two arms' labels.
    seed : int, default=0
        Of the permutations.

    Returns
    -------
    table : DataFrame
        Schema `LOCAL`.

    Raises
    ------
    DesignError
        Unknown arm or visit, fewer than two people an arm, a view with an edge layout other than
        parcel by parcel without diagonal, or two rows for one session.
    """
    arm, visit = arm or design.primary_arm, visit or design.primary_visit
    if arm not in design.active_arms or visit not in design.later_visits:
        raise DesignError(
            f"local changes: expected an arm of {', '.join(design.active_arms)} and "
            f"a visit of {', '.join(design.later_visits)}, found '{arm}' and "
            f"'{visit}'."
        )
    if level not in ("network", "parcel"):
        raise DesignError(f"local changes: level '{level}': expected network or parcel.")
    regions, membership = _regions(features[view], level)
    change, active = _changes(features, design, view=view, arm=arm, visit=visit)
    values = change @ membership
    difference, se, df = _welch(values, active[None])
    statistic = difference[0] / se[0]
    p_value = 2 * stats.t.sf(np.abs(statistic), df[0])
    return pd.DataFrame(
        {
            "level": level,
            "region": regions,
            "arm": arm,
            "versus": design.control_arm,
            "visit": visit,
            "n": len(values),
            "change_in_view_units": values[active].mean(axis=0),
            "difference_in_view_units": difference[0],
            "se_in_view_units": se[0],
            "statistic": statistic,
            "df": df[0],
            "p_value": p_value,
            "p_fdr": benjamini_hochberg(p_value),
            "p_max_t": _max_t(values, active, np.abs(statistic), (n_permutations, seed)),
        }
    )[list(LOCAL.names)]


def _changes(features: FeatureTable, design: TrialDesign, *, view: str, arm: str, visit: str):
    """Return each person's change of every edge, and who is in the active arm."""
    sessions = {v.label: v.session_id for v in design.visits}
    rows = features.rows.reset_index(drop=True)
    if rows.duplicated(["participant_id", "session_id"]).any():
        raise DesignError("local changes: two or more feature rows for one session; keep one.")
    place = {}
    for label in (design.baseline, visit):
        here = rows[rows["session_id"] == sessions[label]]
        place[label] = pd.Series(here.index, index=here["participant_id"])
    people = design.allocation[design.allocation["arm"].isin([arm, design.control_arm])]
    both = set(place[design.baseline].index) & set(place[visit].index)
    people = people[people["participant_id"].isin(both)]
    active = (people["arm"] == arm).to_numpy()
    if min(active.sum(), (~active).sum()) < 2:
        raise DesignError(
            f"local changes, {visit}: expected two people an arm with both scans, "
            f"found {int(active.sum())} of {arm} and {int((~active).sum())} of "
            f"{design.control_arm}."
        )
    values = features[view].values
    ids = people["participant_id"].to_numpy()
    last = np.asarray(values[place[visit][ids].to_numpy()], dtype=float)
    first = np.asarray(values[place[design.baseline][ids].to_numpy()], dtype=float)
    return last - first, active


def _regions(view: View, level: str) -> tuple[list[str], np.ndarray]:
    """Return region names and the matrix (n_edges, n_regions) that averages edges."""
    row, column = edge_indices(view.spec)
    if (row == column).any() or view.spec.n_features != len(row):
        raise DesignError(
            "local changes: expected a view of parcel pairs without a diagonal "
            f"(fisher_z, pearson), found layout '{view.spec.layout}'."
        )
    if level == "parcel":
        names = list(view.spec.parcel_names)
        weights = np.zeros((len(row), len(names)))
        edges = np.arange(len(row))
        weights[edges, row] = weights[edges, column] = 1.0
    else:
        network = np.asarray(view.spec.networks)
        pairs = zip(network[row], network[column], strict=True)
        labels = np.array([" - ".join(sorted(pair)) for pair in pairs])
        names = sorted(set(labels))
        weights = (labels[:, None] == np.array(names)[None]).astype(float)
    return names, weights / weights.sum(axis=0)


def _welch(values: np.ndarray, active: np.ndarray):
    """Return difference, standard error and df for each labelling (n_draws, n_people)."""
    label = active.astype(float)
    square = values**2
    moments = []
    for mine in (label, 1 - label):
        n = mine.sum(axis=1, keepdims=True)
        mean = mine @ values / n
        moments.append((mean, (mine @ square - n * mean**2) / (n - 1) / n, n))
    (mean_a, va, na), (mean_b, vb, nb) = moments
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (va + vb) ** 2 / (va**2 / (na - 1) + vb**2 / (nb - 1))
    return mean_a - mean_b, np.sqrt(va + vb), df


def _max_t(values: np.ndarray, active: np.ndarray, observed: np.ndarray, draws) -> np.ndarray:
    n_permutations, seed = draws
    rng = np.random.default_rng(seed)
    extreme = np.zeros(len(observed))
    for first in range(0, n_permutations, 100):
        size = min(100, n_permutations - first)
        labels = rng.permuted(np.tile(active, (size, 1)), axis=1)
        difference, se, _ = _welch(values, labels)
        largest = np.nanmax(np.abs(difference / se), axis=1)
        extreme += (largest[:, None] >= observed[None] * (1 - 1e-12)).sum(axis=0)
    return (extreme + 1) / (n_permutations + 1)
