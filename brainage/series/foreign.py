"""Reading parcel series that other tools made: XCP-D, giga_connectome, HALFpipe, C-PAC, tables.

All are a matrix of numbers, volumes down and parcels across. They differ in what lies beside it:
names above or not, a JSON sidecar, and XCP-D's tables of censored volumes, motion and coverage.
Nothing is cleaned again, and a repetition time that nobody states stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from brainage.errors import SeriesError
from brainage.options import fingerprint_of
from brainage.series.beside import (
    coverage,
    kept_volumes,
    mean_fd_mm,
    sidecar_of,
    stated_t_r_s,
)
from brainage.series.names import parts_of
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|n/a", re.IGNORECASE)
#: Parts that say what a tool did; the rest says to whom.
_OF_THE_TOOL = ("space", "desc", "feature", "setting", "stat", "reg")


def read_foreign_series(file: SeriesFile, *, t_r_s: float | None = None) -> ParcelSeries:
    """Read a series that another tool made, with what that tool wrote beside it.

    Parameters
    ----------
    file : SeriesFile
        Tab, comma or (``.1D``, ``.txt``) white-space separated numbers, names above or not.
    t_r_s : float or None, default=None
        Repetition time to take where `file` and its sidecar state none.

    Returns
    -------
    series : ParcelSeries
        Volumes that the tool flagged and interpolated are left out, as XCP-D does for its own
        matrices. Parcels without names are ``parcel_1`` on. `t_r_s` and retained_s are None
        where the time is unknown, mean_fd_mm and coverage where no table says them.

    Raises
    ------
    SeriesError
        Not numbers, repeated names, or a table beside it that does not fit its rows.
    """
    values, names = _matrix(file.path)
    meta = sidecar_of(file.path)
    t_r_s = file.t_r_s or stated_t_r_s(file.path, meta) or t_r_s
    kept, rows, n_volumes = kept_volumes(file.path, len(values), meta)
    networks = tuple(meta.get("Networks") or (None,) * len(names))
    if len(networks) != len(names):
        raise SeriesError(
            f"{file.path}: {len(names)} parcels, but its sidecar names {len(networks)} networks."
        )
    n_kept = len(rows)
    if not n_kept:
        raise SeriesError(
            f"{file.path}: every one of {n_volumes} volumes is flagged as an outlier."
        )
    values = values[rows]
    constant = np.ptp(values, axis=0) == 0
    quality = ScanQuality(
        mean_fd_mm=mean_fd_mm(file.path, meta),
        n_volumes=n_volumes,
        n_kept=n_kept,
        retained_s=None if t_r_s is None else n_kept * t_r_s,
        coverage=coverage(file.path, names, meta),
        missing_reasons={names[i]: "constant" for i in np.flatnonzero(constant)},
    )
    # A constant column is what several tools write for a parcel outside the field of view.
    values[:, constant] = np.nan
    return ParcelSeries(
        participant_id=file.participant_id,
        session_id=file.session_id,
        run=file.run,
        task=file.task,
        values=values,
        parcel_names=names,
        networks=networks,
        kept_volumes=kept,
        t_r_s=t_r_s,
        atlas=file.atlas,
        cleaning_fingerprint=_fingerprint(file, names),
        cleaning="cleaned elsewhere",
        quality=quality,
    )


def align_parcels(series: ParcelSeries, parcel_names: tuple[str, ...]) -> ParcelSeries:
    """Return a series with its parcels in a given order, matched by name.

    Parameters
    ----------
    series : ParcelSeries
        Any order.
    parcel_names : tuple of str
        The order wanted.

    Returns
    -------
    aligned : ParcelSeries
        The same series where the order is right already.

    Raises
    ------
    SeriesError
        The two sets of names differ; both differences are listed.
    """
    wanted = tuple(parcel_names)
    if series.parcel_names == wanted:
        return series
    absent = [name for name in wanted if name not in set(series.parcel_names)]
    extra = [name for name in series.parcel_names if name not in set(wanted)]
    if absent or extra or len(wanted) != series.n_parcels:
        raise SeriesError(
            f"participant {series.participant_id}, session {series.session_id}: other parcels than "
            f"expected: {len(absent)} absent ({', '.join(absent[:5])}), {len(extra)} more "
            f"({', '.join(extra[:5])}). All series must be of one atlas, its parcels named alike."
        )
    position = {name: i for i, name in enumerate(series.parcel_names)}
    order = [position[name] for name in wanted]
    shares = series.quality.coverage
    return replace(
        series,
        values=series.values[:, order],
        parcel_names=wanted,
        networks=tuple(series.networks[i] for i in order),
        quality=replace(series.quality, coverage=None if shares is None else shares[order]),
    )


def _matrix(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    lines = _lines(path)
    comments = [line.lstrip() for line in lines if line.lstrip().startswith("#")]
    rows = [line for line in lines if not line.lstrip().startswith("#")]
    if not rows:
        raise SeriesError(f"{path}: expected rows of numbers, found none.")
    separator = _separator(path, rows[0])
    if path.suffix.lower() not in (".tsv", ".csv"):
        # AFNI begins and ends its rows with separators that separate nothing.
        rows = [row.strip().strip(separator) for row in rows]
    cells = [[cell.strip().strip('"') for cell in line.split(separator)] for line in rows]
    header = None
    named = not all(_NUMBER.fullmatch(cell) or cell == "" for cell in cells[0])
    if named or _are_labels(cells[0], cells[1] if len(cells) > 1 else cells[0]):
        header, cells = cells[0], cells[1:]
    else:
        header = _commented_names(comments, separator, len(cells[0]))
    values = _numbers(path, cells)
    if header is not None and len(header) == values.shape[1] and header[0] in ("", "Unnamed: 0"):
        # pandas writes its row numbers as a first column without a name.
        header, values = header[1:], values[:, 1:]
    names = header or [f"parcel_{i + 1}" for i in range(values.shape[1])]
    if len(names) != values.shape[1]:
        raise SeriesError(f"{path}: {len(names)} names above {values.shape[1]} columns.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SeriesError(f"{path}: parcel name(s) {', '.join(twice[:5])} stand twice.")
    return values, tuple(names)


def _separator(path: Path, row: str) -> str | None:
    """Return what separates the cells: what the ending says if it is there, else what is."""
    usual = {".tsv": "\t", ".csv": ","}.get(path.suffix.lower(), ",")
    return next((mark for mark in (usual, "\t", ",", ";") if mark in row), None)


def _commented_names(
    comments: list[str], separator: str | None, n_columns: int
) -> list[str] | None:
    """Return the names in C-PAC's comment ``#Mean_1 ,Mean_2 ...``, or None.

    Beside it stand lines on how the file was made, and AFNI's of the image before each row.
    """
    for comment in comments:
        cells = [cell.strip("# \t") for cell in comment.split(separator)]
        names = [cell for cell in cells if cell]
        if len(names) == n_columns:
            return names
    return None


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SeriesError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SeriesError(f"{path}: cannot be read ({error}).") from error
    return [line for line in text.splitlines() if line.strip()]


def _are_labels(first: list[str], second: list[str]) -> bool:
    """Tell a header of whole numbers (0, 1, 2 ... or label values) from a row of signals."""
    # nilearn's label values may be floats: 1.0, 2.0, 3.0.
    whole = re.compile(r"\d+(\.0)?")
    if len(first) < 2 or len(set(first)) < len(first) or not all(map(whole.fullmatch, first)):
        return False
    numbers = [float(cell) for cell in first]
    counts_up = all(a < b for a, b in zip(numbers, numbers[1:], strict=False))
    # Signals in whole numbers are whole in every volume.
    return counts_up or not all(map(whole.fullmatch, second))


def _numbers(path: Path, cells: list[list[str]]) -> np.ndarray:
    if not cells:
        raise SeriesError(f"{path}: expected rows of numbers below the names, found none.")
    if len({len(row) for row in cells}) != 1:
        longest = max(len(row) for row in cells)
        short = next(i for i, row in enumerate(cells) if len(row) != longest)
        raise SeriesError(
            f"{path}: row {short + 1} of the numbers has {len(cells[short])} cells, "
            f"others {longest}."
        )
    try:
        return np.array(
            [
                [
                    float("nan") if cell.lower() in ("n/a", "", "nan") else float(cell)
                    for cell in row
                ]
                for row in cells
            ]
        )
    except ValueError as error:
        raise SeriesError(f"{path}: expected numbers below one header line: {error}.") from None


def _fingerprint(file: SeriesFile, names: tuple[str, ...]) -> str:
    # What was done to it we cannot know; the tool's own labels of it must at least agree.
    parts = [part for part in parts_of(file.path.name) if part.split("-", 1)[0] in _OF_THE_TOOL]
    return fingerprint_of(["foreign", file.atlas, sorted(parts), sorted(names)])
