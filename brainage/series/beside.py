"""What other tools write beside a series: sidecars, and tables of censoring, motion, coverage.

Found by name. A sidecar may speak for several files (giga_connectome writes one for all atlases
of a run), as BIDS lets it: its parts are then some of the series' parts.
"""

from __future__ import annotations

import functools
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brainage.errors import SeriesError, TableError
from brainage.files import finite_number, read_json_object
from brainage.series.names import labels_of, parts_of, run_parts
from brainage.tables import missing_cells, number_of, read_text_table

#: What BIDS once proposed to write where the rate is the scan's, and what XCP-D writes: no number.
_NO_RATE = "TR"
#: A year: what is no time of a scan.
_MOST_SECONDS = 3.2e7
#: Keys in which a parcel table of a run may differ from its series.
_OF_THE_FORM = frozenset({"stat", "desc", "res", "den"})


def sidecar_of(path: Path, *, also: str | None = None) -> dict[str, Any]:
    """Return what JSON says of a series: its own file's keys, then those that it inherits.

    `also` is a further suffix whose files speak for it: a matrix is made from a series.

    By BIDS' principle of inheritance a file speaks for every series that has all parts of its name,
    in its folder or below; the more particular one wins. Empty: there is none.

    Raises
    ------
    SeriesError
        One is there and is no JSON object.

    Examples
    --------
    >>> file = ba.find_series(written / "trial" / "series")[0]
    >>> sidecar_of(file.path)["RepetitionTime"]
    2.0
    """
    meta: dict[str, Any] = {}
    for file in reversed(_sidecars(path, also)):
        meta |= read_json_object(file, error=SeriesError)
    return meta


def _sidecars(path: Path, also: str | None) -> list[Path]:
    """Return the JSON files that speak for a series, the most particular first."""
    exact = path.with_name(re.sub(r"(\.[a-zA-Z0-9]+)(\.gz)?$", ".json", path.name))
    found = [exact] if exact.is_file() else []
    suffix = re.search(r"_([a-zA-Z0-9]+)\.(tsv|csv|txt)(\.gz)?$", path.name)
    if suffix is None:
        return found
    suffixes = (suffix[1],) if also is None else (suffix[1], also)
    found += [file for of_kind in suffixes for file in _inherited(path, exact, of_kind)]
    return list(dict.fromkeys(found))


def _inherited(path: Path, exact: Path, suffix: str) -> list[Path]:
    parts, found = set(parts_of(path.name)), []
    for folder in _levels(path):
        shared = [
            name
            for name in (*_beside(folder / path.name), *_of_everybody(folder))
            if name.endswith(f"{suffix}.json")
            and set(parts_of(name)) < parts
            and folder / name != exact
        ]
        found += [folder / name for name in sorted(shared, key=lambda n: -len(parts_of(n)))]
    return found


def _levels(path: Path) -> list[Path]:
    """Return func, session, participant and dataset folders, and nothing above the dataset."""
    levels: list[Path] = []
    for parent in path.parents:
        levels.append(parent)
        if levels[-2:-1] and levels[-2].name.startswith("sub-"):
            return levels
    return [path.parent]


def stated_t_r_s(path: Path, meta: dict) -> float | None:
    """Return the repetition time in seconds that a sidecar states, or XCP-D's of the image.

    Raises
    ------
    SeriesError
        It states no number above 0, or two images of the run state different ones.
    """
    step_s = _even_step_s(path, meta.get("VolumeTiming"))
    value, is_rate = meta.get("RepetitionTime"), False
    # HALFpipe connects its repetition time to SamplingFrequency, so that seconds are called hertz.
    if value is None and step_s is None and "feature" not in labels_of(path.name):
        value, is_rate = meta.get("SamplingFrequency"), True
    if value is None or (is_rate and value == _NO_RATE):
        return _t_r_s_of_images(path) if step_s is None else step_s
    number = finite_number(value)
    if number is None or not 0 < number < _MOST_SECONDS:
        key = "SamplingFrequency (Hz)" if is_rate else "RepetitionTime (seconds)"
        raise SeriesError(
            f"{path.with_suffix('.json')}: {key}: expected a number above 0, found {value!r:.60}."
        )
    return 1 / number if is_rate else number


def _even_step_s(path: Path, times: object) -> float | None:
    """Return the step of BIDS' VolumeTiming; uneven steps are no repetition time."""
    if times is None:
        return None
    if not isinstance(times, list) or len(times) < 2 or None in map(finite_number, times):
        raise SeriesError(f"{path}: VolumeTiming: expected a list of seconds, one a volume.")
    steps_s = np.diff(np.array(times, dtype=float))
    step_s = float(np.median(steps_s))
    if not step_s > 0 or (np.abs(steps_s - step_s) > 0.01 * step_s).any():
        odd = int(np.argmax(np.abs(steps_s - step_s)))
        raise SeriesError(
            f"{path}: VolumeTiming: the volumes are not evenly spaced: {steps_s[odd]:g} s after "
            f"volume {odd + 1}, {step_s:g} s elsewhere. What filtered or lagged this series took "
            "the step for even."
        )
    return step_s


