"""Finding scans by their names alone, and believing a repetition time only where it is stated."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brainage.errors import ScanError, TableError
from brainage.tables import NO_SESSION, read_text_table

_BOLD = re.compile(r"_desc-preproc_bold\.nii(\.gz)?$")
_ENTITY = re.compile(r"(?:^|_)([a-zA-Z]+)-([a-zA-Z0-9+]+)")
_RUN_ENTITIES = ("sub", "ses", "task", "run", "acq", "dir")
_ABSENT = {"", "n/a", "nan", "none"}


@dataclass(frozen=True)
class Scan:
    """One run and the files that belong to it; nothing has been opened.

    Parameters
    ----------
    participant_id, session_id, run, task : str
        BIDS labels without prefixes, ``"n/a"`` where there is none.
    space : str or None
        BIDS space; None: unknown (a table of files).
    bold : Path
        The image.
    confounds, mask : Path or None
        Confounds table and brain mask.
    t_r_s : float or None, default=None
        Repetition time a table states; else it is resolved when the scan is opened.
    """

    participant_id: str
    session_id: str
    run: str
    task: str
    space: str | None
    bold: Path
    confounds: Path | None
    mask: Path | None
    t_r_s: float | None = None


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
        Take this BIDS space where a run exists in several.
    task : str, optional
        Take this task only.

    Returns
    -------
    scans : list of Scan
        Sorted by participant, session, task and run; files are matched by name, none is opened.

    Raises
    ------
    ScanError
        Unreadable or empty folder, no such space or task, runs in several spaces.
    TableError
        A bad table, or a scan listed twice.
    """
    source = Path(source)
    if source.is_dir():
        scans = _in_folder(source, space, task)
    else:
        scans = _in_table(source)
        scans = [s for s in scans if task in (None, s.task)]
    return sorted(scans, key=lambda s: (s.participant_id, s.session_id, s.task, s.run))


def resolve_t_r_s(
    scan: Scan, header_t_r_s: float | None, *, configured_t_r_s: float | None = None
) -> float:
    """Return a scan's repetition time in seconds, never a guess.

    Parameters
    ----------
    scan : Scan
        Its table entry or JSON sidecar (also one higher up, by BIDS inheritance) is believed at
        any positive value.
    header_t_r_s : float or None
        The header's; alone it is believed unless it is exactly 1 s, which is what headers say
        that lost it.
    configured_t_r_s : float or None, default=None
        ``science.cleaning.t_r_s``.

    Raises
    ------
    ScanError
        No statement, or a sidecar and a header that differ by more than 1 %.
    """
    stated = scan.t_r_s or _sidecar_t_r_s(scan) or configured_t_r_s
    if stated is None:
        if header_t_r_s is None or header_t_r_s == 1.0:
            found = "no time step with a unit" if header_t_r_s is None else "exactly 1 s"
            raise ScanError(
                f"{scan.bold}: expected a repetition time, found {found} in the header and no "
                "RepetitionTime in a JSON sidecar. State it in science.cleaning.t_r_s, or in the "
                "column t_r_s of the scans table."
            )
        return header_t_r_s
    if not stated > 0:
        raise ScanError(f"{scan.bold}: expected a positive repetition time, found {stated:g} s.")
    # A header of exactly 1 s, or without a unit, says nothing and contradicts nothing.
    if header_t_r_s not in (None, 1.0) and abs(header_t_r_s - stated) > 0.01 * stated:
        raise ScanError(
            f"{scan.bold}: the repetition time is {stated:g} s by its sidecar, table or config and "
            f"{header_t_r_s:g} s by its header. Mend the one that is wrong."
        )
    return float(stated)


def _sidecar_t_r_s(scan: Scan) -> float | None:
    stem = re.sub(r"\.nii(\.gz)?$", "", scan.bold.name)
    candidates = [scan.bold.with_name(stem + ".json")]
    if scan.task != NO_SESSION:
        # BIDS inheritance: a file higher up speaks for all runs of the task.
        tops = scan.bold.parents[:4]
        candidates += [top / f"task-{scan.task}_bold.json" for top in tops]
    for path in candidates:
        try:
            value = json.loads(path.read_text(encoding="utf-8")).get("RepetitionTime")
        except FileNotFoundError:
            continue
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
            raise ScanError(f"{path}: expected a JSON sidecar, found: {error}") from error
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ScanError(f"{path}: RepetitionTime: expected seconds, found {value!r}.")
            return float(value)
    return None


