"""Reading parcel series that other tools made: XCP-D, giga_connectome, HALFpipe, C-PAC, tables.

All are a matrix of numbers, volumes down and parcels across. They differ in what lies beside it:
names above or not, a JSON sidecar, and XCP-D's tables of censored volumes, motion and coverage.
Nothing is cleaned again, and a repetition time that nobody states stays unknown.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import SeriesError
from brainage.options import fingerprint_of
from brainage.series.types import ParcelSeries, ScanQuality, SeriesFile

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|n/a", re.IGNORECASE)
#: Entities that say in which space and parcels a series is, and not which run it is of.
_NOT_OF_THE_RUN = re.compile(r"_(space|res|den|atlas|seg|stat|desc|feature|setting)-[a-zA-Z0-9+]+")


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
    meta = _sidecar(file.path)
    t_r_s = file.t_r_s or _stated_t_r_s(file.path, meta) or t_r_s
    kept, rows, n_volumes = _kept_volumes(file.path, len(values))
    networks = tuple(meta.get("Networks") or (None,) * len(names))
    if len(networks) != len(names):
        raise SeriesError(f"{file.path}: {len(names)} parcels, but its sidecar names "
                          f"{len(networks)} networks.")  # fmt: skip
    n_kept = len(rows)
    if not n_kept:
        raise SeriesError(
            f"{file.path}: every one of {n_volumes} volumes is flagged as an outlier."
        )
    values = values[rows]
    constant = np.ptp(values, axis=0) == 0
    quality = ScanQuality(
        mean_fd_mm=_mean_fd_mm(file.path, meta),
        n_volumes=n_volumes,
        n_kept=n_kept,
        retained_s=None if t_r_s is None else n_kept * t_r_s,
        coverage=_coverage(file.path, names, meta),
        missing_reasons={names[i]: "constant" for i in np.flatnonzero(constant)},
    )
    # A constant column is what several tools write for a parcel outside the field of view.
    values[:, constant] = np.nan
    return ParcelSeries(
        participant_id=file.participant_id, session_id=file.session_id, run=file.run,
        task=file.task, values=values, parcel_names=names, networks=networks, kept_volumes=kept,
        t_r_s=t_r_s, atlas=file.atlas, cleaning_fingerprint=_fingerprint(file, names),
        cleaning="cleaned elsewhere", quality=quality,
    )  # fmt: skip


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
    coverage = series.quality.coverage
    return replace(
        series, values=series.values[:, order], parcel_names=wanted,
        networks=tuple(series.networks[i] for i in order),
        quality=replace(series.quality, coverage=None if coverage is None else coverage[order]),
    )  # fmt: skip


def _matrix(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    lines = _lines(path)
    comments = [line.lstrip() for line in lines if line.lstrip().startswith("#")]
    rows = [line for line in lines if not line.lstrip().startswith("#")]
    separator = {".tsv": "\t", ".csv": ","}.get(path.suffix.lower())
    if not rows:
        raise SeriesError(f"{path}: expected rows of numbers, found none.")
    cells = [[cell.strip().strip('"') for cell in line.split(separator)] for line in rows]
    header = None
    if not all(_NUMBER.fullmatch(cell) or cell == "" for cell in cells[0]) or _counts_up(cells[0]):
        header, cells = cells[0], cells[1:]
    elif comments:
        # C-PAC: '#2001<tab>#2002 ...', below lines on how the file was made.
        named = [name.lstrip("# ") for name in comments[-1].split(separator or None)]
        header = [name for name in named if name]
        header = header if len(header) == len(cells[0]) else None
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


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SeriesError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SeriesError(f"{path}: cannot be read ({error}).") from error
    return [line for line in text.splitlines() if line.strip()]


def _counts_up(cells: list[str]) -> bool:
    """Tell a header of whole numbers (1, 2, 3 ... or label values) from a row of signals."""
    if len(cells) < 2 or not all(re.fullmatch(r"\d+", cell) for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return all(a < b for a, b in zip(numbers, numbers[1:], strict=False))


def _numbers(path: Path, cells: list[list[str]]) -> np.ndarray:
    if len({len(row) for row in cells}) != 1:
        longest = max(len(row) for row in cells)
        short = next((i for i, row in enumerate(cells) if len(row) != longest), 0)
        raise SeriesError(f"{path}: row {short + 1} of the numbers has {len(cells[short])} cells, "
                          f"others {longest}." if cells else f"{path}: no rows.")  # fmt: skip
    try:
        return np.array([[float("nan") if cell.lower() in ("n/a", "", "nan") else float(cell)
                          for cell in row] for row in cells])  # fmt: skip
    except ValueError as error:
        raise SeriesError(f"{path}: expected numbers below one header line: {error}.") from None


def _sidecar(path: Path) -> dict:
    sidecar = path.with_suffix(".json")
    try:
        meta = json.loads(sidecar.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SeriesError(f"{sidecar}: expected JSON, found: {error}") from error
    return meta if isinstance(meta, dict) else {}


def _stated_t_r_s(path: Path, meta: dict) -> float | None:
    value, is_rate = meta.get("RepetitionTime"), False
    if value is None:
        # HALFpipe and giga_connectome state a rate, in hertz as BIDS has it.
        value, is_rate = meta.get("SamplingFrequency"), True
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        key = "SamplingFrequency (Hz)" if is_rate else "RepetitionTime (seconds)"
        raise SeriesError(f"{path.with_suffix('.json')}: {key}: expected a number above 0, found "
                          f"{value!r}.")  # fmt: skip
    return 1 / value if is_rate else float(value)


def _of_the_run(path: Path, ending: str) -> Path | None:
    """Find a table of the whole run beside a series, whatever its space and atlas."""
    stem = _NOT_OF_THE_RUN.sub("", path.name.rsplit("_", 1)[0])
    found = path.with_name(f"{stem}_{ending}")
    return found if found.is_file() else None


def _kept_volumes(path: Path, n_rows: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return kept volumes of the run, the rows that hold them, and the run's length."""
    table = _of_the_run(path, "outliers.tsv")
    everything = np.arange(n_rows)
    if table is None:
        return everything, everything, n_rows
    flags = pd.read_csv(table, sep="\t")
    flags = flags[[c for c in flags if c in ("framewise_displacement", "interpolation")]]
    if flags.empty:
        return everything, everything, n_rows
    for column in flags:
        kept = np.flatnonzero(flags[column].to_numpy() == 0)
        if len(kept) == n_rows < len(flags):
            return kept, everything, len(flags)
    if len(flags) == n_rows:
        kept = np.flatnonzero((flags == 0).all(axis=1).to_numpy())
        return kept, kept, n_rows
    counts = ", ".join(f"{int((flags[c] == 0).sum())} kept by {c}" for c in flags)
    raise SeriesError(f"{path}: {n_rows} rows, but {table.name} has {len(flags)} volumes, "
                      f"{counts}: neither the censored nor the interpolated series.")  # fmt: skip