def stated_networks(meta: Mapping[str, Any], n_parcels: int, path: Path) -> tuple[str | None, ...]:
    """Return the network of each parcel that a sidecar states; None for each where it does not.

    Raises
    ------
    SeriesError
        A list of another length, or of anything but names.

    Examples
    --------
    >>> stated_networks({"Networks": ["Visual", None]}, 2, folder / "sub-01_timeseries.tsv")
    ('Visual', None)
    """
    stated = meta.get("Networks")
    if stated is None or stated == []:
        return (None,) * n_parcels
    if not isinstance(stated, list) or not all(n is None or isinstance(n, str) for n in stated):
        raise SeriesError(f"{path}: its sidecar's Networks: expected a list of names.")
    if len(stated) != n_parcels:
        raise SeriesError(
            f"{path}: {n_parcels} parcels, but its sidecar names {len(stated)} networks."
        )
    return tuple(stated)


def _t_r_s_of_images(path: Path) -> float | None:
    stated = {}
    for name in _of_the_run(path, "_bold.json"):
        meta = read_json_object(path.with_name(name), error=SeriesError)
        value = finite_number(meta.get("RepetitionTime"))
        if value is None:
            value = _even_step_s(path.with_name(name), meta.get("VolumeTiming"))
        if value is not None and value > 0:
            stated[name] = value
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
    text = _read_table(table)
    flags = pd.DataFrame(
        {
            name: _numbers(text[name], table)
            for name in ("framewise_displacement", "interpolation")
            if name in text
        }
    )
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
    """Return the mean framewise displacement that XCP-D's motion table or a sidecar states.

    Examples
    --------
    >>> mean_fd_mm(folder / "sub-01_timeseries.tsv", {"MeanFramewiseDisplacement": 0.12})
    0.12
    """
    for name in _of_the_run(path, "_motion.tsv"):
        table = path.with_name(name)
        motion = _read_table(table)
        if "framewise_displacement" in motion:
            fd_mm = _numbers(motion["framewise_displacement"], table)
            return None if np.isnan(fd_mm).all() else float(np.nanmean(fd_mm))
    for key in ("MeanFramewiseDisplacement", "FDMean"):
        value = finite_number(meta.get(key))
        if value is not None and value >= 0:
            return value
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
        if not isinstance(listed, list) or len(listed) != len(names):
            return None
        known = [finite_number(share) for share in listed]
        return None if None in known else np.array(known, dtype=float)
    table = path.with_name(tables[0])
    frame = _read_table(table)
    shares = dict(zip(frame.iloc[:, 0], _numbers(frame.iloc[:, -1], table), strict=True))
    absent = [name for name in names if name not in shares]
    if absent:
        raise SeriesError(f"{table}: no coverage of parcel(s) {', '.join(absent[:5])}.")
    return np.array([shares[name] for name in names])


def _parcels_and_run(name: str) -> set[str]:
    return {part for part in parts_of(name) if part.split("-", 1)[0] not in _OF_THE_FORM}


def _of_the_run(path: Path, ending: str) -> list[str]:
    """Return files that speak for a series' run, the most particular and then plainest first.

    As BIDS has it, whatever the entity: a file speaks for a series that has all of its parts. Only
    parts of form (space, resolution, ...) may be its own, because it may speak of the image.
    """
    run = set(run_parts(path.name))
    found = [
        name for name in _beside(path) if name.endswith(ending) and set(run_parts(name)) <= run
    ]
    most = max((len(run_parts(name)) for name in found), default=0)
    found = [name for name in found if len(run_parts(name)) == most]
    return sorted(found, key=lambda name: (len(parts_of(name)), name))


def _of_everybody(folder: Path) -> tuple[str, ...]:
    """Return the files of a folder whose names begin with no participant."""
    return tuple(
        name
        for first, names in _listing(folder).items()
        if not first.startswith(("sub-", "."))
        for name in names
    )


def _beside(path: Path) -> tuple[str, ...]:
    return _listing(path.parent).get(path.name.split("_")[0], ())


def _listing(folder: Path) -> dict[str, tuple[str, ...]]:
    try:
        changed = os.stat(folder).st_mtime_ns
    except OSError:
        return {}
    return _by_participant(str(folder), changed)


# One listing serves all series of a folder, by participant, because a folder may hold thousands;
# the time of its last change is in the key.
@functools.lru_cache(maxsize=8)
def _by_participant(folder: str, changed: int) -> dict[str, tuple[str, ...]]:
    names = defaultdict(list)
    for name in sorted(os.listdir(folder)):
        names[name.split("_")[0]].append(name)
    return {participant: tuple(found) for participant, found in names.items()}


def _count(meta: dict, key: str) -> int:
    value = meta.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _read_table(path: Path) -> pd.DataFrame:
    """Return the text cells of a table beside a series."""
    try:
        return read_text_table(path)
    except TableError as error:
        raise SeriesError(str(error)) from error


def _numbers(cells: pd.Series, path: Path) -> np.ndarray:
    numbers = cells.map(number_of).astype(float)
    strange = cells[numbers.isna() & ~missing_cells(cells)]
    if len(strange):
        raise SeriesError(
            f"{path}: line {strange.index[0]}: {cells.name}: expected a number, found "
            f"'{strange.iloc[0]:.40}'."
        )
    return numbers.to_numpy()
