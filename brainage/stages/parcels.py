"""The table of parcels beside the series: what the numbers' columns are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.imaging import Atlas
from brainage.tables import Column, TableSchema, write_table

PARCELS = TableSchema(
    "parcels",
    (
        Column("index", "integer", "Place in the series, from 1."),
        Column("name", "text", "Parcel, the series' column."),
        Column("network", "text", "Network, where the atlas knows one.", nullable=True),
        Column("hemisphere", "text", "L or R, where the atlas tells.", nullable=True),
        Column("label", "integer", "Value in the atlas's image.", required=False),
        Column(
            "x_mm",
            "number",
            "Centre (a label's: its voxels' mean), rightwards.",
            "mm",
            required=False,
            nullable=True,
        ),
        Column("y_mm", "number", "Centre, to the front.", "mm", required=False, nullable=True),
        Column("z_mm", "number", "Centre, upwards.", "mm", required=False, nullable=True),
        Column("radius_mm", "number", "Sphere's radius.", "mm", required=False),
    ),
    key=("name",),
)


def write_parcels(atlas: Atlas, folder: str | Path) -> Path:
    """Write ``parcels.tsv`` of an atlas, with its data dictionary; return its path."""
    table = pd.DataFrame(
        {
            "index": range(1, atlas.n_parcels + 1),
            "name": atlas.parcel_names,
            "network": pd.Series(atlas.networks, dtype=object),
            "hemisphere": pd.Series(atlas.hemispheres, dtype=object),
        }
    )
    for name, values in atlas.own_columns().items():
        table[name] = values
    path = Path(folder) / "parcels.tsv"
    write_table(table, path, PARCELS)
    return path
