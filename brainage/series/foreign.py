"""Reading parcel series that other tools made: XCP-D, giga_connectome, HALFpipe, C-PAC, tables.

All are a matrix of numbers, volumes down and parcels across. They differ in what lies beside it:
names above or not, a JSON sidecar, and XCP-D's tables of censored volumes, motion and coverage.
Nothing is cleaned again, and a repetition time that nobody states stays unknown.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from brainage.errors import SeriesError
from brainage.options import fingerprint_of
from brainage.series.beside import (
    coverage,
    kept_volumes,
    mean_fd_mm,
    sidecar_of,
    stated_networks,
    stated_t_r_s,
)
from brainage.series.names import parts_of
from brainage.series.number_table import NumberTable, read_number_table, refuse_holes
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

#: Parts that say what a tool did; the rest says to whom.
_OF_THE_TOOL = ("space", "desc", "feature", "setting", "stat", "reg")
#: Parts that say what a file holds of what the tool did, and not how the signal was cleaned.
_OF_THE_FILE = ("stat-mean", "stat-pearsoncorrelation", "desc-correlation")
#: Lists of a sidecar with one item a parcel.
_PARCEL_LISTS = ("Coverage", "Networks")


def read_foreign_series(file: SeriesFile, *, t_r_s: float | None = None) -> ParcelSeries:
    r"""Read a series that another tool made, with what that tool wrote beside it.

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

    Examples
    --------
    >>> path = folder / "sub-01_task-rest_atlas-mine_timeseries.tsv"
    >>> _ = path.write_text("left\tright\n" + "0.5\t-0.2\n0.1\t0.3\n" * 20)
    >>> (file,) = ba.find_series(folder)
    >>> series = read_foreign_series(file, t_r_s=2.0)
    >>> series.values.shape, series.parcel_names
    ((40, 2), ('left', 'right'))
    """
    meta = sidecar_of(file.path)
    table = _oriented(read_number_table(file.path), file, meta)
    values = table.values
    names = table.columns or tuple(f"parcel_{i + 1}" for i in range(values.shape[1]))
    whole = refuse_holes(table, names)
    t_r_s = file.t_r_s or stated_t_r_s(file.path, meta) or t_r_s
    kept, rows, n_volumes = kept_volumes(file.path, len(values), meta)
    networks = stated_networks(meta, len(names), file.path)
    # A row without any number is a volume that the tool censored and left in its place.
    kept, rows = kept[whole[rows]], rows[whole[rows]]
    n_kept = len(rows)
    if not n_kept:
        raise SeriesError(
            f"{file.path}: every one of {n_volumes} volumes is flagged as an outlier."
        )
    return foreign_series(
        file,
        values[rows],
        names,
        kept,
        n_volumes=n_volumes,
        t_r_s=t_r_s,
        networks=networks,
        meta=meta,
    )


def foreign_series(
    file: SeriesFile,
    values: np.ndarray,
    names: tuple[str, ...],
    kept: np.ndarray,
    *,
    n_volumes: int,
    t_r_s: float | None,
    networks: tuple[str | None, ...] | None = None,
    meta: dict[str, Any] | None = None,
) -> ParcelSeries:
    """Make a series of what was read of another tool's.

    Parameters
    ----------
    file : SeriesFile
        Its labels.
    values : ndarray of shape (n_kept, p)
        Kept volumes; a missing parcel is NaN or constant throughout.
    names : tuple of str
        p parcels.
    kept : ndarray of shape (n_kept,), int
        Index of each row in the run as scanned.
    n_volumes : int
        Volumes of the run.
    t_r_s : float or None
        Repetition time in seconds.
    networks : tuple of (str or None), optional
        Of each parcel.
    meta : dict, optional
        The sidecar; None: the file holds several scans, and nothing beside it speaks of one.
    """
    values = np.array(values, dtype=np.float64)
    constant = np.ptp(values, axis=0) == 0
    beside = file.index is None
    quality = ScanQuality(
        mean_fd_mm=mean_fd_mm(file.path, meta or {}) if beside else None,
        n_volumes=n_volumes,
        n_kept=len(values),
        retained_s=None if t_r_s is None else len(values) * t_r_s,
        coverage=coverage(file.path, names, meta or {}) if beside else None,
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
        networks=networks or file.networks or (None,) * len(names),
        kept_volumes=kept,
        t_r_s=t_r_s,
        atlas=file.atlas,
        cleaning_fingerprint=cleaning_of_name(
            file.path if beside else Path("array"), file.atlas, names
        ),
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

    Examples
    --------
    >>> series = examples.series()
    >>> backwards = align_parcels(series, series.parcel_names[::-1])
    >>> backwards.parcel_names[:2]
    ('parcel23', 'parcel22')
    >>> bool((backwards.values[:, -1] == series.values[:, 0]).all())
    True
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


def _oriented(table: NumberTable, file: SeriesFile, meta: dict) -> NumberTable:
    """Return a table with volumes down and parcels across.

    Names before the rows, or lists of the sidecar that have as many items as there are rows, tell
    that parcels stand in rows; `file.parcels_in` says it.
    """
    n_rows, n_columns = table.values.shape
    stated = {len(meta[key]) for key in _PARCEL_LISTS if isinstance(meta.get(key), list)}
    by_shape = n_rows in stated and n_columns not in stated
    in_rows = file.parcels_in == "rows" or (
        file.parcels_in is None and (table.rows is not None or by_shape)
    )
    if not in_rows:
        return table
    turned = np.ascontiguousarray(table.values.T)
    volumes = tuple(table.lines[:1] * n_columns)
    return NumberTable(table.path, turned, table.rows, None, volumes)


def cleaning_of_name(path: Path, atlas: str, names: tuple[str, ...]) -> str:
    """Return a fingerprint of how a tool cleaned what a file holds, a series or its matrix.

    What was done to it we cannot know; the tool's own labels of it must at least agree.

    Examples
    --------
    >>> first = Path("sub-01_task-rest_desc-denoised_timeseries.tsv")
    >>> other = Path("sub-02_task-rest_desc-denoised_timeseries.tsv")
    >>> parcels = ("left", "right")
    >>> cleaning_of_name(first, "own", parcels) == cleaning_of_name(other, "own", parcels)
    True
    """
    parts = [
        part
        for part in parts_of(path.name)
        if part.split("-", 1)[0] in _OF_THE_TOOL and part not in _OF_THE_FILE
    ]
    return fingerprint_of(["foreign", atlas, sorted(parts), sorted(names)])
