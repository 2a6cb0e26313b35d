"""The scans of a cohort, listed once: jobs of an array read the list and walk no tree.

The list stays as it is while parts of it are extracted, so that shard 3 of 16 means the same scans
to every job, whatever is added to the tree meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.imaging import Scan, find_scans
from brainage.stages.cohorts import Cohort, cohort_paths, stage_folder
from brainage.stages.making import Making
from brainage.tables import Column, TableSchema, read_table, write_table

SCAN_LIST = TableSchema(
    "scan list",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("task", "text", "Task, 'n/a' where there is none."),
        Column("run", "text", "Run, 'n/a' where there is none."),
        Column("bold", "text", "Image."),
        Column("confounds", "text", "Table of confounds.", nullable=True),
        Column("mask", "text", "Brain mask.", nullable=True),
        Column("space", "text", "BIDS space.", nullable=True),
        Column("t_r_s", "number", "Repetition time where a table states it.", "s", nullable=True),
        Column(
            "sidecars",
            "text",
            "JSON list of the files that speak for the image; n/a: looked for when it is read.",
            nullable=True,
        ),
    ),
    key=("participant_id", "session_id", "task", "run"),
)


def cohort_scans(
    study: StudyConfig,
    cohort: Cohort,
    *,
    participants: Iterable[str] | None = None,
    sessions: Iterable[str] | None = None,
    frozen: bool = False,
) -> list[Scan]:
    """List a cohort's scans in path order, opening none.

    Parameters
    ----------
    study : StudyConfig
        ``paths.COHORT.scans`` is the tree, or a table.
    cohort : {"reference", "trial", "external"}
        Whose.
    participants, sessions : iterable of str, optional
        Only these.
    frozen : bool, default=False
        Read the list that was made before, where there is one for the same paths; else walk the
        tree and, for the next job, freeze what was found.

    Raises
    ------
    StageError
        No scans are named, or an id or a session matches nothing.
    """
    paths = cohort_paths(study, cohort)
    scans = frozen_scans(study, cohort) if frozen else None
    if scans is None:
        if paths.scans is None:
            raise StageError(
                f"paths.{cohort}.scans: expected a folder or a table of scans, found none. Name it "
                "in the study file."
            )
        scans = find_scans(paths.scans, space=paths.space, task=paths.task)
        if frozen:
            freeze(study, cohort, scans)
    for name, prefix, wanted in (
        ("participant_id", "sub-", participants),
        ("session_id", "ses-", sessions),
    ):
        if wanted is None:
            continue
        labels = {label.removeprefix(prefix) for label in wanted}
        absent = labels - {getattr(scan, name) for scan in scans}
        if absent:
            what = "participant(s)" if name == "participant_id" else "session(s)"
            raise StageError(f"{paths.scans}: no scans of {what} {', '.join(sorted(absent))}.")
        scans = [scan for scan in scans if getattr(scan, name) in labels]
    return scans


def freeze(study: StudyConfig, cohort: Cohort, scans: list[Scan]) -> Path:
    """Write a cohort's list, in the place of the one before; return its file."""
    folder = _folder(study, cohort)
    path = folder / "scans.tsv"

    def write() -> list[Path]:
        write_table(list_table(scans), path, SCAN_LIST)
        return [path, path.with_suffix(".json")]

    _making(study, cohort).make(write, overwrite=True)
    return path


def frozen_scans(study: StudyConfig, cohort: Cohort) -> list[Scan] | None:
    """Return the scans of a cohort's list; None where there is none of these paths.

    Raises
    ------
    StageError
        The list was changed since, or the files that it names are gone.
    """
    if not _making(study, cohort).is_current():
        return None
    path = _folder(study, cohort) / "scans.tsv"
    table = read_table(path, SCAN_LIST)
    scans = [_as_scan(row) for row in table.to_dict("records")]
    some = scans[:: max(1, len(scans) // 20)]
    if scans and not any(scan.bold.is_file() for scan in some):
        raise StageError(
            f"{path}: none of the scans in the list that were looked for is there (the first: "
            f"{scans[0].bold}). `brainage extract --list` lists them anew."
        )
    return scans


def _folder(study: StudyConfig, cohort: Cohort) -> Path:
    return stage_folder(study, "extract") / cohort / "list"


def _making(study: StudyConfig, cohort: Cohort) -> Making:
    paths = cohort_paths(study, cohort)
    source = Path(paths.scans or "")
    # A table of scans is a list itself: another one is another list.
    inputs = {"table": hash_file(source)} if source.is_file() else {}
    described = {"scans": paths.scans, "space": paths.space, "task": paths.task}
    return Making(_folder(study, cohort), "list", described, inputs, verb="extract --list")


def list_table(scans: list[Scan]) -> pd.DataFrame:
    """Return scans as a table (schema `SCAN_LIST`)."""
    rows = [
        {name: getattr(scan, name) for name in SCAN_LIST.names}
        | {name: _text(getattr(scan, name)) for name in ("bold", "confounds", "mask")}
        | {"sidecars": _listed(scan.sidecars)}
        for scan in scans
    ]
    table = pd.DataFrame(rows, columns=list(SCAN_LIST.names))
    return table.astype({"t_r_s": "float64"})


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _listed(sidecars: tuple[Path, ...] | None) -> str | None:
    return None if sidecars is None else json.dumps([str(path) for path in sidecars])


def _as_scan(row: dict[Any, Any]) -> Scan:
    known: dict[str, Any] = {name: None if pd.isna(value) else value for name, value in row.items()}
    for name in ("bold", "confounds", "mask"):
        known[name] = None if known[name] is None else Path(known[name])
    if known["sidecars"] is not None:
        known["sidecars"] = tuple(Path(path) for path in json.loads(known["sidecars"]))
    for name in ("session_id", "task", "run"):
        known[name] = known[name] or "n/a"
    return Scan(**known)
