"""Finding scans by their names alone: a derivatives folder, or a table of files."""

from __future__ import annotations

import re
from pathlib import Path

from brainage.errors import ScanError, TableError
from brainage.imaging.reading.folder import scans_in_folder
from brainage.imaging.reading.scan import Scan
from brainage.tables import NO_SESSION, is_missing, read_text_table, refuse_misnamed

_COLUMNS = (
    "path",
    "participant_id",
    "session_id",
    "run",
    "task",
    "space",
    "confounds",
    "mask",
    "t_r_s",
)


def find_scans(
    source: str | Path, *, space: str | None = None, task: str | None = None
) -> list[Scan]:
    """List the scans of an fMRIPrep derivatives folder, or of a table of files.

    Parameters
    ----------
    source : str or Path
        A folder with ``sub-*/[ses-*/]func/*_desc-preproc_bold.nii[.gz]``, or a TSV/CSV with the
        columns path, participant_id and optionally session_id, run, task, space, confounds,
        mask, t_r_s; its paths are relative to the table.
    space : str, optional
        Take this BIDS space where a run exists in several, with its resolution where there are
        several of that (``MNI152NLin6Asym:res-2``); ``native`` for images without the entity,
        ``fsLR`` for CIFTI (``*_bold.dtseries.nii``).
    task : str, optional
        Take this task only.

    Returns
    -------
    scans : list of Scan
        Sorted by participant, session, task and run; files are matched by name, none is opened.

    Raises
    ------
    ScanError
        Unreadable or empty folder, no such space or task, runs in several spaces, names that are
        no BIDS names.
    TableError
        A bad table, or a scan listed twice.

    Warns
    -----
    BrainAgeWarning
        Runs that are there as single echoes only; they are left out.

    Examples
    --------
    >>> scans = ba.find_scans(derivatives)
    >>> len(scans), scans[0].participant_id, scans[0].task
    (2, 'R0001', 'rest')
    """
    source = Path(source)
    if source.is_dir():
        scans = scans_in_folder(source, space, task)
    else:
        # A row without a space is taken on trust: the table lists what it means.
        scans = [
            s
            for s in _in_table(source)
            if task in (None, s.task)
            and (space is None or s.space in (None, space, space.split(":")[0]))
        ]
        if not scans:
            raise ScanError(f"{source}: no scan of task {task or 'any'} in space {space or 'any'}.")
    return sorted(scans, key=lambda s: (s.participant_id, s.session_id, s.task, s.run))


def _in_table(path: Path) -> list[Scan]:
    text = read_text_table(path)
    refuse_misnamed(path, list(text.columns), _COLUMNS)
    absent = [c for c in ("path", "participant_id") if c not in text]
    if absent:
        raise TableError(
            f"{path}: expected the columns path and participant_id, found "
            f"{', '.join(text.columns)}."
        )
    scans: list[Scan] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, row in zip(text.index, text.to_dict("records"), strict=True):
        scan = _table_scan(path, line, row)
        key = (scan.participant_id, scan.session_id, scan.task, scan.run)
        if key in seen:
            raise TableError(
                f"{path}: lines {seen[key]} and {line}: two rows for participant "
                f"{key[0]}, session {key[1]}, task {key[2]}, run {key[3]}; keep one."
            )
        seen[key] = line
        scans.append(scan)
    return scans


def _table_scan(path: Path, line: int, row: dict[str, str]) -> Scan:
    def cell(name: str) -> str | None:
        value = row.get(name, "")
        return None if is_missing(value) else value

    def file(name: str) -> Path | None:
        value = cell(name)
        return None if value is None else path.parent / value

    bold = file("path")
    if bold is None or cell("participant_id") is None:
        raise TableError(f"{path}: line {line}: path and participant_id are needed.")
    try:
        t_r_s = float(row["t_r_s"]) if cell("t_r_s") is not None else None
    except ValueError:
        raise TableError(
            f"{path}: line {line}: t_r_s must be seconds, found '{cell('t_r_s')}'."
        ) from None
    labels = {"participant_id": "sub-", "session_id": "ses-", "run": "run-", "task": "task-"}
    found = {
        name: (cell(name) or NO_SESSION).removeprefix(prefix) for name, prefix in labels.items()
    }
    for name, label in found.items():
        if label != NO_SESSION and not re.fullmatch(r"[a-zA-Z0-9+]+", label):
            raise TableError(
                f"{path}: line {line}: {name} '{label}': expected letters and digits "
                "only, since it becomes part of a file name."
            )
    return Scan(
        found["participant_id"],
        found["session_id"],
        found["run"],
        found["task"],
        space=cell("space"),
        bold=bold,
        confounds=file("confounds"),
        mask=file("mask"),
        t_r_s=t_r_s,
    )
