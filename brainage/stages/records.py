"""What became of each scan: one record a scan, and the table of them all.

A record names the files that were written with their SHA-256, and what they were made from. Records
lie in 256 subfolders, so that 40,000 of them are listed and found quickly on any file system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from brainage.errors import StageError
from brainage.files import hash_file, read_json_object, write_json
from brainage.imaging import Scan
from brainage.series import scan_name
from brainage.stages.manifest import MANIFEST, InputIdentity, identity_of, write_manifest
from brainage.tables import Column, TableSchema, write_table

SCANS = TableSchema(
    "scans",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("run", "text", "Run, 'n/a' where there is none."),
        Column("task", "text", "Task, 'n/a' where there is none."),
        Column("status", "text", "done, excluded (a rule) or failed (an error)."),
        Column("reason", "text", "Why it is not used.", nullable=True),
        Column("n_volumes", "integer", "Volumes in the file.", nullable=True),
        Column("n_kept", "integer", "Volumes kept.", nullable=True),
        Column("retained_s", "number", "Time kept.", "s", nullable=True),
        Column("mean_fd_mm", "number", "Mean framewise displacement.", "mm", nullable=True),
        Column("t_r_s", "number", "Repetition time.", "s", nullable=True),
        Column("n_parcels", "integer", "Parcels of the atlas.", nullable=True),
        Column("n_missing_parcels", "integer", "Parcels without a signal.", nullable=True),
        Column("series", "text", "File, relative to this table.", nullable=True),
    ),
    key=("participant_id", "session_id", "task", "run"),
)
RECORDS = "records"
#: In the reason of every scan that an extraction has not come to.
NOT_YET = "not extracted"
_LABELS = ("participant_id", "session_id", "task", "run")
_KEYS = {"made_by", "inputs", "row", "files"}


def scan_row(scan: Scan, status: str, reason: str | None) -> dict[str, Any]:
    """Return a scan's row of the table without its numbers; the reason on one line."""
    row: dict[str, Any] = dict.fromkeys(SCANS.names)
    return row | {
        "participant_id": scan.participant_id,
        "session_id": scan.session_id,
        "run": scan.run,
        "task": scan.task,
        "status": status,
        "reason": None if reason is None else " ".join(reason.split()),
    }


def record_path(folder: Path, labels: Mapping[str, Any]) -> Path:
    """Return where the record of a scan lies; `labels` has its participant, session, task, run."""
    name = scan_name(*(labels[label] for label in _LABELS))
    return folder / RECORDS / hashlib.sha256(name.encode()).hexdigest()[:2] / f"{name}.json"


