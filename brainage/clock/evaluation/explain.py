"""What a whole-brain clock looks at: patterns and weights by edge, parcel and network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock.evaluation.patterns import (
    fold_stability,
    haufe_pattern,
    network_means,
    parcel_means,
    stability_table,
)
from brainage.clock.model.model import BrainClock
from brainage.clock.regressors.age_scale import to_years
from brainage.clock.regressors.frozen import LinearRegression
from brainage.connectivity import FeatureTable, ViewSpec, edge_indices
from brainage.errors import BrainAgeError
from brainage.tables import WHOLE_BRAIN, Column, TableSchema, write_table

#: Scans held in float64 at once.
_ROWS = 256
_VIEW = Column("view", "text", "Kind of connectivity.")
_MEANS = (
    Column("n_edges", "integer", "Edges averaged."),
    Column(
        "pattern",
        "number",
        "Mean change of the edges per year of predicted age; positive: "
        "stronger in scans that look older.",
        "edge units per year",
    ),
    Column(
        "pattern_absolute",
        "number",
        "Mean of its absolute value over the edges.",
        "edge units per year",
    ),
    Column(
        "sign_consistency",
        "number",
        "Share of the fold models whose pattern here has the commoner sign.",
        nullable=True,
    ),
)
EDGES = TableSchema(
    "edges",
    (
        _VIEW,
        Column("parcel", "text", "One end; in 'lagged' the one that leads."),
        Column("other_parcel", "text", "The other end; the same parcel on a diagonal."),
        Column(
            "pattern",
            "number",
            "Change of the edge per year of predicted age; positive: "
            "stronger in scans that look older.",
            "edge units per year",
        ),
        Column(
            "pattern_sign_consistency",
            "number",
            "Share of the fold models with the commoner sign of the pattern.",
            nullable=True,
        ),
        Column(
            "weight",
            "number",
            "Of the final clock, on its age scale; no measure of importance.",
            nullable=True,
        ),
        Column(
            "weight_sign_consistency",
            "number",
            "Share of the fold models with the commoner sign of the weight.",
            nullable=True,
        ),
    ),
    key=("view", "parcel", "other_parcel"),
)
PARCELS = TableSchema(
    "parcels",
    (
        _VIEW,
        Column("parcel", "text", "Parcel."),
        Column("network", "text", "Its network.", nullable=True),
        *_MEANS,
    ),
    key=("view", "parcel"),
)
NETWORKS = TableSchema(
    "networks",
    (
        _VIEW,
        Column("network", "text", "Network."),
        Column("other_network", "text", "The other one; the same: edges within it."),
        *_MEANS,
    ),
    key=("view", "network", "other_network"),
)
STABILITY = TableSchema(
    "stability",
    (
        _VIEW,
        Column("of", "text", "'weights' or 'pattern' of the fold models."),
        Column("level", "text", "edge, parcel (mean of its edges) or network (pair)."),
        Column("n_values", "integer", "Values compared."),
        Column("mean_correlation", "number", "Over pairs of folds."),
        Column("lowest_correlation", "number", "Of the least alike pair of folds."),
        Column("mean_sign_consistency", "number", "Share of folds with the commoner sign."),
    ),
    key=("view", "of", "level"),
)


@dataclass(frozen=True, repr=False)
class Explanation:
    """Patterns of a clock and how steady they are over folds.

    Parameters
    ----------
    patterns : dict of str to ndarray of shape (n_features,)
        View -> change of each edge per year of predicted age.
    edges, parcels, networks, stability : DataFrame
        Schemas `EDGES`, `PARCELS`, `NETWORKS`, `STABILITY`. Stability has no rows, and the tables
        no sign consistency, where the clock keeps no fold models (kernel clocks, harmonisation).

    Examples
    --------
    >>> explanation = ba.explain_clock(examples.clock(), examples.features())
    >>> explanation
    Explanation: patterns of fisher_z (276 edges); 24 rows of parcels
    """

    patterns: dict[str, np.ndarray]
    edges: pd.DataFrame
    parcels: pd.DataFrame
    networks: pd.DataFrame
    stability: pd.DataFrame

    def __repr__(self) -> str:
        """Return views and sizes in one line."""
        sizes = ", ".join(f"{kind} ({len(one)} edges)" for kind, one in self.patterns.items())
        return f"Explanation: patterns of {sizes}; {len(self.parcels)} rows of parcels"

    def _repr_html_(self) -> str:
        """Return the mean pattern of each network as a table, for notebooks."""
        return self.networks.to_html(index=False, float_format="{:.4f}".format, max_rows=30)

    def save(self, folder: str | Path) -> None:
        """Write ``patterns_{edges,parcels,networks,stability}.tsv``."""
        for name, schema in (
            ("edges", EDGES),
            ("parcels", PARCELS),
            ("networks", NETWORKS),
            ("stability", STABILITY),
        ):
            write_table(getattr(self, name), Path(folder) / f"patterns_{name}.tsv", schema)


def explain_clock(clock: BrainClock, reference: FeatureTable) -> Explanation:
    """Compute Haufe patterns of a clock over its reference cohort.

    Parameters
    ----------
    clock : BrainClock
        Of the whole brain.
    reference : FeatureTable
        The features it was trained on.

    Returns
    -------
    explanation : Explanation

    Raises
    ------
    BrainAgeError
        A network's clock: its edges are one network's by construction.

    Examples
    --------
    >>> explanation = ba.explain_clock(examples.clock(), examples.features())
    >>> explanation.networks[["n_edges", "pattern"]].head(2).round(4).shape
    (2, 2)
    """
    if clock.network != WHOLE_BRAIN:
        raise BrainAgeError(
            f"patterns: expected the whole-brain clock, found that of network {clock.network}."
        )
    views = [
        values
        if preparation.learns_nothing
        else preparation.transform(np.asarray(values), reference.rows)
        for values, preparation in zip(clock.blocks(reference), clock.preparations, strict=True)
    ]
    stops = np.cumsum([spec.n_features for spec in clock.specs])[:-1]
    final, folds = _predictions(clock, reference, views, stops)
    fold_weights = np.split(clock.fold_weights, stops, axis=1) if len(folds) else None
    regression = clock.regression
    weights = None
    if isinstance(regression, LinearRegression):
        weights = np.split(regression.weights, stops)
    patterns: dict[str, np.ndarray] = {}
    edges: list[pd.DataFrame] = []
    parcels: list[pd.DataFrame] = []
    networks: list[pd.DataFrame] = []
    stability: list[pd.DataFrame] = []
    for i, (values, spec) in enumerate(zip(views, clock.specs, strict=True)):
        pattern = patterns[spec.kind] = haufe_pattern(values, final)
        of_folds = haufe_pattern(values, folds.T) if fold_weights is not None else None
        for rows, means in ((parcels, parcel_means), (networks, network_means)):
            rows.append(_mean_rows(pattern, of_folds, spec, means))
        edges.append(
            _edge_rows(
                spec,
                pattern,
                of_folds,
                None if weights is None else weights[i],
                None if fold_weights is None else fold_weights[i],
            )
        )
        if fold_weights is not None and of_folds is not None:
            both = {"weights": fold_weights[i], "pattern": of_folds}
            stability += [
                stability_table(vectors, spec).assign(view=spec.kind, of=of)
                for of, vectors in both.items()
            ]
    tables = [
        _table(rows, schema)
        for rows, schema in (
            (edges, EDGES),
            (parcels, PARCELS),
            (networks, NETWORKS),
            (stability, STABILITY),
        )
    ]
    return Explanation(patterns, *tables)


def _mean_rows(
    pattern: np.ndarray,
    of_folds: np.ndarray | None,
    spec: ViewSpec,
    means: Callable[[np.ndarray, ViewSpec], pd.DataFrame],
) -> pd.DataFrame:
    """Return a view's rows of parcels or networks, with how steady each mean's sign is."""
    table = means(pattern, spec).rename(
        columns={"mean": "pattern", "mean_absolute": "pattern_absolute"}
    )
    steady: float | np.ndarray = np.nan
    if of_folds is not None and len(table):
        steady = fold_stability(
            np.array([means(one, spec)["mean"] for one in of_folds])
        ).sign_consistency
    return table.assign(view=spec.kind, sign_consistency=steady)


def _edge_rows(
    spec: ViewSpec,
    pattern: np.ndarray,
    of_folds: np.ndarray | None,
    weights: np.ndarray | None,
    fold_weights: np.ndarray | None,
) -> pd.DataFrame:
    names = np.array(spec.parcel_names, dtype=object)
    first, second = edge_indices(spec)

    def steady(vectors: np.ndarray | None) -> float | np.ndarray:
        return np.nan if vectors is None else fold_stability(vectors).sign_consistency

    return pd.DataFrame(
        {
            "view": spec.kind,
            "parcel": names[first],
            "other_parcel": names[second],
            "pattern": pattern,
            "pattern_sign_consistency": steady(of_folds),
            "weight": np.nan if weights is None else weights,
            "weight_sign_consistency": steady(fold_weights),
        }
    )


def _table(rows: list[pd.DataFrame], schema: TableSchema) -> pd.DataFrame:
    empty = pd.DataFrame(columns=list(schema.names))
    table = pd.concat(rows, ignore_index=True)[list(schema.names)] if rows else empty
    # A table without rows (an atlas that names no networks) has no numbers to tell its kinds by.
    kinds = {"number": "float64", "integer": "int64"}
    return table.astype({c.name: kinds[c.kind] for c in schema.columns if c.kind in kinds})


def _predictions(
    clock: BrainClock, reference: FeatureTable, views: list[np.ndarray], stops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of the final clock (n_scans,) and of its fold models (K, n_scans)."""
    if not isinstance(clock.regression, LinearRegression):
        rows = zip(*views, strict=True)
        final = np.array([clock.regression.predict_one(np.concatenate(row)) for row in rows])
        return final, np.empty((0, len(final)))
    weights = np.vstack([clock.regression.weights, *clock.fold_weights])
    intercepts = np.array([clock.regression.intercept, *clock.fold_intercepts])
    if not clock.fold_preparations:
        sums = _sums(weights, views, stops)
    else:
        # Each fold model has its own tangent space or filling.
        sums = _sums(weights[:1], views, stops)
        for own, steps in zip(clock.fold_weights, clock.fold_preparations, strict=True):
            pairs = zip(clock.blocks(reference), steps, strict=True)
            prepared = [step.transform(np.asarray(v), reference.rows) for v, step in pairs]
            sums = np.vstack([sums, _sums(own[None], prepared, stops)])
    sums += intercepts[:, None]
    scales = [clock.regression.age_scale, *clock.fold_scales]
    years = np.array([to_years(row, scale) for row, scale in zip(sums, scales, strict=True)])
    return years[0], years[1:]


def _sums(weights: np.ndarray, views: list, stops: np.ndarray) -> np.ndarray:
    """Return ``weights @ views.T``, (n_models, n_scans), a block of scans at a time."""
    blocks = np.split(weights, stops, axis=1)
    sums = np.zeros((len(weights), len(views[0])))
    for start in range(0, len(views[0]), _ROWS):
        rows = slice(start, start + _ROWS)
        for block, values in zip(blocks, views, strict=True):
            sums[:, rows] += block @ np.asarray(values[rows], dtype=np.float64).T
    return sums