def _mean_fd_mm(path: Path, meta: dict) -> float | None:
    table = _of_the_run(path, "motion.tsv")
    if table is not None:
        motion = pd.read_csv(table, sep="\t", na_values=["n/a"])
        if "framewise_displacement" in motion:
            mean = float(motion["framewise_displacement"].mean())
            return None if np.isnan(mean) else mean
    for key in ("MeanFramewiseDisplacement", "FDMean"):
        if isinstance(meta.get(key), int | float):
            return float(meta[key])
    return None


def _coverage(path: Path, names: tuple[str, ...], meta: dict) -> np.ndarray | None:
    base = path.name.replace("_stat-mean", "").rsplit("_", 1)[0]
    candidates = (f"{base}_stat-coverage_bold.tsv", f"{base}_coverage_bold.tsv")
    table = next((path.with_name(c) for c in candidates if path.with_name(c).is_file()), None)
    if table is None:
        listed = meta.get("Coverage")
        fits = isinstance(listed, list) and len(listed) == len(names)
        return np.array(listed, dtype=float) if fits else None
    frame = pd.read_csv(table, sep="\t", na_values=["n/a"])
    shares = dict(zip(frame.iloc[:, 0].astype(str), frame.iloc[:, -1].astype(float), strict=True))
    absent = [name for name in names if name not in shares]
    if absent:
        raise SeriesError(f"{table}: no coverage of parcel(s) {', '.join(absent[:5])}.")
    return np.array([shares[name] for name in names])


def _fingerprint(file: SeriesFile, names: tuple[str, ...]) -> str:
    # What was done to it we cannot know; the tool's own labels of it must at least agree.
    labels = re.findall(r"_((?:space|desc|feature|setting|stat)-[a-zA-Z0-9+]+)", file.path.name)
    return fingerprint_of(["foreign", file.atlas, sorted(labels), sorted(names)])
