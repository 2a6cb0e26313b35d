"""What other tools write beside a series: sidecars, and tables of censoring, motion, coverage.

Found by name. A sidecar may speak for several files (giga_connectome writes one for all atlases
of a run), as BIDS lets it: its parts are then some of the series' parts.
"""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import SeriesError
from brainage.series.names import labels_of, parts_of, run_parts

#: What BIDS once proposed to write where the rate is the scan's, and what XCP-D writes: no number.
_NO_RATE = "TR"
#: Keys in which a parcel table of a run may differ from its series.
_OF_THE_FORM = frozenset({"stat", "desc", "res", "den"})


def sidecar_of(path: Path) -> dict:
    """Return the JSON that speaks for a series, the most particular one; empty: there is none.

    Raises
    ------
    SeriesError
        It is there and not JSON.
    """
    exact = path.with_suffix(".json")
    if exact.is_file():
        return _read_json(exact)
    parts = set(parts_of(path.name))
    shared = [
        name
        for name in _beside(path)
        if name.endswith("_timeseries.json") and set(parts_of(name)) < parts
    ]
    if not shared or not path.name.endswith(("_timeseries.tsv", "_timeseries.csv")):
        return {}
    return _read_json(path.with_name(max(shared, key=lambda name: len(parts_of(name)))))


def stated_t_r_s(path: Path, meta: dict) -> float | None:
    """Return the repetition time in seconds that a sidecar states, or XCP-D's of the image.

    Raises
    ------
    SeriesError
        It states no number above 0, or two images of the run state different ones.
    """
    value, is_rate = meta.get("RepetitionTime"), False
    # HALFpipe connects its repetition time to SamplingFrequency, so that seconds are called hertz.
    if value is None and "feature" not in labels_of(path.name):
        value, is_rate = meta.get("SamplingFrequency"), True
    if value is None or (is_rate and value == _NO_RATE):
        return _t_r_s_of_images(path)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        key = "SamplingFrequency (Hz)" if is_rate else "RepetitionTime (seconds)"
        raise SeriesError(
            f"{path.with_suffix('.json')}: {key}: expected a number above 0, found {value!r}."
        )
    return 1 / value if is_rate else float(value)


def _t_r_s_of_images(path: Path) -> float | None:
    stated = {}
    for name in _of_the_run(path, "_bold.json"):
        value = _read_json(path.with_name(name)).get("RepetitionTime")
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            stated[name] = float(value)
    if not stated:
        return None
    shortest, longest = min(stated.values()), max(stated.values())
    if longest > 1.01 * shortest:
        raise SeriesError(
            f"{path}: the images of its run state repetition times from {shortest:g} "
            f"to {longest:g} s ({', '.join(sorted(stated))})."
        )
    return stated[min(stated)]


def kept_volumes(path: Path, n_rows: int, meta: dict) -> tuple[np.ndarray, np.ndarray, int]:
    """Return kept volumes of the run, the rows that hold them, and the run's length.

    XCP-D's outliers table tells a censored series from an interpolated one; giga_connectome says
    how many volumes it left out at the start and for motion (not which: the kept ones are then
    numbered through).

    Raises
    ------
    SeriesError
        The table fits neither form of the series.
    """
    everything = np.arange(n_rows)
    tables = _of_the_run(path, "_outliers.tsv")
    if not tables:
        first = _count(meta, "NumberOfVolumesDiscardedByNonsteadyStatesDetector")
        scrubbed = _count(meta, "NumberOfVolumesDiscardedByMotionScrubbing")
        return everything + first, everything, n_rows + first + scrubbed
    table = path.with_name(tables[0])
    flags = _read_table(table)
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
    raise SeriesError(
        f"{path}: {n_rows} rows, but {table.name} has {len(flags)} volumes, "
        f"{counts}: neither the censored nor the interpolated series."
    )


def mean_fd_mm(path: Path, meta: dict) -> float | None:
    """Return the mean framewise displacement that XCP-D's motion table or a sidecar states."""
    for name in _of_the_run(path, "_motion.tsv"):
        motion = _read_table(path.with_name(name))
        if "framewise_displacement" in motion:
            mean = float(motion["framewise_displacement"].mean())
            return None if np.isnan(mean) else mean
    for key in ("MeanFramewiseDisplacement", "FDMean"):
        if isinstance(meta.get(key), int | float):
            return float(meta[key])
    return None


def coverage(path: Path, names: tuple[str, ...], meta: dict) -> np.ndarray | None:
    """Return each parcel's coverage by XCP-D's table or a sidecar's list; None: unknown.

    Raises
    ------
    SeriesError
        The table lacks a parcel.
    """
    own = _parcels_and_run(path.name)
    # Older versions wrote coverage.tsv.
    tables = [
        name
        for name in _beside(path)
        if _parcels_and_run(name) == own
        and name.endswith(("_stat-coverage_bold.tsv", "_coverage.tsv"))
    ]
    if not tables:
        listed = meta.get("Coverage")
        fits = isinstance(listed, list) and len(listed) == len(names)
        return np.array(listed, dtype=float) if fits else None
    table = path.with_name(tables[0])
    frame = _read_table(table)
    shares = dict(zip(frame.iloc[:, 0].astype(str), frame.iloc[:, -1].astype(float), strict=True))
    absent = [name for name in names if name not in shares]
    if absent:
        raise SeriesError(f"{table}: no coverage of parcel(s) {', '.join(absent[:5])}.")
    return np.array([shares[name] for name in names])


def _parcels_and_run(name: str) -> set[str]:
    return {part for part in parts_of(name) if part.split("-", 1)[0] not in _OF_THE_FORM}


def _of_the_run(path: Path, ending: str) -> list[str]:
    """Return files of the same run, whatever their space and atlas, the plainest name first."""
    run = run_parts(path.name)
    found = [name for name in _beside(path) if name.endswith(ending) and run_parts(name) == run]
    return sorted(found, key=lambda name: (len(parts_of(name)), name))


def _beside(path: Path) -> tuple[str, ...]:
    try:
        changed = os.stat(path.parent).st_mtime_ns
    except OSError:
        return ()
    return _by_participant(str(path.parent), changed).get(path.name.split("_")[0], ())


# One listing serves all series of a folder, by participant, because a folder may hold thousands;
# the time of its last change is in the key.
@functools.lru_cache(maxsize=2)
def _by_participant(folder: str, changed: int) -> dict[str, tuple[str, ...]]:
    names = defaultdict(list)
    for name in sorted(os.listdir(folder)):
        names[name.split("_")[0]].append(name)
    return {participant: tuple(found) for participant, found in names.items()}


def _count(meta: dict, key: str) -> int:
    value = meta.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _read_json(path: Path) -> dict:
    try:
        meta = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SeriesError(f"{path}: expected JSON, found: {error}") from error
    return meta if isinstance(meta, dict) else {}


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t", na_values=["n/a"])
    except (OSError, ValueError) as error:
        raise SeriesError(f"{path}: expected a tab-separated table, found: {error}") from error
