"""The network-based statistic: connected sets of edges that change together by arm.

It controls the family-wise error of *components* in the weak sense: that a component is
significant says that the arms differ somewhere in it, and of no single edge that it differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from brainage.connectivity import FeatureTable
from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.tables import Column, TableSchema
from brainage.trial.analyses.edge_changes import edge_changes
from brainage.trial.analyses.redrawn import ManyResponses, redraw_labels
from brainage.trial.analyses.regions import pair_edges
from brainage.trial.design.join import TrialDesign
from brainage.trial.results.schemas import empty_table

WEAK_CONTROL = "component level, weak control: no single edge is claimed"

COMPONENTS = TableSchema(
    "edge_components",
    (
        Column("component", "integer", "Number of the component, largest first."),
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("direction", "text", "'rises' or 'falls' in the arm against control."),
        Column("n_edges", "integer", "Edges above the threshold that hang together."),
        Column("n_parcels", "integer", "Parcels they join."),
        Column("threshold_t", "number", "Least |t| of an edge."),
        Column(
            "p_value",
            "number",
            "Family-wise over components: (b + 1) / (m + 1).",
            low=0,
            high=1,
        ),
        Column("n", "integer", "Participants of both arms with both scans."),
        Column("parcels", "text", "Parcels joined."),
        Column("reads", "text", "What may be said of it."),
    ),
    key=("component", "arm", "visit"),
)


@dataclass(frozen=True, repr=False)
class NetworkBased(Shown):
    """Components of edges and how large they grow by chance.

    Parameters
    ----------
    components : DataFrame
        Schema `COMPONENTS`; no rows where no edge passes the threshold.
    largest : ndarray of int of shape (n_draws,)
        Edges of the largest component of each redrawn allocation.
    statistics : ndarray of shape (n_edges,)
        t of each edge, for drawing; not for claiming.
    notes : tuple of str
        Who and what was left out.

    Examples
    --------
    >>> found = network_based_statistic(
    ...     examples.features("trial"), examples.design(), threshold_t=2.0, n_draws=19
    ... )
    >>> found.largest.shape
    (19,)
    """

    components: pd.DataFrame
    largest: np.ndarray
    statistics: np.ndarray
    notes: tuple[str, ...]


def network_based_statistic(
    features: FeatureTable,
    design: TrialDesign,
    *,
    view: str = "fisher_z",
    arm: str | None = None,
    visit: str | None = None,
    threshold_t: float = 3.1,
    n_draws: int = 999,
    seed: int = 0,
) -> NetworkBased:
    """Find connected components of edges that change by arm.

    Parameters
    ----------
    features : FeatureTable
        Of the trial.
    design : TrialDesign
        Arms, visits, covariates, allocation scheme.
    view : str, default="fisher_z"
        Connectivity view of parcel pairs.
    arm, visit : str or None, default=None
        None: of the primary contrast.
    threshold_t : float, default=3.1
        Least |t| of an edge that may join a component; edges that rise and edges that fall are
        kept apart.
    n_draws : int, default=999
        Allocations redrawn.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    found : NetworkBased

    Raises
    ------
    DesignError
        As `local_changes`.

    References
    ----------
    .. [1] Zalesky, Fornito & Bullmore (2010), NeuroImage 53:1197-1207.

    Examples
    --------
    >>> found = network_based_statistic(
    ...     examples.features("trial"), examples.design(), threshold_t=2.0, n_draws=19
    ... )
    >>> len(found.largest), found.statistics.shape
    (19, (276,))
    """
    arm, visit = arm or design.primary_arm, visit or design.primary_visit
    if arm not in design.active_arms:
        raise DesignError(
            f"network-based statistic: expected an arm of {', '.join(design.active_arms)}, found "
            f"'{arm}'."
        )
    changes = edge_changes(features, design, view=view, visit=visit)
    people = changes.people["participant_id"].to_numpy()
    redraw = redraw_labels(design, people, arm=arm, n_draws=n_draws, seed=seed)
    used = np.flatnonzero(changes.usable)
    row, column = pair_edges(changes.spec)
    ends = (row[used], column[used])
    many = ManyResponses.prepare(
        changes.change[:, used],
        changes.fixed_columns(redraw.fixed_arms),
        own_baseline=changes.baseline[:, used],
        single=True,
    )
    observed = many.studentised(redraw.observed)[0]
    largest = np.concatenate(
        [largest_components(many.studentised(b), ends, threshold_t) for b in redraw.batches]
    )
    rows = [
        {
            "arm": arm,
            "versus": design.control_arm,
            "visit": visit,
            "threshold_t": threshold_t,
            "n": changes.count(arm, design.control_arm),
            "reads": WEAK_CONTROL,
            **found,
        }
        for found in _components(observed, largest, ends, threshold_t, changes.spec.parcel_names)
    ]
    table = (
        pd.DataFrame(rows).assign(component=np.arange(1, len(rows) + 1))[list(COMPONENTS.names)]
        if rows
        else empty_table(COMPONENTS)
    )
    statistics = np.full(len(changes.usable), np.nan)
    statistics[used] = observed
    return NetworkBased(table, largest, statistics, changes.notes)


def _components(
    observed: np.ndarray,
    largest: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    threshold_t: float,
    parcel_names: tuple[str, ...],
) -> list[dict]:
    """Return size, parcels and p of each component of edges that rise or fall, largest first."""
    found = []
    for direction, sign in (("rises", 1.0), ("falls", -1.0)):
        for edges in components_of(sign * observed, ends, threshold_t):
            joined = np.unique(np.concatenate([ends[0][edges], ends[1][edges]]))
            reached = int((largest >= len(edges)).sum())
            found.append(
                {
                    "direction": direction,
                    "n_edges": len(edges),
                    "n_parcels": len(joined),
                    "p_value": (reached + 1) / (len(largest) + 1),
                    "parcels": ", ".join(parcel_names[k] for k in joined),
                }
            )
    return sorted(found, key=lambda each: -each["n_edges"])


def largest_components(
    statistics: np.ndarray, ends: tuple[np.ndarray, np.ndarray], limit: float
) -> np.ndarray:
    """Return the number of edges of the largest component of each draw, rising or falling.

    Parameters
    ----------
    statistics : ndarray of shape (n_draws, n_edges)
        t of each edge.
    ends : tuple of ndarray of int of shape (n_edges,)
        Its two parcels.
    limit : float
        Least |t|.

    Returns
    -------
    sizes : ndarray of int of shape (n_draws,)
        0 where no edge passes.
    """
    sizes = np.zeros(len(statistics), dtype=int)
    n_parcels = int(max(ends[0].max(), ends[1].max())) + 1
    for above in (statistics > limit, statistics < -limit):
        draw, edge = np.nonzero(above)
        if not len(draw):
            continue
        # One graph of all draws, each with parcels of its own: a single search.
        first, second = (draw * n_parcels + end[edge] for end in ends)
        n = len(statistics) * n_parcels
        graph = coo_array((np.ones(len(draw)), (first, second)), shape=(n, n))
        part = connected_components(graph, directed=False)[1][first]
        edges_of = np.bincount(part)
        np.maximum.at(sizes, draw, edges_of[part])
    return sizes


def components_of(
    statistics: np.ndarray, ends: tuple[np.ndarray, np.ndarray], limit: float
) -> list[np.ndarray]:
    """Return the edges above the limit, one array for each set that hangs together."""
    above = np.flatnonzero(statistics > limit)
    if not len(above):
        return []
    first, second = ends[0][above], ends[1][above]
    size = int(max(first.max(), second.max())) + 1
    graph = coo_array((np.ones(len(above)), (first, second)), shape=(size, size))
    part = connected_components(graph, directed=False)[1][first]
    return [above[part == each] for each in np.unique(part)]
