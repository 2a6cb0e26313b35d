"""Reading and writing ``*_timeseries.tsv`` with its JSON sidecar, as XCP-D writes them.

One header line of parcel names, one row a kept volume, ``n/a`` for a missing parcel. The sidecar
holds what the numbers cannot: repetition time, kept volumes, networks, quality, fingerprint.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from brainage import __version__
from brainage.errors import SeriesError
from brainage.files import atomic_path, write_json
from brainage.series.finding import SUFFIX, file_of_name
from brainage.series.foreign import read_foreign_series
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile
from brainage.tables import NO_SESSION


def scan_name(participant_id: str, session_id: str, task: str, run: str) -> str:
    """Return ``sub-<>[_ses-<>][_task-<>][_run-<>]``, the entities that there are."""
    labels = {"sub": participant_id, "ses": session_id, "task": task, "run": run}
    return "_".join(f"{key}-{label}" for key, label in labels.items() if label != NO_SESSION)


def series_path(folder: str | Path, series: ParcelSeries) -> Path:
    """Return ``folder/sub-*/[ses-*/]func/..._atlas-*_timeseries.tsv`` for a series."""
    name = scan_name(series.participant_id, series.session_id, series.task, series.run)
    folders = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    atlas = re.sub("[^a-zA-Z0-9]", "", series.atlas)
    return Path(folder, *folders, "func", f"{name}_atlas-{atlas}{SUFFIX}")


def write_series(series: ParcelSeries, folder: str | Path) -> Path:
    """Write one series and its sidecar atomically; return the path of the TSV.

    The sidecar is written first and the table last: a table that is there is whole.
    """
    path = series_path(folder, series)
    quality = series.quality
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
    template = "\t".join(["%.8g"] * series.n_parcels)
    lines = ["\t".join(series.parcel_names)]
    lines += [template % tuple(row) for row in series.values.tolist()]
    text = "\n".join(lines) + "\n"
    if series.missing.any():
        text = re.sub(r"(?<=[\t\n])nan(?=[\t\n])", "n/a", text)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_dataset_description(folder: str | Path) -> Path:
    """Say in BIDS' words what a folder of series is, so that BIDS tools take it as a dataset.

    A description that is there already and says the same is left alone.
    """
    path = Path(folder) / "dataset_description.json"
    meta = {
        "Name": "brainage parcel series",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "brainage", "Version": __version__}],
    }
    try:
        same = json.loads(path.read_text(encoding="utf-8")) == meta
    except (OSError, ValueError):
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
    """
    file = path if isinstance(path, SeriesFile) else file_of_name(Path(path))
    if _is_ours(file.path):
        return _read_ours(file)
    return read_foreign_series(file, t_r_s=t_r_s)


def _is_ours(path: Path) -> bool:
    if not path.name.endswith(SUFFIX) or not path.with_suffix(".json").is_file():
        return False
    try:
        return "CleaningFingerprint" in json.loads(path.with_suffix(".json").read_text("utf-8-sig"))
    except (OSError, ValueError, TypeError):
        # The reader itself says what is wrong with the sidecar.
        return True


def _read_ours(file: SeriesFile) -> ParcelSeries:
    meta = _read_sidecar(file.path)
    try:
        frame = pd.read_csv(file.path, sep="\t", na_values=["n/a"], dtype=np.float64)
    except (ValueError, OSError) as error:
        raise SeriesError(
            f"{file.path}: expected numbers under one header line, found: {error}"
        ) from error
    values = frame.to_numpy()
    names = tuple(frame.columns.astype(str))
    kept = np.asarray(meta.get("KeptVolumes", range(len(values))), dtype=int)
    if len(kept) != len(values):
        raise SeriesError(
            f"{file.path}: {len(values)} rows, but its sidecar lists {len(kept)} "
            "kept volumes. Extract this scan again."
        )
    networks = tuple(meta.get("Networks") or (None,) * len(names))
    if len(networks) != len(names):
        raise SeriesError(
            f"{file.path}: {len(names)} parcels, but its sidecar names {len(networks)} networks."
        )
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
        participant_id=file.participant_id,
        session_id=file.session_id,
        run=file.run,
        task=file.task,
        values=values,
        parcel_names=names,
        networks=networks,
        kept_volumes=kept,
        t_r_s=t_r_s,
        atlas=meta.get("Atlas", file.atlas),
        cleaning_fingerprint=meta.get("CleaningFingerprint", "unknown"),
        cleaning=meta.get("Cleaning", ""),
        quality=quality,
    )


def _retained_s(meta: dict, n_kept: int, t_r_s: float | None) -> float | None:
    if meta.get("RetainedSeconds") is not None:
        return float(meta["RetainedSeconds"])
    return None if t_r_s is None else n_kept * t_r_s


def _read_sidecar(path: Path) -> dict:
    sidecar = path.with_suffix(".json")
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SeriesError(f"{path}: expected a sidecar {sidecar.name}, found none.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SeriesError(f"{sidecar}: expected JSON, found: {error}") from error
    if "RepetitionTime" not in meta:
        raise SeriesError(
            f"{sidecar}: expected the key RepetitionTime (seconds; null where the "
            "source does not state it), found none."
        )
    return meta
