"""Numbers of many scans in one file: rows of a table, an array or a stack, and whose they are."""

from __future__ import annotations

import functools
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from brainage.errors import SeriesError, TableError
from brainage.series.foreign import foreign_series
from brainage.series.number_table import NumberTable, refuse_holes
from brainage.series.types import ParcelSeries, SeriesFile
from brainage.tables import NO_SESSION, is_missing, read_lines, read_text_table, separator_of

#: Endings of files of arrays.
ARRAYS = (".npz", ".npy")
#: What an array or column of ids, or of sessions, is called.
_IDS = ("participant_id", "participant_ids", "ids", "id", "subjects", "subject")
_SESSIONS = ("session_id", "session_ids", "session", "sessions")
_VALUES = ("values", "timeseries", "connectivity", "matrices", "data", "X")
_MOST_BYTES = 8_000_000_000


class ScanArray(NamedTuple):
    """Numbers of several scans, (n_scans, ...), and whose they are."""

    values: np.ndarray
    participant_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    names: tuple[str, ...] | None


def read_scan_array(path: Path) -> ScanArray:
    r"""Read a TSV, CSV, ``.npy`` or ``.npz`` with one row (or matrix) a scan.

    Parameters
    ----------
    path : Path
        A table with participant_id, optionally session_id, and one column an edge; an ``.npz``
        with ``values`` and ``ids`` (and ``session``); or an ``.npy`` with a table of the same name
        beside it (``.tsv`` or ``.csv``), a line a row.

    Returns
    -------
    found : ScanArray

    Raises
    ------
    SeriesError
        Not such a file; rows and ids that differ in number; an id and session that stand twice.

    Examples
    --------
    >>> path = folder / "scans.csv"
    >>> _ = path.write_text("participant_id,e1,e2,e3\n01,0.1,0.2,0.3\n02,0.3,0.2,0.1\n")
    >>> array = read_scan_array(path)
    >>> array.values.shape
    (2, 3)
    """
    try:
        changed = os.stat(path).st_mtime_ns
    except OSError as error:
        raise SeriesError(f"{path}: cannot be read ({error.strerror}).") from error
    return _cached(str(path), changed)


# Scans are asked for one by one; the time of the file's last change is in the key.
@functools.lru_cache(maxsize=2)
def _cached(name: str, changed: int) -> ScanArray:
    path = Path(name)
    reader = {".npz": _of_npz, ".npy": _of_npy}.get(path.suffix.lower(), _of_table)
    found = reader(path)
    keys = list(zip(found.participant_ids, found.session_ids, strict=True))
    if len(found.values) != len(keys):
        raise SeriesError(f"{path}: {len(found.values)} rows, but {len(keys)} ids.")
    twice = (
        next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if (len(set(keys)) < len(keys))
        else None
    )
    if twice is not None:
        raise SeriesError(f"{path}: participant {twice[0]}, session {twice[1]} stands twice.")
    return found


def _of_npz(path: Path) -> ScanArray:
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("no .npz archive")
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        if claimed > _MOST_BYTES:
            raise ValueError(f"arrays of {claimed / 1e9:.0f} GB; at most 8 are read")
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise SeriesError(f"{path}: expected arrays (.npz, no pickles), found: {error}.") from error
    values = next((arrays[name] for name in _VALUES if name in arrays), None)
    ids = next((arrays[name] for name in _IDS if name in arrays), None)
    if values is None or ids is None or values.dtype.kind not in "fiu" or values.ndim < 2:
        raise SeriesError(
            f"{path}: expected the arrays 'values' (a row of numbers a scan) and 'ids', found "
            f"{', '.join(arrays) or 'none'}."
        )
    sessions = next((arrays[name] for name in _SESSIONS if name in arrays), None)
    named = ("parcels", "parcel_names", "roi_ids", "labels")
    names = next((arrays[name] for name in named if name in arrays), None)
    return ScanArray(
        values,
        _labels(ids, "sub-"),
        _sessions(sessions, len(ids)),
        None if names is None else tuple(map(str, names.ravel())),
    )


def _of_npy(path: Path) -> ScanArray:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SeriesError(f"{path}: expected an array (.npy), found: {error}.") from error
    beside = [path.with_suffix(ending) for ending in (".tsv", ".csv")]
    table = next((file for file in beside if file.is_file()), None)
    if table is None or values.ndim < 2:
        raise SeriesError(
            f"{path}: expected rows of numbers and, beside them, {path.stem}.tsv with "
            "participant_id (and session_id), a line a row."
        )
    try:
        text = read_text_table(table)
    except TableError as error:
        raise SeriesError(str(error)) from error
    ids = next((text[name] for name in _IDS if name in text), None)
    if ids is None:
        raise SeriesError(f"{table}: expected a column participant_id, found {list(text)[:8]}.")
    sessions = next((text[name] for name in _SESSIONS if name in text), None)
    return ScanArray(values, _labels(ids, "sub-"), _sessions(sessions, len(ids)), None)


