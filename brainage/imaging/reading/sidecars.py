"""What JSON files say of a scan; a repetition time is believed only where it is stated."""

from __future__ import annotations

import functools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from brainage.errors import ScanError
from brainage.files import read_json_object
from brainage.imaging.reading.scan import Scan
from brainage.series import parts_of
from brainage.tables import NO_SESSION

_SIDECAR = "bold.json"
#: Under which all JSON files of a folder are listed: no part of a name has a slash.
_ALL = "/"
#: How far two statements of one time may lie apart, and one step from the others.
_TOLERANCE = 0.01
#: A longer step is milliseconds that were called seconds.
_LONGEST_S = 60.0
#: A year: what is no time of a scan.
_MOST_SECONDS = 3.2e7


def resolve_t_r_s(
    scan: Scan,
    header_t_r_s: float | None,
    *,
    n_volumes: int | None = None,
    configured_t_r_s: float | None = None,
) -> float:
    """Return a scan's repetition time in seconds, never a guess.

    Parameters
    ----------
    scan : Scan
        Its table entry or JSON sidecar (also one that speaks for several scans, by BIDS
        inheritance) is believed at any positive value.
    header_t_r_s : float or None
        The header's; alone it is believed unless it is exactly 1 s, which is what headers say
        that lost it (None: it is 0, or has no unit of time).
    n_volumes : int or None, default=None
        Of the image: as many times a sidecar's VolumeTiming must list; None: not compared.
    configured_t_r_s : float or None, default=None
        ``science.cleaning.t_r_s``.

    Raises
    ------
    ScanError
        No statement, one of more than a minute, a sidecar and a header that differ by more than
        1 %, or volumes that are not evenly spaced.

    Examples
    --------
    >>> resolve_t_r_s(ba.find_scans(derivatives)[0], 2.0)
    2.0
    """
    # Read also where a table states the time: uneven volumes stay uneven.
    of_sidecar = _sidecar_t_r_s(scan, n_volumes)
    stated = of_sidecar if scan.t_r_s is None else scan.t_r_s
    if stated is None:
        stated = configured_t_r_s
    if stated is None:
        if header_t_r_s is None or header_t_r_s == 1.0:
            found = "no time step with a unit" if header_t_r_s is None else "exactly 1 s"
            raise ScanError(
                f"{scan.bold}: expected a repetition time, found {found} in the header and no "
                "RepetitionTime in a JSON sidecar. State it in science.cleaning.t_r_s, or in the "
                "column t_r_s of the scans table."
            )
        stated = header_t_r_s
    elif not 0 < stated < float("inf"):
        raise ScanError(f"{scan.bold}: expected a positive repetition time, found {stated:g} s.")
    if stated > _LONGEST_S:
        raise ScanError(
            f"{scan.bold}: the repetition time is {stated:g} s; no scan of fMRI has that. Are "
            "these milliseconds? State seconds, in the sidecar, the scans table or "
            "science.cleaning.t_r_s, and mend the header."
        )
    # A header of exactly 1 s, or without a unit, says nothing and contradicts nothing.
    if header_t_r_s not in (None, 1.0) and abs(header_t_r_s - stated) > _TOLERANCE * stated:
        raise ScanError(
            f"{scan.bold}: the repetition time is {stated:g} s by its sidecar, table or config and "
            f"{header_t_r_s:g} s by its header. Mend the one that is wrong."
        )
    return float(stated)


def sidecars_of(scan: Scan) -> list[Path]:
    """Return the JSON files that speak for a scan, and its confounds' own, which may be absent.

    Examples
    --------
    >>> sidecars_of(ba.find_scans(derivatives)[0])[0].suffix
    '.json'
    """
    found = _image_sidecars(scan)
    if scan.confounds is not None:
        name = re.sub(r"\.[^.]+(\.gz)?$", ".json", scan.confounds.name)
        found.append(scan.confounds.with_name(name))
    return found


def _image_sidecars(scan: Scan) -> list[Path]:
    if scan.sidecars is not None:
        return list(scan.sidecars)
    levels = [(str(folder), _sidecars_in(folder)) for folder in _levels(scan.bold)]
    return matching_sidecars(scan.bold.name, scan.task, levels)


