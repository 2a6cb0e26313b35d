"""Label tables as atlases come with them: TSV, CSV, lists of names, FreeSurfer colour tables."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import AtlasError
from brainage.tables import is_missing, separator_of

_VALUE_COLUMNS = ("index", "value", "label", "roi number", "roi", "id", "no.", "key")
_NAME_COLUMNS = ("name", "region", "label", "roi name", "roi", "anatomical label", "label name")
_NETWORK_COLUMNS = ("network", "network label", "community", "network name")
_HEMISPHERE_COLUMNS = ("hemisphere", "hemi", "side")
#: How lists of names call what is no parcel.
_BACKGROUND = ("background", "unknown", "???")
_SCHAEFER = re.compile(r"^(?:\d+Networks_)?(?P<hemi>[LR])H_(?P<network>[A-Za-z]+)(?:_|$)")
_HEMISPHERE = re.compile(
    r"(?:^|[_\-. ])(?P<side>[LR])H?(?:$|[_\-. ])|-(?P<low>[lr])h$|^(?P<start>left|right)\b",
    re.ASCII,
)
_COLOURS = re.compile(r"(?P<value>\d+)(?:\s+\d+){3,4}")
#: A value, a name, and FreeSurfer's colours: R G B, then A, then the tissue type.
_LUT_LINE = re.compile(
    r"\s*(?P<value>\d+)(?:\s+|\s*[,;]\s*)(?P<name>\S.*?)(?P<colours>(?:\s+\d+){3,5})?\s*"
)
#: ITK-SNAP's label descriptions: a value, R G B A, visibility of label and mesh, the name.
_ITK_SNAP_LINE = re.compile(
    r"\s*(?P<value>\d+)(?:\s+\d+){3}\s+\d*\.?\d+(?:\s+\d+){2}\s+\"(?P<name>[^\"]*)\"\s*"
)


def read_label_table(path: Path, present: np.ndarray) -> pd.DataFrame:
    """Read the names of an atlas's labels.

    Parameters
    ----------
    path : Path
        TSV or CSV with a value and a name column (BIDS: index, name; without a name column the
        value is the name) and optionally network and hemisphere, a FreeSurfer colour table (value
        name R G B, with or without A and tissue type; a whole colour table names many regions, and
        those the image lacks are left out), ITK-SNAP's label descriptions, AAL's rows of a short
        name, a name and a value, pairs of a value and a name, Tian's and Connectome
        Workbench's pairs of lines (name; value R G B A), xcpEngine's ``*NodeNames.txt`` beside
        ``*NodeIndex.1D``, or a list of names, one a line, in rising order of the values.
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
    lines = _lines(path)
    if not lines:
        raise AtlasError(f"{path}: expected label names, found an empty file.")
    for reader in (
        _with_header,
        _node_index,
        _pairs,
        _itk_snap,
        _value_and_name,
        _bare_columns,
        _names_only,
    ):
        table = reader(path, lines, present)
        if table is not None:
            break
    return _checked(table, path, present)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AtlasError(
            f"{path}: the label table: expected UTF-8 text, found other bytes ({error})."
        ) from error
    except OSError as error:
        raise AtlasError(f"{path}: the label table cannot be read ({error}).") from error
    # A tab at the end is an empty last cell.
    return [line.rstrip(" \r") for line in text.splitlines() if line.strip()]


def split_name(name: str) -> tuple[str | None, str | None]:
    """Return (network, hemisphere) as far as a parcel's name tells them.

    ``7Networks_LH_Vis_1`` -> ("Vis", "L"); ``Precentral_R``, ``HIP-rh`` and ``Left-Caudate`` tell
    the hemisphere alone.
    """
    match = _SCHAEFER.search(name)
    if match:
        return match["network"], match["hemi"]
    side = _HEMISPHERE.search(name) or _HEMISPHERE.search(name.lower())
    if side:
        return None, next(found for found in side.groups() if found)[0].upper()
    return None, None


