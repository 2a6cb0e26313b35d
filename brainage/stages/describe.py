"""What lies in a folder, for a study file: names and tables are read, no image is opened."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from brainage.connectivity import MATRIX_ENDINGS
from brainage.errors import BrainAgeError, ConfigError
from brainage.series import parts_of
from brainage.tables import read_scores, read_text_table

_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([A-Za-z0-9+]+)(?=_|$)")
#: Entities that make another run, atlas or space; files alike in these are forms of one run.
_OF_A_RUN = ("sub", "ses", "task", "run", "dir", "acq", "atlas", "seg", "space")
_BOLD = ("_bold.nii.gz", "_bold.nii", "_bold.dtseries.nii")
_SERIES = ("_timeseries.tsv", "_timeseries.csv", "_timeseries.ptseries.nii")
#: Columns that usually hold what was randomised, and words that usually mean control.
_ARM_NAMES = ("arm", "group", "treatment", "allocation", "condition", "randomi", "intervention")
CONTROL = re.compile(r"^(con|ctrl|ctl|control|placebo|sham|usual|wait|passive|none)", re.IGNORECASE)
_AGE_NAMES = ("age_years", "age")
#: Files looked at in one folder: a study of 40,000 scans is described by its first ones as well.
_MOST_FILES = 200_000


@dataclass(frozen=True)
class Folder:
    """What the names of a derivatives folder's files say.

    Parameters
    ----------
    path : Path
        The folder.
    holds : {"scans", "series", "matrices"}
        What is taken of it: parcel series before images, matrices where there is nothing else.
    participants, sessions, tasks, spaces, atlases : Counter
        Label -> number of files.
    forms : Counter
        Parts of names ("feature-A") by which files of one run and atlas differ -> number of files.
    tables : dict of str to Path
        "participants" and "sessions", where they were found.
    """

    path: Path
    holds: Literal["scans", "series", "matrices"]
    participants: Counter = field(default_factory=Counter)
    sessions: Counter = field(default_factory=Counter)
    tasks: Counter = field(default_factory=Counter)
    spaces: Counter = field(default_factory=Counter)
    atlases: Counter = field(default_factory=Counter)
    forms: Counter = field(default_factory=Counter)
    tables: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Arms:
    """Where the arms are, as far as tables tell: control first; without arms nothing was found."""

    table: Path | None = None
    column: str | None = None
    names: tuple[str, ...] = ()


def describe_folder(path: str | Path) -> Folder:
    """Look at a derivatives folder from outside.

    Parameters
    ----------
    path : str or Path
        fMRIPrep output, or parcel series or matrices made by XCP-D, HALFpipe, giga_connectome, ...

    Returns
    -------
    folder : Folder

    Raises
    ------
    ConfigError
        No such folder, or neither BOLD images nor parcel series nor matrices in it.
    """
    path = Path(path).resolve()
    if not path.is_dir():
        raise ConfigError(f"{path}: expected a folder of derivatives, found none.")
    names: dict[Literal["scans", "series", "matrices"], list[str]]
    names = {"series": [], "scans": [], "matrices": []}
    for name in _names(path):
        if name.endswith(_BOLD):
            names["scans"].append(name)
        elif name.endswith(_SERIES) and "desc-confounds" not in name:
            names["series"].append(name)
        elif name.endswith(MATRIX_ENDINGS):
            names["matrices"].append(name)
    # XCP-D writes all three: its series are what is cleaned, and tell more than its matrices.
    holds = next((source for source, files in names.items() if files), None)
    if holds is None:
        raise ConfigError(
            f"{path}: expected files *_bold.nii.gz or *_timeseries.tsv (or *_relmat.tsv) in it or "
            "its folders, found none. Name the folder that fMRIPrep (or XCP-D, HALFpipe, ...) "
            "wrote."
        )
    counts: dict[str, Counter] = {key: Counter() for key in ("sub", "ses", "task", "space")}
    atlases: Counter = Counter()
    for name in names[holds]:
        entities = dict(_ENTITY.findall(name))
        for key, counter in counts.items():
            if key in entities:
                counter[entities[key]] += 1
        for key in ("atlas", "seg"):
            if key in entities:
                atlases[entities[key]] += 1
    return Folder(
        path,
        holds,
        counts["sub"],
        counts["ses"],
        counts["task"],
        counts["space"],
        atlases,
        _forms(names[holds] if holds != "scans" else ()),
        _tables(path),
    )


def _forms(names: Sequence[str]) -> Counter:
    """Count the parts of names that tell files of one run and atlas apart."""
    runs: dict[tuple, list[tuple[str, ...]]] = {}
    for name in names:
        parts = parts_of(name)
        run = tuple(part for part in parts if part.split("-", 1)[0] in _OF_A_RUN)
        runs.setdefault(run, []).append(parts)
    forms: Counter = Counter()
    for files in runs.values():
        shared = set(files[0]).intersection(*files[1:])
        own = [sorted(set(parts) - shared) for parts in files]
        forms.update(telling[0] for telling in own if len(files) > 1 and telling)
    return forms


def visits_of(trial: Folder | None, scores: Path | None) -> list[tuple[str, float | None]]:
    """Return sessions in order, each with its years since the first where ages tell.

    Parameters
    ----------
    trial : Folder or None
        From `describe_folder`.
    scores : Path or None
        A table of scores; it has the ages.
    """
    if scores is not None:
        table = read_scores(scores)
        ages = table.assign(session=table["session_id"].str.removeprefix("ses-"))
        return _by_age(ages, sorted(ages["session"].unique(), key=_natural))
    if trial is None or len(trial.sessions) < 2:
        return []
    sessions = sorted(trial.sessions, key=_natural)
    return _by_age(_ages_of(trial), sessions)


def _by_age(ages: pd.DataFrame | None, sessions: Sequence[str]) -> list[tuple[str, float | None]]:
    if ages is None:
        return [(session, 0.0 if i == 0 else None) for i, session in enumerate(sessions)]
    wide = ages.pivot_table(index="participant_id", columns="session", values="age_years")
    wide = wide.reindex(columns=sessions)
    order = sorted(sessions, key=lambda name: (wide[name].mean(), _natural(name)))
    since = {name: (wide[name] - wide[order[0]]).median() for name in order}
    # Planned times are round: half a year is told from three quarters, a late scan from its plan.
    rounded = {name: round(4 * value) / 4 for name, value in since.items() if value == value}
    rising = [rounded.get(name) for name in order]
    known = [value for value in rising if value is not None]
    ascends = all(b > a for a, b in zip(known, known[1:], strict=False))
    if len(known) < len(rising) or not ascends:
        return [(name, 0.0 if i == 0 else None) for i, name in enumerate(order)]
    return list(zip(order, rising, strict=True))


def _ages_of(trial: Folder) -> pd.DataFrame | None:
    """Return ages at each session, where one table has both; else None."""
    source = trial.tables.get("sessions")
    if source is None or not source.is_file():
        return None
    try:
        table = read_text_table(source)
    except BrainAgeError:
        return None
    age = next((name for name in _AGE_NAMES if name in table), None)
    if age is None or not {"participant_id", "session_id"} <= set(table.columns):
        return None
    return pd.DataFrame(
        {
            "participant_id": table["participant_id"],
            "session": table["session_id"].str.removeprefix("ses-"),
            "age_years": pd.to_numeric(table[age], errors="coerce"),
        }
    )


def find_arms(beside: Path | None, trial: Folder | None) -> Arms:
    """Look for a column of arms in tables; the names only, to write them down.

    Parameters
    ----------
    beside : Path or None
        A folder whose tables are looked at.
    trial : Folder or None
        Whose people's tables are looked at.
    """
    tables = list(trial.tables.values()) if trial is not None else []
    folders = [folder for folder in (beside, *(t.parent for t in tables)) if folder is not None]
    for folder in dict.fromkeys(folders):
        tables += sorted([*folder.glob("*.tsv"), *folder.glob("*.csv")])[:50]
    for path in dict.fromkeys(tables):
        found = _arms_in(path) if path.is_file() else None
        if found is not None:
            return found
    return Arms()


def _arms_in(path: Path) -> Arms | None:
    try:
        table = read_text_table(path)
    except BrainAgeError:
        return None
    if "participant_id" not in table:
        return None
    columns = [
        name for name in table.columns if any(str(name).lower().startswith(a) for a in _ARM_NAMES)
    ]
    for column in sorted(columns, key=lambda name: str(name).lower() != "arm"):
        values = sorted({str(value) for value in table[column].dropna()} - {"n/a", ""})
        if 2 <= len(values) <= 8:
            values.sort(key=lambda value: (not CONTROL.match(value), value))
            return Arms(path, str(column), tuple(values))
    return None


def _tables(path: Path) -> dict[str, Path]:
    """Find the people's tables in the folder or in the two above it (the raw BIDS folder)."""
    found: dict[str, Path] = {}
    for folder in (path, path.parent, path.parent.parent):
        for name in ("participants", "sessions"):
            file = folder / f"{name}.tsv"
            if name not in found and file.is_file():
                found[name] = file
        if "sessions" not in found and next(folder.glob("sub-*/sub-*_sessions.tsv"), None):
            found["sessions"] = folder
    return found


def _names(path: Path) -> Iterator[str]:
    seen = 0
    for _folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                seen += 1
                yield name
        if seen > _MOST_FILES:
            return


def _natural(text: str) -> tuple:
    parts = re.split(r"(\d+)", text)
    first = re.match(r"(bl|base|pre|m0|t0|v0|0)", text, re.IGNORECASE) is None
    return (first, [int(part) if part.isdigit() else part for part in parts])
