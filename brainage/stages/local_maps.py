"""Maps of local changes: the table's values by parcel, painted into NIfTI images."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import AtlasError
from brainage.imaging import Atlas, paint_parcels, write_nifti
from brainage.tables import Column, TableSchema
from brainage.trial import LOCAL, TableRecord, TrialResult

LOCAL_MAPS = TableSchema(
    "local_maps",
    (
        Column("arm", "text", "Arm."),
        Column("versus", "text", "Control arm."),
        Column("visit", "text", "Visit."),
        Column("holds", "text", "Column of local.tsv whose values by parcel it shows."),
        Column(
            "file",
            "text",
            "NIfTI beside this table, float32: 0 outside of the parcels, NaN in those that were "
            "not measured.",
            nullable=True,
        ),
        Column("reason", "text", "Why there is no image.", nullable=True),
    ),
    key=("arm", "visit", "holds"),
)
#: Column of the table of local changes -> how its files' names end.
_HOLDS = {"difference_in_view_units": "difference", "statistic": "t"}
_CAPTION = (
    "Images of the change of each parcel's mean connectivity, arm minus control, not thresholded: "
    "which parcels differ is said by p_max_t and p_fdr of the table of local changes."
)


def with_local_maps(
    result: TrialResult, atlas: Atlas | None, folder: Path, *, why_not: str = ""
) -> TrialResult:
    """Paint local changes by parcel, and list the images in a table of the result.

    Parameters
    ----------
    result : TrialResult
        A comparison; without local changes by parcel it is returned as it is.
    atlas : Atlas or None
        Of the parcels.
    folder : Path
        Where the images are written; those of an earlier comparison are removed.
    why_not : str, default=""
        Why there is no atlas.

    Returns
    -------
    result : TrialResult
        With a table "local_maps": one row an image, or with the reason why there is none.
    """
    for old in folder.glob("local_*.nii.gz"):
        old.unlink()
    local = result.tables.get(LOCAL.name)
    parcels = pd.DataFrame() if local is None else local[local["level"] == "parcel"]
    if not len(parcels):
        return result
    rows, wanted = [], {}
    groups = parcels.groupby(["arm", "visit"], sort=False)
    for number, ((arm, visit), own) in enumerate(groups, start=1):
        # The number keeps apart names that differ in other than letters and digits.
        stem = f"local_{number:02d}_arm-{_plain(arm)}_visit-{_plain(visit)}"
        for holds, short in _HOLDS.items():
            row = {"arm": arm, "versus": own["versus"].iloc[0], "visit": visit, "holds": holds}
            rows.append(row | {"file": f"{stem}_{short}.nii.gz"})
            wanted[rows[-1]["file"]] = own.set_index("region")[holds].astype(float)
    reason = _paint(wanted, atlas, folder, why_not)
    rows = [row | ({"file": None} if reason else {}) | {"reason": reason} for row in rows]
    table = pd.DataFrame(rows, columns=list(LOCAL_MAPS.names))
    of_local = result.table_records[LOCAL.name]
    record = TableRecord(of_local.analysis, of_local.title, _CAPTION, "folded", LOCAL_MAPS)
    return replace(
        result,
        tables={**result.tables, LOCAL_MAPS.name: table},
        table_records={**result.table_records, LOCAL_MAPS.name: record},
    )


def _paint(
    wanted: dict[str, pd.Series], atlas: Atlas | None, folder: Path, why_not: str
) -> str | None:
    """Write every image, or return the reason why there is none: they are of the same parcels."""
    if atlas is None:
        return why_not
    names = list(atlas.parcel_names)
    if any(set(by_name.index) - set(names) for by_name in wanted.values()):
        return f"parcels that atlas {atlas.name} does not have"
    values = np.array([by_name.reindex(names).to_numpy() for by_name in wanted.values()])
    try:
        pictures, affine = paint_parcels(atlas, values)
    except AtlasError as error:
        return str(error)
    for file, picture in zip(wanted, pictures, strict=True):
        write_nifti(folder / file, picture, affine, dtype="float32", compression=6)
    return None


def _plain(label: object) -> str:
    return re.sub("[^A-Za-z0-9]", "", str(label))[:40]