def _with_header(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    separator = separator_of(path, lines[0])
    blanks = separator not in lines[0]
    cells = [
        [cell.strip() for cell in row]
        for row in (
            map(str.split, lines)
            if blanks
            else csv.reader(lines, delimiter=separator, skipinitialspace=True)
        )
    ]
    header = [cell.lower().replace("_", " ") for cell in cells[0]]
    _refuse_joined(path, lines, cells)

    def column(names: tuple[str, ...], *, but: int | None = None) -> int | None:
        return next(
            (header.index(n) for n in names if n in header and header.index(n) != but), None
        )

    value = column(_VALUE_COLUMNS)
    name = column(_NAME_COLUMNS, but=value)
    # "ROI 1" may be a name; between blanks only both columns make a header.
    if len(header) < 2 or value is None or (blanks and name is None):
        return None
    places = {
        "value": value,
        "name": value if name is None else name,
        "network": column(_NETWORK_COLUMNS),
        "hemisphere": column(_HEMISPHERE_COLUMNS),
    }
    needed = len(header) if blanks else max(p for p in places.values() if p is not None) + 1
    odd = [
        line
        for line, row in enumerate(cells, start=1)
        if len(row) < needed or (blanks and len(row) != needed)
    ]
    if odd:
        more = len(cells[odd[0] - 1]) > len(header)
        raise AtlasError(
            f"{path}: line {odd[0]} has {'more' if more else 'fewer'} cells than the "
            "header." + " Separate them by tabs." * blanks
        )
    return pd.DataFrame(
        {
            key: [None if place is None else row[place] for row in cells[1:]]
            for key, place in places.items()
        },
        dtype=object,
    )


def _known(cell: object) -> str | None:
    # pandas turns an absent cell into NaN.
    return None if not isinstance(cell, str) or is_missing(cell) else cell


def _side(cell: object) -> str | None:
    cell = str(cell)
    known = cell.lower() in ("l", "lh", "left", "r", "rh", "right")
    return cell[0].upper() if known else None


def _node_index(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    """Read xcpEngine's folder: names, values and communities in files of their own."""
    stem = path.name.removesuffix("NodeNames.txt")
    index = path.with_name(f"{stem}NodeIndex.1D")
    if stem == path.name or not index.is_file():
        return None
    values = _lines(index)
    if len(values) != len(lines):
        raise AtlasError(f"{path}: {len(lines)} names, but {index.name} has {len(values)} values.")
    networks: list[str | None] = [None] * len(lines)
    affiliation = path.with_name(f"{stem}CommunityAffiliation.1D")
    communities = path.with_name(f"{stem}CommunityNames.txt")
    if affiliation.is_file() and communities.is_file():
        named, numbers = _lines(communities), [int(line) for line in _lines(affiliation)]
        if len(numbers) == len(lines) and min(numbers) > 0 and max(numbers) <= len(named):
            networks = [_known(named[number - 1]) for number in numbers]
    return pd.DataFrame(
        {"value": values, "name": [line.strip() for line in lines], "network": networks}
    )


def _pairs(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    colours = _all_match(_COLOURS, [line.strip() for line in lines[1::2]])
    if len(lines) % 2 or not colours or _COLOURS.fullmatch(lines[0].strip()):
        return None
    return pd.DataFrame(
        {
            "value": [c["value"] for c in colours],
            "name": [line.strip() for line in lines[::2]],
            "network": None,
        }
    )


def _itk_snap(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    matches = _all_match(_ITK_SNAP_LINE, _uncommented(lines))
    if not matches:
        return None
    return _of_the_image([(int(m["value"]), m["name"]) for m in matches], present)


def _all_match(pattern: re.Pattern[str], lines: list[str]) -> list[re.Match[str]]:
    """Return the match of every line, none where one does not match."""
    matches = [found for line in lines if (found := pattern.fullmatch(line))]
    return matches if len(matches) == len(lines) else []


def _uncommented(lines: list[str]) -> list[str]:
    return [line for line in lines if line.lstrip()[0] != "#"]


def _of_the_image(pairs: list[tuple[int, str]], present: np.ndarray) -> pd.DataFrame:
    """Return a colour table's rows of the image's labels: it may name many other regions."""
    there = set(present.tolist())
    rows = [(value, name.strip(), None) for value, name in pairs if value in there]
    return pd.DataFrame(rows, columns=["value", "name", "network"])


def _refuse_joined(path: Path, lines: list[str], cells: list[list[str]]) -> None:
    if len(cells) != len(lines):
        raise AtlasError(
            f"{path}: {len(lines)} lines, but {len(cells)} rows: a quotation mark is opened and "
            "not closed, and joins lines. Remove it."
        )


def _bare_columns(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    """Read columns without a header: values, and one text, or AAL's short name before the name."""
    lines = _uncommented(lines)
    separator = next((mark for mark in "\t;," if all(mark in line for line in lines)), None)
    if separator is None or not lines:
        return None
    rows = [[c.strip() for c in row] for row in csv.reader(lines, delimiter=separator)]
    _refuse_joined(path, lines, rows)
    columns = list(zip(*rows, strict=False))
    whole = [c for c in columns if all(re.fullmatch(r"\d+", cell) for cell in c)]
    texts = [c for c in columns if not any(re.fullmatch(r"[-+.\d]+", cell) for cell in c)]
    # Of columns of numbers, the one that has the image's labels.
    values = {c for c in whole if set(present.tolist()) <= {int(cell) for cell in c}} or set(whole)
    known = len({len(row) for row in rows}) == 1 and len(values) == 1
    if not known or not (len(texts) == 1 or (len(texts) == 2 and columns[-1] in values)):
        raise AtlasError(
            f"{path}: {len(columns)} columns without a header: nobody knows which are the values "
            "and the names. Give it a header line with index and name."
        )
    return pd.DataFrame({"value": list(values.pop()), "name": list(texts[-1]), "network": None})


def _value_and_name(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame | None:
    matches = _all_match(_LUT_LINE, _uncommented(lines))
    if not matches or any("\t" in m["name"] for m in matches):
        return None
    pairs = [(int(m["value"]), _unquoted(m["name"])) for m in matches]
    if all(m["colours"] for m in matches):
        return _of_the_image(pairs, present)
    if all(name.endswith(f" {value}") for value, name in pairs):
        # AAL3's rows end with the value again.
        pairs = [(value, name.removesuffix(f" {value}").rstrip()) for value, name in pairs]
    return pd.DataFrame([(*pair, None) for pair in pairs], columns=["value", "name", "network"])


def _unquoted(name: str) -> str:
    """Return a name without the quotation marks around it, as R writes lists."""
    name = name.strip()
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    return name[1:-1].strip() if quoted else name


def _names_only(path: Path, lines: list[str], present: np.ndarray) -> pd.DataFrame:
    if len(lines) == len(present) + 1 and lines[0].strip().lower() in _BACKGROUND:
        lines = lines[1:]
    if len(lines) != len(present):
        raise AtlasError(
            f"{path}: expected {len(present)} names, one a label of the image, found "
            f"{len(lines)}. Give a table with the columns index and name."
        )
    return pd.DataFrame(
        {"value": present, "name": [_unquoted(line) for line in lines], "network": None}
    )


def _checked(table: pd.DataFrame, path: Path, present: np.ndarray) -> pd.DataFrame:
    values = pd.to_numeric(table["value"], errors="coerce")
    if values.isna().any():
        raise AtlasError(
            f"{path}: label '{table['value'][values.isna()].iloc[0]}' is not a whole number."
        )
    if (values % 1 != 0).any():
        raise AtlasError(
            f"{path}: label {values[values % 1 != 0].iloc[0]:g} is not a whole number."
        )
    table = table.assign(value=values.astype(int), name=table["name"].astype(str))
    table = table[table["value"] != 0].reset_index(drop=True)
    for column in ("value", "name"):
        twice = table[column][table[column].duplicated()]
        if len(twice):
            raise AtlasError(f"{path}: {column} '{twice.iloc[0]}' stands twice.")
    unnamed = sorted(set(present.tolist()) - set(table["value"]))
    if unnamed:
        raise AtlasError(f"{path}: no name for label(s) {unnamed[:10]} of the image.")
    parts = [split_name(name) for name in table["name"]]
    stated = [_known(own) or found for own, (found, _) in zip(table["network"], parts, strict=True)]
    sides = table["hemisphere"] if "hemisphere" in table else [None] * len(table)
    sides = [_side(own) or found for own, (_, found) in zip(sides, parts, strict=True)]
    # Object columns: pandas' own text type would turn None into NaN.
    return table.assign(
        network=pd.Series(stated, dtype=object, index=table.index),
        hemisphere=pd.Series(sides, dtype=object, index=table.index),
    )
