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
_DTSERIES = re.compile(r"_bold\.dtseries\.nii$")
_SURFACE_SPACES = ("fsLR", "fsLR:den-91k", "fsLR:den-170k")
_RUN_ENTITIES = ("sub", "ses", "task", "acq", "dir", "run")
#: fMRIPrep leaves the space entity out of images in the run's own space.
NATIVE = "native"
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
    """
    source = Path(source)
    if source.is_dir():
        scans = _in_folder(source, space, task)
    else:
        # A row without a space is taken on trust: the table lists what it means.
        scans = [s for s in _in_table(source) if task in (None, s.task)
                 and (space is None or s.space in (None, space))]  # fmt: skip
        if not scans:
            raise ScanError(f"{source}: no scan of task {task or 'any'} in space {space or 'any'}.")
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
    stated = scan.t_r_s
    if stated is None:
        stated = _sidecar_t_r_s(scan)
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
        return header_t_r_s
    if not 0 < stated < float("inf"):
        raise ScanError(f"{scan.bold}: expected a positive repetition time, found {stated:g} s.")
    # A header of exactly 1 s, or without a unit, says nothing and contradicts nothing.
    if header_t_r_s not in (None, 1.0) and abs(header_t_r_s - stated) > 0.01 * stated:
        raise ScanError(
            f"{scan.bold}: the repetition time is {stated:g} s by its sidecar, table or config and "
            f"{header_t_r_s:g} s by its header. Mend the one that is wrong."
        )
    return float(stated)


def _levels(bold: Path) -> list[Path]:
    """Return func, session, participant and dataset folders, and nothing above the dataset."""
    levels = []
    for parent in bold.parents:
        levels.append(parent)
        if levels[-2:-1] and levels[-2].name.startswith("sub-"):
            return levels
    return [bold.parent]


def _sidecar_t_r_s(scan: Scan) -> float | None:
    stem = re.sub(r"\.nii(\.gz)?$", "", scan.bold.name).removesuffix(".dtseries")
    candidates = [scan.bold.with_name(stem + ".json")]
    if scan.task != NO_SESSION:
        # BIDS inheritance: a file higher up speaks for all runs of the task.
        candidates += [top / f"task-{scan.task}_bold.json" for top in _levels(scan.bold)]
    for path in candidates:
        try:
            value = json.loads(path.read_text(encoding="utf-8")).get("RepetitionTime")
        except FileNotFoundError:
            continue
        except (OSError, json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
            raise ScanError(f"{path}: expected a JSON sidecar, found: {error}") from error
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ScanError(f"{path}: RepetitionTime: expected seconds, found {value!r}.")
            return float(value)
    return None


def _in_folder(folder: Path, space: str | None, task: str | None) -> list[Scan]:
    pattern = _DTSERIES if space in _SURFACE_SPACES else _BOLD
    labelled = [
        (func, name, names, dict(_ENTITY.findall(name)))
        for func, names in _func_folders(folder)
        for name in sorted(name for name in names if pattern.search(name))
    ]
    if not labelled:
        wanted = "*_bold.dtseries.nii" if pattern is _DTSERIES else "*_desc-preproc_bold.nii.gz"
        raise ScanError(f"{folder}: expected sub-*/[ses-*/]func/{wanted}, found none. Is it the "
                        "fMRIPrep derivatives folder?")  # fmt: skip
    # Single echoes of a multi-echo run are not what is analysed: their combination has no echo.
    chosen = [item for item in labelled if task in (None, item[3].get("task"))
              and _is_in(space, item[3]) and "echo" not in item[3]]  # fmt: skip
    if not chosen:
        tasks = sorted({e.get("task", "n/a") for *_, e in labelled})
        echoes = " (single echoes are left out)" if all("echo" in e for *_, e in labelled) else ""
        raise ScanError(f"{folder}: no scan of task {task or 'any'} in space {space or 'any'}"
                        f"{echoes}; tasks there: {tasks}, spaces: {_spaces(labelled)}."
                        )  # fmt: skip
    _refuse_ambiguous(folder, chosen)
    return [_scan(func, name, names, entities) for func, name, names, entities in chosen]


def _is_in(space: str | None, entities: dict[str, str]) -> bool:
    """Match ``MNI152NLin6Asym``, or with a resolution ``MNI152NLin6Asym:res-2``."""
    if space is None:
        return True
    name, _, resolution = space.partition(":")
    if name != entities.get("space", NATIVE):
        return False
    return resolution in ("", f"res-{entities.get('res', '')}", f"den-{entities.get('den', '')}")


def _form(entities: dict[str, str]) -> str:
    form = entities.get("space", NATIVE)
    return form + "".join(f":{k}-{entities[k]}" for k in ("res", "den") if k in entities)


def _spaces(labelled: list) -> list[str]:
    return sorted({_form(entities) for *_, entities in labelled})


def _refuse_ambiguous(folder: Path, chosen: list) -> None:
    seen: dict[tuple, str] = {}
    for _, name, _, entities in chosen:
        key = tuple(entities.get(k, NO_SESSION) for k in _RUN_ENTITIES)
        other = seen.setdefault(key, name)
        if other is not name:
            raise ScanError(
                f"{folder}: one run in several forms: {other} and {name}. Spaces there: "
                f"{_spaces(chosen)}; choose one with paths.<cohort>.space (a resolution too, where "
                f"it is listed: {_form(entities)})."
            )


def _scan(func: str, name: str, names: set[str], entities: dict[str, str]) -> Scan:
    stem = _BOLD.sub("", _DTSERIES.sub("", name))
    # Confounds belong to the run in every space and resolution.
    bare = re.sub(r"_(space|res|den)-[a-zA-Z0-9+]+", "", stem)

    def beside(*candidates: str) -> Path | None:
        return next((Path(func, other) for other in candidates if other in names), None)

    # acq and dir tell runs apart as run does: they go into the one label that is kept.
    run = "".join(entities[k] for k in ("acq", "dir", "run") if k in entities)
    return Scan(
        entities["sub"], entities.get("ses", NO_SESSION), run or NO_SESSION,
        entities.get("task", NO_SESSION), entities.get("space", NATIVE), Path(func, name),
        confounds=beside(f"{bare}_desc-confounds_timeseries.tsv",
                         f"{bare}_desc-confounds_regressors.tsv",
                         f"{bare}_desc-confounds_timeseries.tsv.gz"),
        mask=beside(f"{stem}_desc-brain_mask.nii.gz", f"{stem}_desc-brain_mask.nii"),
    )  # fmt: skip


def _func_folders(folder: Path) -> Iterator[tuple[str, set[str]]]:
    # scandir tells folders from files without asking for each file's metadata.
    try:
        for subject in _folders(folder, "sub-"):
            for session in _folders(subject, "ses-") or [subject]:
                for func in _folders(session, "func"):
                    with os.scandir(func) as entries:
                        yield func, {entry.name for entry in entries}
    except OSError as error:
        raise ScanError(f"{error.filename}: cannot be listed ({error.strerror}).") from error


def _folders(folder: str | Path, prefix: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.path for e in entries if e.name.startswith(prefix) and e.is_dir())


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
