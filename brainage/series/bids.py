"""Reading and writing ``*_timeseries.tsv`` with its JSON sidecar, as XCP-D writes them.

One header line of parcel names, one row a kept volume, ``n/a`` for a missing parcel. The sidecar
holds what the numbers cannot: repetition time, kept volumes, networks, quality, fingerprint.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import SeriesError
from brainage.files import atomic_path, write_json
from brainage.series.foreign import read_foreign_series
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile
from brainage.tables import NO_SESSION, read_text_table

_ENTITY = re.compile(r"(?:^|_)([a-zA-Z]+)-([a-zA-Z0-9+]+)(?=_)")
_SUFFIX = "_timeseries.tsv"
_SUFFIXES = (_SUFFIX, "_timeseries.csv", "_timeseries.1D", ".1D")
_FORM = re.compile(r"_(space|res|den|atlas|seg|stat|desc)-[a-zA-Z0-9+]+")


def scan_name(participant_id: str, session_id: str, task: str, run: str) -> str:
    """Return ``sub-<>[_ses-<>][_task-<>][_run-<>]``, the entities that there are."""
    labels = {"sub": participant_id, "ses": session_id, "task": task, "run": run}
    return "_".join(f"{key}-{label}" for key, label in labels.items() if label != NO_SESSION)


def series_path(folder: str | Path, series: ParcelSeries) -> Path:
    """Return ``folder/sub-*/[ses-*/]func/..._atlas-*_timeseries.tsv`` for a series."""
    name = scan_name(series.participant_id, series.session_id, series.task, series.run)
    folders = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    atlas = re.sub("[^a-zA-Z0-9]", "", series.atlas)
    return Path(folder, *folders, "func", f"{name}_atlas-{atlas}{_SUFFIX}")


def write_series(series: ParcelSeries, folder: str | Path) -> Path:
    """Write one series and its sidecar atomically; return the path of the TSV.

    The sidecar is written first and the table last: a table that is there is whole.
    """
    path = series_path(folder, series)
    quality = series.quality
    write_json(path.with_suffix(".json"), {
        "RepetitionTime": series.t_r_s,
        "Atlas": series.atlas,
        "CleaningFingerprint": series.cleaning_fingerprint,
        "Cleaning": series.cleaning,
        "Networks": list(series.networks),
        "KeptVolumes": [int(v) for v in series.kept_volumes],
        "NumberOfVolumes": quality.n_volumes,
        "RetainedSeconds": quality.retained_s,
        "MeanFramewiseDisplacement": quality.mean_fd_mm,
        "Coverage": None if quality.coverage is None else [round(float(c), 6)
                                                           for c in quality.coverage],
        "MissingParcels": dict(quality.missing_reasons),
        "Exclusion": quality.exclusion,
    })  # fmt: skip
    template = "\t".join(["%.8g"] * series.n_parcels)
    lines = ["\t".join(series.parcel_names)]
    lines += [template % tuple(row) for row in series.values.tolist()]
    text = "\n".join(lines) + "\n"
    if series.missing.any():
        text = re.sub(r"(?<=[\t\n])nan(?=[\t\n])", "n/a", text)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def find_series(folder: str | Path, *, atlas: str | None = None) -> list[SeriesFile]:
    """List the parcel series of a derivatives tree or of a table of files, opening none.

    Parameters
    ----------
    folder : str or Path
        A tree with ``*_timeseries.tsv`` (ours, XCP-D's, giga_connectome's, HALFpipe's), the same
        as CSV, or ``sub-*.1D``; or a TSV/CSV with the columns path, participant_id and optionally
        session_id, run, task, atlas, t_r_s, paths relative to it, for files named otherwise.
    atlas : str or None, default=None
        Take this atlas only.

    Returns
    -------
    files : list of SeriesFile
        Sorted by path.

    Raises
    ------
    SeriesError
        No such folder, no series, no such atlas, or one run in several forms.
    """
    folder = Path(folder)
    if folder.is_file():
        found = _in_table(folder)
    elif folder.is_dir():
        found = [_from_name(Path(path)) for path in _walk(str(folder))]
    else:
        raise SeriesError(f"{folder}: expected a folder of *{_SUFFIX} files, found no folder.")
    if not found:
        raise SeriesError(f"{folder}: expected *{_SUFFIX} files, found none. "
                          "Run `brainage extract` first, or check the path.")  # fmt: skip
    chosen = [item for item in found if atlas in (None, item.atlas)]
    if not chosen:
        raise SeriesError(f"{folder}: no series of atlas {atlas}; there are "
                          f"{', '.join(sorted({item.atlas for item in found}))}.")  # fmt: skip
    _refuse_twins(folder, chosen)
    return sorted(chosen, key=lambda item: str(item.path))


def _refuse_twins(folder: Path, files: list[SeriesFile]) -> None:
    seen: dict[tuple, SeriesFile] = {}
    for item in files:
        # acq, dir and the like tell runs apart too; atlas, space and desc tell forms of one run.
        run = _FORM.sub("", item.path.name)
        key = (item.participant_id, item.session_id, item.task, item.run,
               run if item.by_name else "")  # fmt: skip
        other = seen.setdefault(key, item)
        if other is not item:
            raise SeriesError(f"{folder}: one run in several forms: {other.path.name} and "
                              f"{item.path.name}. Keep one atlas, space and cleaning in the "
                              "folder, or list the files in a table.")  # fmt: skip


def _walk(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    yield from _walk(entry.path)
                elif entry.name.endswith(_SUFFIXES) and not entry.name.startswith("."):
                    yield entry.path
    except OSError as error:
        raise SeriesError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _in_table(path: Path) -> list[SeriesFile]:
    text = read_text_table(path)
    absent = [c for c in ("path", "participant_id") if c not in text]
    if absent:
        raise SeriesError(f"{path}: expected the columns path and participant_id, found "
                          f"{', '.join(text.columns)}.")  # fmt: skip
    files = []
    for line, row in enumerate(text.to_dict("records"), start=2):
        label = {
            name: (row.get(name) or NO_SESSION).removeprefix(prefix)
            for name, prefix in (("participant_id", "sub-"), ("session_id", "ses-"),
                                 ("run", "run-"), ("task", "task-"), ("atlas", "atlas-"))
        }  # fmt: skip
        stated = row.get("t_r_s", "")
        try:
            t_r_s = None if stated.lower() in ("", "n/a") else float(stated)
        except ValueError:
            t_r_s = 0.0
        if row["path"] == "" or label["participant_id"] == NO_SESSION:
            raise SeriesError(f"{path}: line {line}: path and participant_id are needed.")
        if t_r_s is not None and not t_r_s > 0:
            raise SeriesError(f"{path}: line {line}: t_r_s must be seconds above 0, found "
                              f"'{stated}'.")  # fmt: skip
        files.append(SeriesFile(path.parent / row["path"], t_r_s=t_r_s, by_name=False, **label))
    return files


def _from_name(path: Path) -> SeriesFile:
    labels = dict(_ENTITY.findall(path.name))
    if "sub" not in labels:
        raise SeriesError(f"{path}: expected a name with 'sub-<label>', found none. For files "
                          "named otherwise give a table: path, participant_id, session_id."
                          )  # fmt: skip
    return SeriesFile(
        path=path,
        participant_id=labels["sub"],
        session_id=labels.get("ses", NO_SESSION),
        run=labels.get("run", NO_SESSION),
        task=labels.get("task", NO_SESSION),
        atlas=labels.get("atlas", labels.get("seg", NO_SESSION)),
    )


def read_series(path: str | Path | SeriesFile, *, t_r_s: float | None = None) -> ParcelSeries:
    """Read one series file with its sidecar, ours or another tool's.

    Parameters
    ----------
    path : str, Path or SeriesFile
        Ours is known by the CleaningFingerprint in its sidecar; anything else is read by
        `brainage.series.foreign.read_foreign_series`.
    t_r_s : float or None, default=None
        Repetition time in seconds for another tool's series that states none; never replaces a
        stated one.

    Returns
    -------
    series : ParcelSeries

    Raises
    ------
    SeriesError
        No such file, rows and kept volumes that differ, text in a cell.
    """
    file = path if isinstance(path, SeriesFile) else _from_name(Path(path))
    if _is_ours(file.path):
        return _read_ours(file)
    return read_foreign_series(file, t_r_s=t_r_s)


def _is_ours(path: Path) -> bool:
    if not path.name.endswith(_SUFFIX) or not path.with_suffix(".json").is_file():
        return False
    try:
        return "CleaningFingerprint" in json.loads(path.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        # The reader itself says what is wrong with the sidecar.
        return True


def _read_ours(file: SeriesFile) -> ParcelSeries:
    meta = _read_sidecar(file.path)
    try:
        frame = pd.read_csv(file.path, sep="\t", na_values=["n/a"], dtype=np.float64)
    except (ValueError, OSError) as error:
        raise SeriesError(f"{file.path}: expected numbers under one header line, found: "
                          f"{error}") from error  # fmt: skip
    values = frame.to_numpy()
    names = tuple(frame.columns.astype(str))
    kept = np.asarray(meta.get("KeptVolumes", range(len(values))), dtype=int)
    if len(kept) != len(values):
        raise SeriesError(f"{file.path}: {len(values)} rows, but its sidecar lists {len(kept)} "
                          "kept volumes. Extract this scan again.")  # fmt: skip
    networks = tuple(meta.get("Networks") or (None,) * len(names))
    if len(networks) != len(names):
        raise SeriesError(f"{file.path}: {len(names)} parcels, but its sidecar names "
                          f"{len(networks)} networks.")  # fmt: skip
    t_r_s = None if meta["RepetitionTime"] is None else float(meta["RepetitionTime"])
    coverage = meta.get("Coverage")
    quality = ScanQuality(
        mean_fd_mm=meta.get("MeanFramewiseDisplacement"),
        n_volumes=int(meta.get("NumberOfVolumes", len(values))),
        n_kept=len(values),
        retained_s=_retained_s(meta, len(values), t_r_s),
        coverage=None if coverage is None else np.asarray(coverage, dtype=float),
        exclusion=meta.get("Exclusion"),
        missing_reasons=dict(meta.get("MissingParcels") or {}),
    )
    return ParcelSeries(
        participant_id=file.participant_id, session_id=file.session_id, run=file.run,
        task=file.task, values=values, parcel_names=names, networks=networks, kept_volumes=kept,
        t_r_s=t_r_s, atlas=meta.get("Atlas", file.atlas),
        cleaning_fingerprint=meta.get("CleaningFingerprint", "unknown"),
        cleaning=meta.get("Cleaning", ""), quality=quality,
    )  # fmt: skip


def _retained_s(meta: dict, n_kept: int, t_r_s: float | None) -> float | None:
    if meta.get("RetainedSeconds") is not None:
        return float(meta["RetainedSeconds"])
    return None if t_r_s is None else n_kept * t_r_s


def _read_sidecar(path: Path) -> dict:
    sidecar = path.with_suffix(".json")
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SeriesError(f"{path}: expected a sidecar {sidecar.name}, found none.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SeriesError(f"{sidecar}: expected JSON, found: {error}") from error
    if "RepetitionTime" not in meta:
        raise SeriesError(f"{sidecar}: expected the key RepetitionTime (seconds; null where the "
                          "source does not state it), found none.")  # fmt: skip
    return meta