def _of_table(path: Path) -> ScanArray:
    try:
        lines = [line for line in read_lines(path) if line.strip()]
    except TableError as error:
        raise SeriesError(str(error)) from error
    mark = separator_of(path, lines[0]) if lines else "\t"
    header = [cell.strip().strip('"') for cell in lines[0].split(mark)] if lines else []
    place = {
        what: next((header.index(name) for name in names if name in header), None)
        for what, names in (("id", _IDS), ("session", _SESSIONS))
    }
    if place["id"] is None or len(header) < 3:
        raise SeriesError(
            f"{path}: expected a table with participant_id and one column an edge, found "
            f"{', '.join(header[:6])}."
        )
    edges = [i for i in range(len(header)) if i not in place.values()]
    ids, sessions, rows = [], [], []
    for line, text in enumerate(lines[1:], start=2):
        cells = [cell.strip().strip('"') for cell in text.split(mark)]
        if len(cells) != len(header):
            raise SeriesError(
                f"{path}: line {line} has {len(cells)} fields, the header {len(header)}."
            )
        ids.append(cells[place["id"]])
        sessions.append("" if place["session"] is None else cells[place["session"]])
        try:
            rows.append([np.nan if is_missing(cells[i]) else float(cells[i]) for i in edges])
        except ValueError as error:
            raise SeriesError(f"{path}: line {line}: expected numbers: {error}.") from None
    return ScanArray(np.array(rows), _labels(ids, "sub-"), _labels(sessions, "ses-"), None)


def _labels(cells: Iterable[object], prefix: str) -> tuple[str, ...]:
    words = [str(cell).strip() for cell in cells]
    return tuple(NO_SESSION if is_missing(word) else word.removeprefix(prefix) for word in words)


def _sessions(cells: Iterable[object] | None, n_scans: int) -> tuple[str, ...]:
    return (NO_SESSION,) * n_scans if cells is None else _labels(cells, "ses-")


def read_array_series(file: SeriesFile, *, t_r_s: float | None = None) -> ParcelSeries:
    """Read one scan of an array that holds the series of all scans.

    Parameters
    ----------
    file : SeriesFile
        With `index`; `parcels_in` where the array does not tell it by its parcels' names.
    t_r_s : float or None, default=None
        Repetition time, which no array states.

    Returns
    -------
    series : ParcelSeries
        Volumes and parcels without any number are censored or missing.

    Raises
    ------
    SeriesError
        No scan x parcels x volumes; or which of the two is which is not known.
    """
    held = read_scan_array(file.path)
    if held.values.ndim != 3 or file.index is None:
        raise SeriesError(
            f"{file.path}: expected an array of scans x parcels x volumes (or scans x volumes x "
            f"parcels), found {' x '.join(map(str, held.values.shape))}."
        )
    values = np.asarray(held.values[file.index], dtype=np.float64)
    if _parcels_in(file, held) == "rows":
        values = values.T
    named = held.names if held.names is not None and len(held.names) == values.shape[1] else None
    names = file.parcels or named or tuple(f"parcel_{i + 1}" for i in range(values.shape[1]))
    if len(names) != values.shape[1]:
        raise SeriesError(f"{file.path}: {values.shape[1]} parcels, but {len(names)} names.")
    where = f"{file.path}: scan {file.index + 1} (participant {file.participant_id})"
    if np.isinf(values).any():
        raise SeriesError(f"{where}: expected finite numbers, found an infinite one.")
    table = NumberTable(Path(where), values, names, None, tuple(range(len(values))))
    kept = np.flatnonzero(refuse_holes(table, names))
    if not len(kept):
        raise SeriesError(f"{where}: no volume has any number.")
    return foreign_series(file, values[kept], names, kept, n_volumes=len(values), t_r_s=t_r_s)


def _parcels_in(file: SeriesFile, held: ScanArray) -> str:
    names = file.parcels or held.names
    shape = held.values.shape
    sides = (("rows", shape[1]), ("columns", shape[2]))
    fits = [] if names is None else [side for side, length in sides if length == len(names)]
    if file.parcels_in is not None:
        return file.parcels_in
    if len(fits) == 1:
        return fits[0]
    raise SeriesError(
        f"{file.path}: an array of {' x '.join(map(str, shape))}: which of the last two are "
        "parcels is not stated. State it: paths.<cohort>.parcels_in: rows (scans x parcels x "
        "volumes) or columns (scans x volumes x parcels), or name the parcels "
        "(paths.<cohort>.parcels)."
    )