def matching_sidecars(
    name: str, task: str, levels: Sequence[tuple[str, Mapping[str, Sequence[str]]]]
) -> list[Path]:
    """Return an image's own sidecars, then those that it inherits, the most particular first.

    By BIDS' principle of inheritance a file speaks for every image that has all parts of its name
    (``task-rest_bold.json``, ``sub-01_task-rest_bold.json``) in its folder or below.

    Parameters
    ----------
    name : str
        Of the image.
    task : str
        Of the scan; a table may say what the name does not.
    levels : sequence of (str, mapping)
        The image's folder and those above it, each with its sidecars as `by_first_part` has them.
    """
    stem = re.sub(r"\.nii(\.gz)?$", "", name, flags=re.IGNORECASE)
    own = [f"{own}.json" for own in dict.fromkeys((stem.removesuffix(".dtseries"), stem))]
    parts = {*parts_of(name)}
    if task != NO_SESSION:
        parts.add(f"task-{task}")
    folder, beside = levels[0]
    there = set(beside.get(_ALL, ()))
    found = [Path(folder, own_name) for own_name in own if own_name in there]
    for folder, names in levels:
        shared = [
            other
            for part in ("", *sorted(parts))
            for other in names.get(part, ())
            if set(parts_of(other)) <= parts and other not in own
        ]
        found += [Path(folder, other) for other in sorted(shared, key=lambda n: -len(parts_of(n)))]
    return found


def by_first_part(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the sidecars among a folder's names by the first part of their names, and all JSON."""
    found = defaultdict(list)
    for name in sorted(name for name in names if name.endswith(".json")):
        found[_ALL].append(name)
        # Of parts and nothing else: "scan7_bold.json" is scan 7's own.
        if name.endswith(_SIDECAR) and name == "_".join([*parts_of(name), _SIDECAR]):
            found[next(iter(parts_of(name)), "")].append(name)
    return found


def _levels(bold: Path) -> list[Path]:
    """Return func, session, participant and dataset folders, and nothing above the dataset."""
    levels = []
    for parent in bold.parents:
        levels.append(parent)
        if levels[-2:-1] and levels[-2].name.startswith("sub-"):
            return levels
    return [bold.parent]


def _sidecars_in(folder: Path) -> dict[str, list[str]]:
    try:
        return _listed(str(folder), os.stat(folder).st_mtime_ns)
    except OSError:
        return {}


# A dataset's folder lists thousands of participants and is asked for each of their scans; the
# time of its last change is in the key.
@functools.lru_cache(maxsize=8)
def _listed(folder: str, changed: int) -> dict[str, list[str]]:
    return by_first_part(os.listdir(folder))


def _sidecar_t_r_s(scan: Scan, n_volumes: int | None) -> float | None:
    """Return what the most particular sidecar says that speaks of time at all."""
    for path in _image_sidecars(scan):
        meta = read_json_object(path, error=ScanError)
        if (meta.get("RepetitionTime"), meta.get("VolumeTiming")) == (None, None):
            continue
        t_r_s = meta.get("RepetitionTime")
        if t_r_s is not None:
            if not _is_number(t_r_s):
                raise ScanError(f"{path}: RepetitionTime: expected seconds, found {t_r_s!r}.")
            t_r_s = float(t_r_s)
        if meta.get("VolumeTiming") is not None:
            step_s = _even_step_s(path, meta["VolumeTiming"], n_volumes)
            if t_r_s is not None and abs(step_s - t_r_s) > _TOLERANCE * step_s:
                raise ScanError(
                    f"{path}: RepetitionTime says {t_r_s:g} s, VolumeTiming {step_s:g} s. Keep the "
                    "one that is right."
                )
            t_r_s = step_s if t_r_s is None else t_r_s
        return t_r_s
    return None


def _even_step_s(path: Path, times_s: object, n_volumes: int | None) -> float:
    """Return the step of evenly spaced volumes; refuse others: no filter and no lag fits them."""
    if not isinstance(times_s, list) or not all(_is_number(time_s) for time_s in times_s):
        raise ScanError(f"{path}: VolumeTiming: expected a list of seconds, one a volume.")
    if len(times_s) < 2 or len(times_s) != (n_volumes or len(times_s)):
        raise ScanError(
            f"{path}: VolumeTiming lists {len(times_s)} times, the image has {n_volumes} volumes."
        )
    steps_s = np.diff(np.asarray(times_s, dtype=float))
    step_s = float(np.median(steps_s))
    odd = np.flatnonzero(~(np.abs(steps_s - step_s) <= _TOLERANCE * step_s))
    if len(odd):
        raise ScanError(
            f"{path}: VolumeTiming: the volumes are not evenly spaced: {steps_s[odd[0]]:g} s "
            f"behind volume {odd[0]} (counted from 0), {step_s:g} s behind most. Filters, lags "
            "and minutes kept need even steps: leave the scan out, or cut it at the gap."
        )
    return float(steps_s.mean())


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _MOST_SECONDS