def _in_folder(folder: Path, space: str | None, task: str | None) -> list[Scan]:
    files = list(_func_files(folder))
    images = [(path, names) for path, names in files if _BOLD.search(path.name)]
    if not images:
        raise ScanError(f"{folder}: expected sub-*/[ses-*/]func/*_desc-preproc_bold.nii.gz, found "
                        "none. Is it the fMRIPrep derivatives folder?")  # fmt: skip
    labelled = [(path, names, dict(_ENTITY.findall(path.name))) for path, names in images]
    chosen = [item for item in labelled if task in (None, item[2].get("task"))
              and space in (None, item[2].get("space", "native"))
              and "echo" not in item[2]]  # fmt: skip
    if not chosen:
        tasks = sorted({e.get("task", "n/a") for *_, e in labelled})
        spaces = sorted({e.get("space", "native") for *_, e in labelled})
        raise ScanError(f"{folder}: no scan of task {task or 'any'} in space {space or 'any'}; "
                        f"tasks there: {tasks}, spaces: {spaces}.")  # fmt: skip
    _refuse_ambiguous(folder, chosen)
    return [_scan(path, names, entities) for path, names, entities in chosen]


def _refuse_ambiguous(folder: Path, chosen: list) -> None:
    seen: dict[tuple, Path] = {}
    for path, _, entities in chosen:
        key = tuple(
            entities.get(k, NO_SESSION) for k in ("sub", "ses", "task", "run", "acq", "dir")
        )
        other = seen.setdefault(key, path)
        if other is not path:
            raise ScanError(
                f"{folder}: one run in several forms: {other.name} and {path.name}. Choose one "
                "with paths.<cohort>.space (and keep one resolution in the folder)."
            )


def _scan(path: Path, names: set[str], entities: dict[str, str]) -> Scan:
    stem = _BOLD.sub("", path.name)
    # Confounds belong to the run in every space and resolution.
    bare = re.sub(r"_(space|res|den)-[a-zA-Z0-9+]+", "", stem)
    confounds = next((path.with_name(name) for name in (
        f"{bare}_desc-confounds_timeseries.tsv", f"{bare}_desc-confounds_regressors.tsv",
        f"{bare}_desc-confounds_timeseries.tsv.gz",
    ) if name in names), None)  # fmt: skip
    mask = next((path.with_name(name) for name in (
        f"{stem}_desc-brain_mask.nii.gz", f"{stem}_desc-brain_mask.nii"
    ) if name in names), None)  # fmt: skip
    run = "".join(entities[k] for k in ("acq", "dir", "run") if k in entities)
    return Scan(
        entities["sub"], entities.get("ses", NO_SESSION), run or NO_SESSION,
        entities.get("task", NO_SESSION), entities.get("space", "native"), path, confounds, mask,
    )  # fmt: skip


def _func_files(folder: Path) -> Iterator[tuple[Path, set[str]]]:
    try:
        for subject in _folders(folder, "sub-"):
            sessions = _folders(subject, "ses-") or [subject]
            for session in sessions:
                func = session / "func"
                if func.is_dir():
                    names = {entry.name for entry in os.scandir(func)}
                    for name in sorted(names):
                        yield func / name, names
    except OSError as error:
        raise ScanError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _folders(folder: Path, prefix: str) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(e.path) for e in entries if e.name.startswith(prefix) and e.is_dir())


def _in_table(path: Path) -> list[Scan]:
    text = read_text_table(path)
    absent = [c for c in ("path", "participant_id") if c not in text]
    if absent:
        raise TableError(f"{path}: expected the columns path and participant_id, found "
                         f"{', '.join(text.columns)}.")  # fmt: skip
    scans, seen = [], {}
    for line, row in enumerate(text.to_dict("records"), start=2):
        scan = _table_scan(path, line, row)
        key = (scan.participant_id, scan.session_id, scan.task, scan.run)
        if key in seen:
            raise TableError(f"{path}: lines {seen[key]} and {line}: two rows for participant "
                             f"{key[0]}, session {key[1]}, task {key[2]}, run {key[3]}; keep one."
                             )  # fmt: skip
        seen[key] = line
        scans.append(scan)
    return scans


def _table_scan(path: Path, line: int, row: dict[str, str]) -> Scan:
    def cell(name: str) -> str | None:
        value = row.get(name, "")
        return None if value.lower() in _ABSENT else value

    def file(name: str) -> Path | None:
        return None if cell(name) is None else path.parent / cell(name)

    if cell("path") is None or cell("participant_id") is None:
        raise TableError(f"{path}: line {line}: path and participant_id are needed.")
    try:
        t_r_s = None if cell("t_r_s") is None else float(cell("t_r_s"))
    except ValueError:
        raise TableError(f"{path}: line {line}: t_r_s must be seconds, found '{cell('t_r_s')}'."
                         ) from None  # fmt: skip
    labels = {"participant_id": "sub-", "session_id": "ses-", "run": "run-", "task": "task-"}
    found = {name: (cell(name) or NO_SESSION).removeprefix(prefix)
             for name, prefix in labels.items()}  # fmt: skip
    for name, label in found.items():
        if label != NO_SESSION and not re.fullmatch(r"[a-zA-Z0-9+]+", label):
            raise TableError(f"{path}: line {line}: {name} '{label}': expected letters and digits "
                             "only, since it becomes part of a file name.")  # fmt: skip
    return Scan(**found, space=cell("space"), bold=file("path"), confounds=file("confounds"),
                mask=file("mask"), t_r_s=t_r_s)  # fmt: skip
