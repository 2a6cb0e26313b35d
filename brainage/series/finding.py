"""Finding parcel series by their names alone: a derivatives tree, or a table of files."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from brainage.errors import SeriesError
from brainage.series.file_table import files_in_table, read_parcels
from brainage.series.names import labels_of, name_problem, parts_of, run_label, same_run
from brainage.series.number_table import read_number_table
from brainage.series.scan_arrays import ARRAYS, read_scan_array
from brainage.series.types import ParcelsIn, SeriesFile
from brainage.tables import NO_SESSION

SUFFIX = "_timeseries.tsv"
_NAMED = (SUFFIX, "_timeseries.csv", "_timeseries.1D")
#: The ABIDE release names series ``*_rois_cc400.1D``; C-PAC's own ``*.1D`` are motion as well.
_UNNAMED = ".1D"
#: fMRIPrep's confounds end as series do.
_NO_SERIES = "_desc-confounds_timeseries."


def find_series(
    folder: str | Path,
    *,
    atlas: str | None = None,
    space: str | None = None,
    task: str | None = None,
    parcels_in: ParcelsIn | None = None,
    parcels: str | Path | None = None,
) -> list[SeriesFile]:
    """List the parcel series of a derivatives tree or of a table of files, opening none.

    Parameters
    ----------
    folder : str or Path
        A tree with ``*_timeseries.tsv`` (ours, XCP-D's, giga_connectome's, HALFpipe's), the same
        as CSV, C-PAC's ``*_timeseries.1D``, or, where there is none of these, ``sub-*.1D``; or a
        TSV/CSV with the columns path, participant_id and optionally session_id, run, task, atlas,
        t_r_s, paths relative to it, for files named otherwise.
    atlas : str or None, default=None
        Take this atlas only. Parts of the name may follow, where an atlas is there in several
        forms: ``CC200:reg-36Parameter``.
    space : str or None, default=None
        Take this BIDS space only; what names no space is taken.
    task : str or None, default=None
        Take this task only.
    parcels_in : {"columns", "rows"} or None, default=None
        Where the files have their parcels; None: told by names, else columns, as BIDS has it.
    parcels : str or Path or None, default=None
        Table of the parcels of one array of all scans (``.npz``, ``.npy``), in its order.

    Returns
    -------
    files : list of SeriesFile
        Sorted by path. A series of all runs joined (XCP-D's ``--combine-runs``) is left out where
        the runs themselves are there.

    Raises
    ------
    SeriesError
        No such folder, no series, no such atlas, space or task, or one run in several forms.

    Examples
    --------
    >>> files = ba.find_series(written / "reference" / "series")
    >>> len(files), files[0].participant_id, files[0].atlas
    (40, 'R0001', 'lattice24')
    """
    if Path(folder).is_file() and Path(folder).suffix.lower() in ARRAYS:
        return _in_array(Path(folder), atlas, parcels_in, parcels)
    files = find_files(
        folder,
        endings=_NAMED,
        what=f"*{SUFFIX} files",
        atlas=atlas,
        space=space,
        task=task,
        unnamed=_UNNAMED,
    )
    return [replace(file, parcels_in=parcels_in) for file in files] if parcels_in else files


def _in_array(
    path: Path, atlas: str | None, parcels_in: ParcelsIn | None, parcels: str | Path | None
) -> list[SeriesFile]:
    names, networks = (None, None) if parcels is None else read_parcels(Path(parcels))
    held = read_scan_array(path)
    return [
        SeriesFile(
            path,
            person,
            session,
            atlas=atlas or NO_SESSION,
            by_name=False,
            parcels_in=parcels_in,
            index=index,
            parcels=names,
            networks=networks,
        )
        for index, (person, session) in enumerate(
            zip(held.participant_ids, held.session_ids, strict=True)
        )
    ]


def find_files(
    folder: str | Path,
    *,
    endings: tuple[str, ...],
    what: str,
    atlas: str | None = None,
    space: str | None = None,
    task: str | None = None,
    unnamed: str | None = None,
) -> list[SeriesFile]:
    """List files of one kind, named as BIDS names them or listed in a table; see `find_series`.

    Parameters
    ----------
    folder : str or Path
        A tree, or a table with path and participant_id.
    endings : tuple of str
        Of the names wanted.
    what : str
        What they are, for messages.
    atlas, space, task : str or None, default=None
        Take these only.
    unnamed : str or None, default=None
        Ending taken where no name has one of `endings`.

    Raises
    ------
    SeriesError
        As `find_series`.

    Examples
    --------
    >>> files = find_files(
    ...     written / "trial" / "series", endings=("_timeseries.tsv",), what="parcel series"
    ... )
    >>> files[0].participant_id, files[0].session_id
    ('T001', '1y')
    """
    folder = Path(folder)
    if folder.is_file():
        found = files_in_table(folder)
    elif folder.is_dir():
        found = _in_folder(folder, endings, unnamed)
    else:
        raise SeriesError(f"{folder}: expected a folder of {what}, found no folder.")
    if not found:
        raise SeriesError(
            f"{folder}: expected {what}, found none. "
            "Run `brainage extract` first, or check the path."
        )
    chosen = _of_atlas(folder, found, atlas)
    chosen = _of_label(folder, chosen, "space", space)
    chosen = _of_label(folder, chosen, "task", task)
    chosen = _without_joined_runs(chosen)
    _refuse_twins(folder, chosen)
    return sorted(chosen, key=lambda item: str(item.path))


def file_of_name(path: Path) -> SeriesFile:
    """Return the labels that a file's name gives it.

    Raises
    ------
    SeriesError
        The name has no participant.
    """
    labels = labels_of(path.name)
    if not labels.get("sub"):
        raise SeriesError(
            f"{path}: expected a name with 'sub-<label>', found none. For files "
            "named otherwise give a table: path, participant_id, session_id."
        )
    return SeriesFile(
        path=path,
        participant_id=labels["sub"],
        session_id=labels.get("ses", NO_SESSION),
        run=run_label(labels, absent=NO_SESSION),
        task=labels.get("task", NO_SESSION),
        atlas=labels.get("atlas", labels.get("seg", NO_SESSION)),
    )


def _in_folder(folder: Path, endings: tuple[str, ...], unnamed: str | None) -> list[SeriesFile]:
    wanted = endings if unnamed is None else (*endings, unnamed)
    paths = sorted(_walk(str(folder), wanted))
    named = [path for path in paths if path.endswith(endings)]
    found = [Path(path) for path in named or paths]
    for path in found:
        problem = name_problem(path.name, path.relative_to(folder).parts[:-1])
        if problem is not None:
            raise SeriesError(
                f"{path}: {problem}; whose series it is cannot be known. Rename or move it, or "
                "list the files in a table."
            )
    return [file_of_name(path) for path in found]


def _walk(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                # Hidden folders hold thousands of files of git, and no series.
                # macOS leaves ._NAME beside NAME, and __MACOSX beside what it packed.
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                if entry.is_dir():
                    yield from _walk(entry.path, endings)
                elif entry.name.endswith(endings) and _NO_SERIES not in entry.name:
                    yield entry.path
    except OSError as error:
        raise SeriesError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _of_atlas(folder: Path, files: list[SeriesFile], atlas: str | None) -> list[SeriesFile]:
    if atlas is None:
        return files
    name, *parts = atlas.split(":")
    chosen = [
        item for item in files if item.atlas == name and set(parts) <= set(parts_of(item.path.name))
    ]
    if not chosen:
        raise SeriesError(
            f"{folder}: no series of atlas {atlas}; there are "
            f"{', '.join(sorted({item.atlas for item in files}))}."
        )
    return chosen


def _of_label(
    folder: Path, files: list[SeriesFile], key: str, wanted: str | None
) -> list[SeriesFile]:
    if wanted is None:
        return files
    labels = [_label(item, key) for item in files]
    # A file that names no space is taken on trust; one that names no task is of another.
    accepted = (wanted, NO_SESSION) if key == "space" else (wanted,)
    chosen = [item for item, label in zip(files, labels, strict=True) if label in accepted]
    if not chosen:
        raise SeriesError(
            f"{folder}: no series of {key} {wanted}; there are {', '.join(sorted(set(labels)))}."
        )
    return chosen


def _label(item: SeriesFile, key: str) -> str:
    return item.task if key == "task" else labels_of(item.path.name).get(key, NO_SESSION)


def _without_joined_runs(files: list[SeriesFile]) -> list[SeriesFile]:
    """Leave out what XCP-D joined over runs and directions: a session must not count it twice.

    The runs are kept, because lagged pairs must not cross from one into the next. Of one run alone
    the joined file is a copy, and another scan where it holds something else.
    """
    sources = defaultdict(list)
    for item in files:
        if _is_one_of_several(item):
            sources[_joined_name(item)].append(item)
    kept = []
    for item in files:
        of_runs = sources.get((item.path.parent, parts_of(item.path.name)), [])
        joined = len(of_runs) > 1 or (len(of_runs) == 1 and _same_numbers(item, of_runs[0]))
        if _is_one_of_several(item) or not joined:
            kept.append(item)
    return kept


def _same_numbers(one: SeriesFile, other: SeriesFile) -> bool:
    try:
        first, second = (read_number_table(item.path).values for item in (one, other))
    except SeriesError:
        # Reading it again will say what is wrong with it.
        return False
    same = first.shape == second.shape
    return same and np.allclose(first, second, rtol=1e-4, atol=1e-6, equal_nan=True)


def _is_one_of_several(item: SeriesFile) -> bool:
    return not item.by_name or not {"run", "dir"}.isdisjoint(labels_of(item.path.name))


def _joined_name(item: SeriesFile) -> tuple:
    parts = parts_of(item.path.name)
    kept = tuple(part for part in parts if part.split("-", 1)[0] not in ("run", "dir"))
    return item.path.parent, kept


def _refuse_twins(folder: Path, files: list[SeriesFile]) -> None:
    seen: dict[tuple, SeriesFile] = {}
    for item in files:
        # Parts that no list of ours knows (scale-, hemi-) tell forms of a run apart, not runs.
        run = same_run(item.run) if item.by_name else item.run
        key = (item.participant_id, item.session_id, item.task, run)
        other = seen.setdefault(key, item)
        if other is not item:
            raise SeriesError(
                f"{folder}: one run in several forms: {other.path.name} and "
                f"{item.path.name}. {_how_to_choose(other, item)}, or list the files "
                "in a table."
            )


def _how_to_choose(one: SeriesFile, other: SeriesFile) -> str:
    if one.atlas != other.atlas:
        return f"Choose with paths.<cohort>.atlas: {one.atlas}, or {other.atlas}"
    spaces = [_label(item, "space") for item in (one, other)]
    if spaces[0] != spaces[1] and NO_SESSION not in spaces:
        return f"Choose with paths.<cohort>.space: {spaces[0]}, or {spaces[1]}"
    if one.run != other.run:
        return f"Runs {one.run} and {other.run} are one number: keep one, or number them apart"
    telling = sorted(set(parts_of(other.path.name)) - set(parts_of(one.path.name)))
    if telling:
        return f"Choose with parts of the name: paths.<cohort>.atlas: {other.atlas}:{telling[0]}"
    return "Keep one of them in the folder"