def write_record(
    folder: Path,
    row: Mapping[str, Any],
    *,
    made_by: str,
    inputs: list[list],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write what became of a scan, after its files.

    Parameters
    ----------
    folder : Path
        The cohort's extraction.
    row : mapping
        Schema `SCANS`.
    made_by : str
        Fingerprint of every option.
    inputs : list of list
        Of each input file its name, size, time of change, and SHA-256 where it was asked for.
    more : mapping, optional
        What a failed scan leaves to look into: a traceback, that its process was killed.
    """
    files = {}
    if row["status"] != "failed":
        series = folder / row["series"]
        for path in (series, series.with_suffix(".json")):
            content = path.read_bytes()
            files[str(path.relative_to(folder))] = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    record = {"made_by": made_by, "inputs": inputs, "row": dict(row), "files": files}
    write_json(record_path(folder, row), record | dict(more or {}))


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a scan's record; None where there is none that says what it should."""
    try:
        record = read_json_object(path, error=StageError)
    except StageError:
        return None
    whole = set(record) >= _KEYS and isinstance(record["files"], dict)
    return record if whole and isinstance(record["row"], dict) else None


def known_by(file: Path, by: InputIdentity) -> list:
    """Return [name, size, time of change, SHA-256]; the hash only where files are known by it."""
    size, time_ns = identity_of(file, by="size_mtime")
    content = identity_of(file, by="hash")[1] if by == "hash" and size is not None else None
    return [file.name, size, time_ns, content]


def is_same(file: Path, told: Any, by: InputIdentity) -> bool:
    """Return whether a file is the one that `known_by` told of, as far as it can be known."""
    if not isinstance(told, list) or len(told) != 4:
        return False
    name, size, time_ns, content = told
    now_size, now_time_ns = identity_of(file, by="size_mtime")
    if (name, size) != (file.name, now_size):
        return False
    if size is None or by == "size":
        return True
    if by == "size_mtime" and time_ns == now_time_ns:
        return True
    # Another time: the same file all the same, where its content is known.
    return content is not None and identity_of(file, by="hash")[1] == content


def changed_series(
    folder: Path, record: Mapping[str, Any], *, written_s: float | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the files of a scan that are not as its record says: name, and "gone" or "changed".

    Parameters
    ----------
    folder : Path
        The cohort's extraction.
    record : dict
        The scan's.
    written_s : float, optional
        When the record was written, as the disk has it. Files of the same size that are older are
        taken as unchanged, without reading them; None: every file is read.
    """
    for name, entry in record["files"].items():
        path = folder / name
        try:
            info = path.stat()
        except OSError:
            yield name, "gone"
            continue
        if info.st_size != entry["bytes"]:
            yield name, "changed"
            continue
        perhaps = written_s is None or info.st_mtime > written_s
        if perhaps and hash_file(path) != entry["sha256"]:
            yield name, "changed"


def refuse_changed_series(folder: Path, table: pd.DataFrame, *, n_threads: int = 2) -> None:
    """Refuse an extraction whose series are not those that it wrote.

    Parameters
    ----------
    folder : Path
        The cohort's extraction.
    table : DataFrame
        Its summary (schema `SCANS`); rows with a series are looked at.
    n_threads : int, default=2
        Files read at a time.

    Raises
    ------
    StageError
        Which file, and what to run.
    """
    rows = table[table["series"].notna()].to_dict("records")

    def first_change(row: dict) -> str | None:
        path = record_path(folder, row)
        record = read_record(path)
        if record is None:
            return f"{path}: gone or unreadable, which says what `brainage extract` wrote"
        for name, how in changed_series(folder, record):
            return f"{folder / name}: {how} since `brainage extract` wrote it"
        return None

    with ThreadPoolExecutor(max_workers=max(1, n_threads)) as pool:
        for told in pool.map(first_change, rows):
            if told is not None:
                raise StageError(f"{told}. Put it back, or run `brainage extract` again.")


def not_yet(table: pd.DataFrame) -> pd.Series:
    """Return which rows of a summary are of scans that no extraction has come to."""
    reasons = table["reason"].fillna("").astype(str)
    return (table["status"] == "failed") & reasons.str.contains(NOT_YET)


def write_summary(table: pd.DataFrame, folder: Path, *, options: Mapping[str, Any]) -> None:
    """Write ``scans.tsv`` and the manifest that says the extraction has come to its end.

    The manifest keeps the options, for the words of reports; a series' own record has its
    fingerprint.
    """
    summary = folder / "scans.tsv"
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
        write_table(table, summary, SCANS)
        write_manifest(
            folder,
            stage="extract",
            key=hash_file(summary),
            options=options,
            inputs={},
            outputs=[summary, summary.with_suffix(".json")],
        )
    except OSError as error:
        counts = table["status"].value_counts()
        failed = table.loc[table["status"] == "failed", "reason"]
        first = f"; the first failure: {failed.iloc[0].rstrip('.')}" if len(failed) else ""
        raise StageError(
            f"{folder / 'scans.tsv'}: cannot be written ({error.strerror or error}); "
            + ", ".join(f"{n} {status}" for status, n in counts.items())
            + first
            + ". What is done is kept: free space and give the same command again."
        ) from error


def as_table(rows: list[dict]) -> pd.DataFrame:
    """Return rows as a table, sorted by participant, session, task and run."""
    table = pd.DataFrame(rows, columns=list(SCANS.names))
    for column in SCANS.columns:
        if column.kind in ("number", "integer"):
            table[column.name] = table[column.name].astype("float64")
    return table.sort_values(["participant_id", "session_id", "task", "run"], ignore_index=True)
