"""Finding scans by their names alone: a derivatives folder, or a table of files."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brainage.errors import BrainAgeWarning, ScanError, TableError
from brainage.series.names import RUN_KEYS, run_label
from brainage.tables import NO_SESSION, read_text_table, refuse_misnamed

_BOLD = re.compile(r"_desc-preproc_bold\.nii(\.gz)?$")
_DTSERIES = re.compile(r"_bold\.dtseries\.nii$")
_SURFACE_SPACES = ("fsLR", "fsLR:den-91k", "fsLR:den-170k")
#: fMRIPrep leaves the space entity out of images in the run's own space.
NATIVE = "native"
#: What tells the forms of one space apart: a template's age group, resolution, density.
_OF_SPACE = ("cohort", "res", "den")
_ENTITY = re.compile(r"(?:^|_)([a-zA-Z]+)-([a-zA-Z0-9+]+)")
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
        Unreadable or empty folder, no such space or task, runs in several spaces.
    TableError
        A bad table, or a scan listed twice.

    Warns
    -----
    BrainAgeWarning
        Runs that are there as single echoes only; they are left out.
    """
    source = Path(source)
    if source.is_dir():
        scans = _in_folder(source, space, task)
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


def _in_folder(folder: Path, space: str | None, task: str | None) -> list[Scan]:
    pattern = _DTSERIES if space in _SURFACE_SPACES else _BOLD
    labelled = [
        (func, name, names, dict(_ENTITY.findall(name)))
        for func, names in _func_folders(folder)
        for name in sorted(name for name in names if pattern.search(name))
    ]
    if not labelled:
        wanted = "*_bold.dtseries.nii" if pattern is _DTSERIES else "*_desc-preproc_bold.nii.gz"
        inner = next(
            (
                name
                for name in ("fmriprep", "derivatives/fmriprep", "derivatives")
                if (folder / name).is_dir()
            ),
            None,
        )
        advice = (
            "Is it the fMRIPrep derivatives folder?" if inner is None else f"Try {inner} in it."
        )
        raise ScanError(f"{folder}: expected sub-*/[ses-*/]func/{wanted}, found none. {advice}")
    chosen = [
        item
        for item in _without_single_echoes(folder, labelled)
        if task in (None, item[3].get("task")) and _is_in(space, item[3])
    ]
    if not chosen:
        tasks = sorted({e.get("task", "n/a") for *_, e in labelled})
        echoes = (
            " (single echoes of several are left out)"
            if any("echo" in e for *_, e in labelled)
            else ""
        )
        raise ScanError(
            f"{folder}: no scan of task {task or 'any'} in space {space or 'any'}"
            f"{echoes}; tasks there: {tasks}, spaces: {_spaces(labelled)}."
        )
    _refuse_ambiguous(folder, chosen)
    scans = [_scan(func, name, names, entities) for func, name, names, entities in chosen]
    _refuse_one_label(folder, scans)
    return scans


def _run_of(entities: dict[str, str]) -> tuple[str, ...]:
    return tuple(entities.get(key, NO_SESSION) for key in ("sub", "ses", "task", *RUN_KEYS))


def _without_single_echoes(folder: Path, labelled: list) -> list:
    """Leave out single echoes: of a multi-echo run their combination, without echo, is analysed.

    A run of which there is one echo and nothing else was not combined; it is the run.
    """
    forms: dict[tuple, set] = {}
    for *_, entities in labelled:
        forms.setdefault(_run_of(entities), set()).add(entities.get("echo"))
    lost = [run for run, echoes in forms.items() if len(echoes) > 1 and None not in echoes]
    if lost:
        # A run that is left out has no row anywhere else.
        first = next(name for _, name, _, entities in labelled if _run_of(entities) == lost[0])
        warnings.warn(
            f"{folder}: {len(lost)} run(s) are there as single echoes only and are left out, the "
            f"first with {first}. Combine their echoes (fMRIPrep does), or list the echo to take "
            "in a table of scans.",
            BrainAgeWarning,
            stacklevel=4,
        )
    return [item for item in labelled if "echo" not in item[3] or len(forms[_run_of(item[3])]) == 1]


def _refuse_one_label(folder: Path, scans: list[Scan]) -> None:
    # 'acq-1_run-11' and 'acq-11_run-1' would be written to one file.
    seen: dict[tuple, Scan] = {}
    for scan in scans:
        key = (scan.participant_id, scan.session_id, scan.task, scan.run)
        other = seen.setdefault(key, scan)
        if other is not scan:
            raise ScanError(
                f"{folder}: {other.bold.name} and {scan.bold.name} would both be run "
                f"'{scan.run}'. List the scans in a table, with runs of your own."
            )


