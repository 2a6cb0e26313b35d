"""Label tables as atlases come with them: TSV, CSV, lists of names, FreeSurfer colour tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import AtlasError

_VALUE_COLUMNS = ("index", "value", "label", "roi number", "id", "no.")
_NAME_COLUMNS = ("name", "region", "label", "roi", "anatomical label")
_NETWORK_COLUMNS = ("network", "network_label", "community")
_SCHAEFER = re.compile(r"(?:\d+Networks_)(?P<hemi>[LR]H)_(?P<network>[A-Za-z]+)")
_HEMISPHERE = re.compile(
    r"(?:^|[_\-. ])(?P<side>[LR])H?(?:$|[_\-. ])|-(?P<low>[lr])h$|(?P<end>_[LR])$"
)


def read_label_table(path: Path, present: np.ndarray) -> pd.DataFrame:
    """Read the names of an atlas's labels.

    Parameters
    ----------
    path : Path
        TSV or CSV with a value and a name column (BIDS: index, name), a FreeSurfer colour table
        (value name R G B A), or a list of names, one a line, in rising order of the values.
    present : ndarray of int
        Values in the image, ascending, without the background.

    Returns
    -------
    table : DataFrame
        value, name, network, hemisphere; in the table's order, which is the parcels' order.
        A label that the table names and the image lacks stays: its parcel is missing.

    Raises
    ------
    AtlasError
        Unreadable, values twice, or a label in the image that the table does not name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AtlasError(f"{path}: the label table cannot be read ({error}).") from error
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise AtlasError(f"{path}: expected label names, found an empty file.")
    table = _with_header(path, lines)
    if table is None:
        table = _value_and_name(lines)
    if table is None:
        table = _names_only(path, lines, present)
    return _checked(table, path, present)


def split_name(name: str) -> tuple[str | None, str | None]:
    """Return (network, hemisphere) as far as a parcel's name tells them."""
    match = _SCHAEFER.search(name)
    if match:
        return match["network"], match["hemi"][0]
    side = _HEMISPHERE.search(name)
    if side:
        return None, (side["side"] or side["low"] or side["end"].strip("_")).upper()
    return None, None


def _with_header(path: Path, lines: list[str]) -> pd.DataFrame | None:
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    header = [cell.strip().strip('"').lower() for cell in lines[0].split(separator)]
    if len(header) < 2:
        return None
    value = next((header.index(c) for c in _VALUE_COLUMNS if c in header), None)
    names = [header.index(c) for c in _NAME_COLUMNS if c in header and header.index(c) != value]
    if value is None or not names:
        return None
    rows = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines[1:]]
    network = next((header.index(c) for c in _NETWORK_COLUMNS if c in header), None)
    return pd.DataFrame({
        "value": [row[value] for row in rows],
        "name": [row[names[0]] for row in rows],
        "network": [row[network] or None if network is not None else None for row in rows],
    })  # fmt: skip


def _value_and_name(lines: list[str]) -> pd.DataFrame | None:
    matches = [re.match(r"\s*(\d+)[\s,]+(\S+)", line) for line in lines if line[0] != "#"]
    if not all(matches):
        return None
    return pd.DataFrame({"value": [m[1] for m in matches], "name": [m[2] for m in matches],
                         "network": None})  # fmt: skip


def _names_only(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame:
    # Tian's tables alternate a name with a line of colours.
    names = [line for line in lines if not re.fullmatch(r"[\d\s.]+", line)]
    if len(names) != len(present):
        raise AtlasError(
            f"{path}: expected {len(present)} names, one a label of the image, found {len(names)}. "
            "Give a table with the columns index and name."
        )
    return pd.DataFrame({"value": present, "name": names, "network": None})


def _checked(table: pd.DataFrame, path: Path, present: np.ndarray) -> pd.DataFrame:
    values = pd.to_numeric(table["value"], errors="coerce")
    if values.isna().any():
        raise AtlasError(f"{path}: label '{table['value'][values.isna()].iloc[0]}' is not a whole "
                         "number.")  # fmt: skip
    table = table.assign(value=values.astype(int))
    table = table[table["value"] != 0].reset_index(drop=True)
    for column in ("value", "name"):
        twice = table[column][table[column].duplicated()]
        if len(twice):
            raise AtlasError(f"{path}: {column} '{twice.iloc[0]}' stands twice.")
    unnamed = sorted(set(present.tolist()) - set(table["value"]))
    if unnamed:
        raise AtlasError(f"{path}: no name for label(s) {unnamed[:10]} of the image.")
    parts = [split_name(name) for name in table["name"]]
    stated = [own if isinstance(own, str) and own else None for own in table["network"]]
    network = [own or found for own, (found, _) in zip(stated, parts, strict=True)]
    # Object columns: pandas' own text type would turn None into NaN.
    return table.assign(
        network=pd.Series(network, dtype=object, index=table.index),
        hemisphere=pd.Series([side for _, side in parts], dtype=object, index=table.index),
    )
