"""Maps of local changes: the table's values by parcel, painted into NIfTI images."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

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
    rows = []
    groups = parcels.groupby(["arm", "visit"], sort=False)
    for number, ((arm, visit), own) in enumerate(groups, start=1):
        # The number keeps apart names that differ in other than letters and digits.
        stem = f"local_{number:02d}_arm-{_plain(arm)}_visit-{_plain(visit)}"
        for holds, short in _HOLDS.items():
            row = {"arm": arm, "versus": own["versus"].iloc[0], "visit": visit, "holds": holds}
            path = folder / f"{stem}_{short}.nii.gz"
            rows.append(row | _painted(own, holds, atlas, path, why_not))
    table = pd.DataFrame(rows, columns=list(LOCAL_MAPS.names))
    of_local = result.table_records[LOCAL.name]
    record = TableRecord(of_local.analysis, of_local.title, _CAPTION, "folded", LOCAL_MAPS)
    return replace(
        result,
        tables={**result.tables, LOCAL_MAPS.name: table},
        table_records={**result.table_records, LOCAL_MAPS.name: record},
    )


def _painted(
    parcels: pd.DataFrame, holds: str, atlas: Atlas | None, path: Path, why_not: str
) -> dict[str, str | None]:
    if atlas is None:
        return {"file": None, "reason": why_not}
    by_name = parcels.set_index("region")[holds].astype(float)
    absent = set(by_name.index) - set(atlas.parcel_names)
    if absent:
        return {"file": None, "reason": f"parcels that atlas {atlas.name} does not have"}
    values = by_name.reindex(list(atlas.parcel_names)).to_numpy(dtype=float)
    try:
        picture, affine = paint_parcels(atlas, values)
    except AtlasError as error:
        return {"file": None, "reason": str(error)}
    write_nifti(path, picture, affine, dtype="float32", compression=6)
    return {"file": path.name, "reason": None}


def _plain(label: object) -> str:
    return re.sub("[^A-Za-z0-9]", "", str(label))[:40]
