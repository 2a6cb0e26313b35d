"""What a whole-brain clock looks at: patterns and weights by edge, parcel and network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock.age_scale import to_years
from brainage.clock.model import WHOLE_BRAIN, BrainClock
from brainage.clock.patterns import haufe_pattern, network_means, parcel_means, stability_table
from brainage.clock.regression import LinearRegression
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError
from brainage.tables import Column, TableSchema, write_table

#: Scans held in float64 at once.
_ROWS = 256
_VIEW = Column("view", "text", "Kind of connectivity.")
_MEANS = (
    Column("n_edges", "integer", "Edges averaged."),
    Column("pattern", "number", "Mean change of the edges per year of predicted age; positive: "
           "stronger in scans that look older.", "edge units per year"),
    Column("pattern_absolute", "number", "Mean of its absolute value over the edges.",
           "edge units per year"),
)  # fmt: skip
PARCELS = TableSchema(
    "parcels",
    (_VIEW, Column("parcel", "text", "Parcel."),
     Column("network", "text", "Its network.", nullable=True), *_MEANS),
    key=("view", "parcel"),
)  # fmt: skip
NETWORKS = TableSchema(
    "networks",
    (_VIEW, Column("network", "text", "Network."),
     Column("other_network", "text", "The other one; the same: edges within it."), *_MEANS),
    key=("view", "network", "other_network"),
)  # fmt: skip
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


@dataclass(frozen=True)
class Explanation:
    """Patterns of a clock and how steady they are over folds.

    Parameters
    ----------
    patterns : dict of str to ndarray of shape (n_features,)
        View -> change of each edge per year of predicted age.
    parcels, networks, stability : DataFrame
        Schemas `PARCELS`, `NETWORKS`, `STABILITY`. Stability has no rows where the clock keeps no
        fold models (kernel clocks, learnt preparations).
    """

    patterns: dict[str, np.ndarray]
    parcels: pd.DataFrame
    networks: pd.DataFrame
    stability: pd.DataFrame

    def save(self, folder: str | Path) -> None:
        """Write ``patterns_{parcels,networks,stability}.tsv``."""
        for name, schema in (("parcels", PARCELS), ("networks", NETWORKS),
                             ("stability", STABILITY)):  # fmt: skip
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
    """
    if clock.network != WHOLE_BRAIN:
        raise BrainAgeError(f"patterns: expected the whole-brain clock, found that of network "
                            f"{clock.network}.")  # fmt: skip
    views = [
        values if preparation.learns_nothing
        else preparation.transform(np.asarray(values), reference.rows)
        for values, preparation in zip(clock.blocks(reference), clock.preparations, strict=True)
    ]  # fmt: skip
    stops = np.cumsum([spec.n_features for spec in clock.specs])[:-1]
    final, folds = _predictions(clock, views, stops)
    patterns, parcels, networks, stability = {}, [], [], []
    fold_weights = np.split(clock.fold_weights, stops, axis=1) if len(folds) else None
    for i, (values, spec) in enumerate(zip(views, clock.specs, strict=True)):
        pattern = patterns[spec.kind] = haufe_pattern(values, final)
        for rows, means in ((parcels, parcel_means), (networks, network_means)):
            table = means(pattern, spec).rename(
                columns={"mean": "pattern", "mean_absolute": "pattern_absolute"}
            )
            rows.append(table.assign(view=spec.kind))
        if fold_weights is not None:
            both = {"weights": fold_weights[i], "pattern": haufe_pattern(values, folds.T)}
            stability += [stability_table(vectors, spec).assign(view=spec.kind, of=of)
                          for of, vectors in both.items()]  # fmt: skip
    tables = [_table(rows, schema) for rows, schema in
              ((parcels, PARCELS), (networks, NETWORKS), (stability, STABILITY))]  # fmt: skip
    return Explanation(patterns, *tables)


def _table(rows: list[pd.DataFrame], schema: TableSchema) -> pd.DataFrame:
    empty = pd.DataFrame(columns=list(schema.names))
    table = pd.concat(rows, ignore_index=True)[list(schema.names)] if rows else empty
    # A table without rows (an atlas that names no networks) has no numbers to tell its kinds by.
    kinds = {"number": "float64", "integer": "int64"}
    return table.astype({c.name: kinds[c.kind] for c in schema.columns if c.kind in kinds})


def _predictions(clock: BrainClock, views: list, stops: np.ndarray):
    """Return predictions of the final clock (n_scans,) and of its fold models (K, n_scans)."""
    linear = isinstance(clock.regression, LinearRegression)
    if not linear:
        rows = zip(*views, strict=True)
        final = np.array([clock.regression.predict_one(np.concatenate(row)) for row in rows])
        return final, np.empty((0, len(final)))
    weights = np.vstack([clock.regression.weights, *clock.fold_weights])
    blocks = np.split(weights, stops, axis=1)
    sums = np.zeros((len(weights), len(views[0])))
    for start in range(0, len(views[0]), _ROWS):
        rows = slice(start, start + _ROWS)
        for block, values in zip(blocks, views, strict=True):
            sums[:, rows] += block @ np.asarray(values[rows], dtype=np.float64).T
    sums += np.array([clock.regression.intercept, *clock.fold_intercepts])[:, None]
    scales = [clock.regression.age_scale, *clock.fold_scales]
    years = np.array([to_years(row, scale) for row, scale in zip(sums, scales, strict=True)])
    return years[0], years[1:]
