"""Reading and writing ``*_timeseries.tsv`` with its JSON sidecar, as XCP-D writes them.

One header line of parcel names, one row a kept volume, ``n/a`` for a missing parcel. The sidecar
holds what the numbers cannot: repetition time, kept volumes, networks, quality, fingerprint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from brainage import __version__
from brainage.errors import BrainAgeError, SeriesError
from brainage.files import atomic_path, finite_number, read_json, read_json_object, write_json
from brainage.series.beside import coverage, stated_networks
from brainage.series.finding import SUFFIX, file_of_name
from brainage.series.foreign import read_foreign_series
from brainage.series.number_table import read_number_table, refuse_holes
from brainage.series.scan_arrays import read_array_series
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile
from brainage.tables import NO_SESSION

#: What a header cell cannot hold and be read back as it was.
_NO_HEADER_CELL = re.compile(r"[\t\r\n\"\x00-\x1f]|^\s|\s$|^$")


def scan_name(participant_id: str, session_id: str, task: str, run: str) -> str:
    """Return ``sub-<>[_ses-<>][_task-<>][_run-<>]``, the entities that there are.

    Examples
    --------
    >>> scan_name("01", "1y", "rest", "n/a")
    'sub-01_ses-1y_task-rest'
    """
    labels = {"sub": participant_id, "ses": session_id, "task": task, "run": run}
    return "_".join(f"{key}-{label}" for key, label in labels.items() if label != NO_SESSION)


def series_path(folder: str | Path, series: ParcelSeries) -> Path:
    """Return ``folder/sub-*/[ses-*/]func/..._atlas-*_timeseries.tsv`` for a series.

    Examples
    --------
    >>> path = series_path("out", examples.series())
    >>> path.as_posix()
    'out/sub-R0001/func/sub-R0001_task-rest_atlas-lattice24_timeseries.tsv'
    """
    name = scan_name(series.participant_id, series.session_id, series.task, series.run)
    folders = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    atlas = re.sub("[^a-zA-Z0-9]", "", series.atlas)
    return Path(folder, *folders, "func", f"{name}_atlas-{atlas}{SUFFIX}")


def write_series(series: ParcelSeries, folder: str | Path) -> Path:
    """Write one series and its sidecar atomically; return the path of the TSV.

    The sidecar is written first and the table last: a table that is there is whole.

    Examples
    --------
    >>> path = ba.write_series(examples.series(), folder)
    >>> path.name
    'sub-R0001_task-rest_atlas-lattice24_timeseries.tsv'
    >>> bool((ba.read_series(path).values == examples.series().values).all())
    True
    """
    path = series_path(folder, series)
    quality = series.quality
    strange = [name for name in series.parcel_names if _NO_HEADER_CELL.search(name)]
    if strange:
        raise SeriesError(
            f"{path}: parcel name {strange[0]!r}: a name in the header of a table holds no tab, "
            "line break or quotation mark, and no blank at an end. Rename it in the label table."
        )
    write_json(
        path.with_suffix(".json"),
        {
            "RepetitionTime": series.t_r_s,
            "Atlas": series.atlas,
            "CleaningFingerprint": series.cleaning_fingerprint,
            "Cleaning": series.cleaning,
            "Networks": list(series.networks),
            "KeptVolumes": [int(v) for v in series.kept_volumes],
            "NumberOfVolumes": quality.n_volumes,
            "RetainedSeconds": quality.retained_s,
            "MeanFramewiseDisplacement": quality.mean_fd_mm,
            "Coverage": None
            if quality.coverage is None
            else [round(float(c), 6) for c in quality.coverage],
            "MissingParcels": dict(quality.missing_reasons),
            "Exclusion": quality.exclusion,
        },
    )
    missing = series.missing
    template = "\t".join("n/a" if absent else "%.8g" for absent in missing)
    lines = ["\t".join(series.parcel_names)]
    lines += [template % tuple(row) for row in series.values[:, ~missing].tolist()]
    text = "\n".join(lines) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_dataset_description(folder: str | Path) -> Path:
    """Say in BIDS' words what a folder of series is, so that BIDS tools take it as a dataset.

    A description that is there already and says the same is left alone.

    Examples
    --------
    >>> write_dataset_description(folder).name
    'dataset_description.json'
    """
    path = Path(folder) / "dataset_description.json"
    meta = {
        "Name": "brainage parcel series",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "brainage", "Version": __version__}],
    }
    try:
        same = read_json(path) == meta
    except BrainAgeError:
        same = False
    if not same:
        write_json(path, meta)
    return path


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

    Examples
    --------
    >>> file = ba.find_series(written / "trial" / "series")[0]
    >>> series = ba.read_series(file)
    >>> series.participant_id, series.values.shape
    ('T001', (120, 24))
    """
    file = path if isinstance(path, SeriesFile) else file_of_name(Path(path))
    if file.index is not None:
        return read_array_series(file, t_r_s=t_r_s)
    if _is_ours(file.path):
        return _read_ours(file)
    return read_foreign_series(file, t_r_s=t_r_s)