def _is_in(space: str | None, entities: dict[str, str]) -> bool:
    """Match ``MNI152NLin6Asym``, or with what tells its forms ``MNI152NLin6Asym:res-2``."""
    if space is None:
        return True
    (name, *parts), (own, *its_parts) = space.split(":"), _form(entities).split(":")
    return name == own and set(parts) <= set(its_parts)


def _form(entities: dict[str, str]) -> str:
    form = entities.get("space", NATIVE)
    return form + "".join(f":{k}-{entities[k]}" for k in _OF_SPACE if k in entities)


def _spaces(labelled: list) -> list[str]:
    return sorted({_form(entities) for *_, entities in labelled})


def _refuse_ambiguous(folder: Path, chosen: list) -> None:
    seen: dict[tuple, str] = {}
    for _, name, _, entities in chosen:
        key = _run_of(entities)
        other = seen.setdefault(key, name)
        if other is not name:
            raise ScanError(
                f"{folder}: one run in several forms: {other} and {name}. Spaces there: "
                f"{_spaces(chosen)}; choose one with paths.<cohort>.space (a resolution too, where "
                f"it is listed: {_form(entities)})."
            )


def _scan(func: str, name: str, names: set[str], entities: dict[str, str]) -> Scan:
    stem = _BOLD.sub("", _DTSERIES.sub("", name))
    # Confounds belong to the run in every space and resolution; echo and part may be dropped too.
    bare = re.sub(rf"_(space|{'|'.join(_OF_SPACE)})-[a-zA-Z0-9+]+", "", stem)
    barer = re.sub(r"_(echo|part)-[a-zA-Z0-9+]+", "", bare)
    plain = re.sub(r"_(echo|part)-[a-zA-Z0-9+]+", "", stem)

    def beside(*candidates: str) -> Path | None:
        return next((Path(func, other) for other in candidates if other in names), None)

    return Scan(
        entities["sub"],
        entities.get("ses", NO_SESSION),
        run_label(entities, absent=NO_SESSION),
        entities.get("task", NO_SESSION),
        entities.get("space", NATIVE),
        Path(func, name),
        confounds=beside(
            *(
                f"{run}_desc-confounds_{ending}"
                for run in (bare, barer)
                for ending in ("timeseries.tsv", "regressors.tsv", "timeseries.tsv.gz")
            )
        ),
        mask=beside(
            *(f"{form}_desc-brain_mask.nii{gz}" for form in (stem, plain) for gz in (".gz", ""))
        ),
    )


def _func_folders(folder: Path) -> Iterator[tuple[str, set[str]]]:
    # scandir tells folders from files without asking for each file's metadata.
    try:
        for subject in _folders(folder, "sub-"):
            # A person may have sessions and, from before there were any, a func beside them.
            for func in _func_of(_folders(subject, ("ses-", "func"))):
                with os.scandir(func) as entries:
                    yield func, {entry.name for entry in entries}
    except OSError as error:
        raise ScanError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _func_of(folders: list[str]) -> Iterator[str]:
    for path in folders:
        if os.path.basename(path) == "func":
            yield path
        elif os.path.basename(path).startswith("ses-"):
            yield from _func_of(_folders(path, "func"))


def _folders(folder: str | Path, prefix: str | tuple[str, ...]) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.startswith(prefix) and e.is_dir())


def _in_table(path: Path) -> list[Scan]:
    text = read_text_table(path)
    refuse_misnamed(path, list(text.columns), _COLUMNS)
    absent = [c for c in ("path", "participant_id") if c not in text]
    if absent:
        raise TableError(
            f"{path}: expected the columns path and participant_id, found "
            f"{', '.join(text.columns)}."
        )
    scans, seen = [], {}
    for line, row in enumerate(text.to_dict("records"), start=2):
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
        return None if value.lower() in _ABSENT else value

    def file(name: str) -> Path | None:
        return None if cell(name) is None else path.parent / cell(name)

    if cell("path") is None or cell("participant_id") is None:
        raise TableError(f"{path}: line {line}: path and participant_id are needed.")
    try:
        t_r_s = None if cell("t_r_s") is None else float(cell("t_r_s"))
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
        **found,
        space=cell("space"),
        bold=file("path"),
        confounds=file("confounds"),
        mask=file("mask"),
        t_r_s=t_r_s,
    )