def _is_ours(path: Path) -> bool:
    sidecar = path.with_suffix(".json")
    if not path.name.endswith(SUFFIX) or not sidecar.is_file():
        return False
    return "CleaningFingerprint" in read_json_object(sidecar, error=SeriesError)


def _read_ours(file: SeriesFile) -> ParcelSeries:
    meta = _read_sidecar(file.path)
    table = read_number_table(file.path, header=True, ends_a_line=True)
    values, names = table.values, table.columns or ()
    if table.rows is not None:
        raise SeriesError(f"{file.path}: expected numbers under one header line, found names.")
    refuse_holes(table, names)
    kept = _whole_numbers(meta.get("KeptVolumes", list(range(len(values)))), file.path)
    if len(kept) != len(values):
        raise SeriesError(
            f"{file.path}: {len(values)} rows, but its sidecar lists {len(kept)} "
            "kept volumes. Extract this scan again."
        )
    networks = stated_networks(meta, len(names), file.path)
    t_r_s = _number(meta, "RepetitionTime", file.path)
    retained_s = _number(meta, "RetainedSeconds", file.path)
    if retained_s is None and t_r_s is not None:
        retained_s = len(values) * t_r_s
    n_volumes = _number(meta, "NumberOfVolumes", file.path)
    reasons = meta.get("MissingParcels")
    quality = ScanQuality(
        mean_fd_mm=_number(meta, "MeanFramewiseDisplacement", file.path),
        n_volumes=len(values) if n_volumes is None else int(n_volumes),
        n_kept=len(values),
        retained_s=retained_s,
        coverage=coverage(file.path, names, {"Coverage": meta.get("Coverage")}),
        exclusion=_text(meta, "Exclusion", file.path),
        missing_reasons={str(name): str(why) for name, why in reasons.items()}
        if isinstance(reasons, dict)
        else {},
    )
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
        atlas=_text(meta, "Atlas", file.path) or file.atlas,
        cleaning_fingerprint=_text(meta, "CleaningFingerprint", file.path) or "unknown",
        cleaning=_text(meta, "Cleaning", file.path) or "",
        quality=quality,
    )


def _read_sidecar(path: Path) -> dict[str, Any]:
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        raise SeriesError(f"{path}: expected a sidecar {sidecar.name}, found none.")
    meta = read_json_object(sidecar, error=SeriesError)
    if "RepetitionTime" not in meta:
        raise SeriesError(
            f"{sidecar}: expected the key RepetitionTime (seconds; null where the "
            "source does not state it), found none."
        )
    return meta


def _number(meta: Mapping[str, Any], key: str, path: Path) -> float | None:
    stated = meta.get(key)
    number = finite_number(stated)
    if stated is not None and (number is None or number < 0):
        raise _other_than(path, key, "a number of 0 or more, or null", stated)
    return number


def _text(meta: Mapping[str, Any], key: str, path: Path) -> str | None:
    stated = meta.get(key)
    if stated is not None and not isinstance(stated, str):
        raise _other_than(path, key, "text or null", stated)
    return stated


def _whole_numbers(stated: object, path: Path) -> np.ndarray:
    if not isinstance(stated, list) or not all(type(v) is int and 0 <= v < 2**31 for v in stated):
        raise _other_than(path, "KeptVolumes", "a list of volume numbers", stated)
    if any(a >= b for a, b in pairwise(stated)):
        raise _other_than(path, "KeptVolumes", "volume numbers that rise", stated)
    return np.array(stated, dtype=int)


def _other_than(path: Path, key: str, expected: str, found: object) -> SeriesError:
    return SeriesError(
        f"{path.with_suffix('.json')}: {key}: expected {expected}, found {found!r:.60}. Extract "
        "this scan again."
    )
