"""Stage 1: scans in, parcel series out; one scan, one file, in any order, by any executor."""

from __future__ import annotations

import errno
import json
import os
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import BrainAgeError, StageError
from brainage.files import remove_leftovers, write_json
from brainage.imaging import (
    Atlas,
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    extract_parcel_series,
    find_scans,
    load_atlas,
    load_strategy,
    sidecars_of,
)
from brainage.options import fingerprint_of
from brainage.progress import Progress, silent
from brainage.series import write_series
from brainage.series.bids import scan_name, write_dataset_description
from brainage.stages.cohorts import Cohort, cohort_paths, stage_folder
from brainage.stages.parcels import write_parcels
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
#: What a full or locked disk says without naming a file.
_OUTPUT_REFUSES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def extract_cohort(
    study: StudyConfig,
    cohort: Cohort,
    *,
    participants: Iterable[str] | None = None,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Extract every scan of a cohort that is not extracted yet.

    Parameters
    ----------
    study : StudyConfig
        Names the scans, the atlas and the cleaning.
    cohort : {"reference", "trial"}
        Whose scans.
    participants : iterable of str, optional
        Only these people.
    shard : (int, int), optional
        ``(k, n)``: every n-th scan from the k-th (1-based) of the sorted list, for job arrays.
        Shards share one folder; the summary table is written by `collect_cohort`.
    overwrite : bool, default=False
        Extract again what is there.
    progress : Progress, optional
        Told of every finished scan.

    Returns
    -------
    scans : DataFrame
        One row a scan of this call (schema `SCANS`): done, excluded or failed and why.

    Raises
    ------
    BrainAgeError
        No scans, an unreadable folder, a bad atlas, an output that cannot be written: nothing can
        be done. A bad scan is a row, and so is one whose worker process was killed.
    """
    scans = cohort_scans(study, cohort, participants=participants)
    if shard is not None:
        scans = scans[shard[0] - 1 :: shard[1]]
    jobs = _n_workers(study.run.n_jobs, len(scans))
    # One bad config stops everything, before the first scan; one bad scan becomes a row.
    work = _work(study, cohort, overwrite=overwrite, n_threads=max(1, joblib.cpu_count() // jobs))
    folder = work.folder
    _prepare_output(folder, work.atlas)
    if shard is None and participants is None:
        # A walk through the whole output: not by every job of an array.
        _tidy(folder)
    rows = []
    for row in _in_workers(work, scans, jobs=jobs):
        rows.append(row)
        progress(len(rows), len(scans), f"extract {cohort}")
    table = _as_table(rows)
    if shard is None and participants is None:
        # This call's own rows, not the records: a record that could not be written is a reason too.
        _write_summary(table, folder)
        # Workers may have been killed on the way.
        _tidy(folder)
    return table


def _work(
    study: StudyConfig, cohort: Cohort, *, overwrite: bool = False, n_threads: int = 1
) -> _Work:
    science = study.science
    strategy = load_strategy(science.cleaning.strategy).fingerprint()
    return _Work(
        stage_folder(study, "extract") / cohort,
        load_atlas(science.atlas),
        science.atlas,
        science.cleaning,
        strategy,
        science.exclusion,
        overwrite,
        n_threads,
    )


def _prepare_output(folder: Path, atlas: Atlas) -> None:
    """Find out before the first scan whether anything can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
        write_dataset_description(folder)
        write_parcels(atlas, folder)
    except OSError as error:
        raise StageError(
            f"{folder}: cannot be written ({error.strerror or error}). Free space or mend its "
            "rights, or choose another paths.output."
        ) from error


def _tidy(folder: Path) -> None:
    """Remove what killed writers left."""
    remove_leftovers(folder)
    remove_leftovers(folder.parent / "operators")


def _write_summary(table: pd.DataFrame, folder: Path) -> None:
    try:
        write_table(table, folder / "scans.tsv", SCANS)
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


def _n_workers(n_jobs: int, n_scans: int) -> int:
    """Return how many scans are in flight: one process each, cores to spare inflate with it."""
    return min(n_jobs if n_jobs > 0 else joblib.cpu_count(), max(1, n_scans))


def _in_workers(work: _Work, scans: list[Scan], *, jobs: int) -> Iterator[dict]:
    """Yield one row a scan as they end; a worker that is killed costs its own scan alone."""
    left = {_key(vars(scan)): scan for scan in scans}
    while left:
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        try:
            for row in parallel([joblib.delayed(work.extract)(scan) for scan in left.values()]):
                del left[_key(row)]
                yield row
        except BrokenProcessPool:
            # Which of the scans at work was it? Each by itself tells.
            for key in list(left)[: 2 * jobs]:
                yield _by_itself(work, left.pop(key))


def _by_itself(work: _Work, scan: Scan) -> dict:
    try:
        # Two workers for one scan: with one the scan would run in this process.
        return joblib.Parallel(n_jobs=2)([joblib.delayed(work.extract)(scan)])[0]
    except BrokenProcessPool:
        return _row(
            scan,
            "failed",
            f"{scan.bold}: its worker process was killed, most often for "
            "want of memory. Give it more, or fewer --n-jobs.",
        )


def _key(labels: Mapping) -> tuple:
    return tuple(labels[name] for name in SCANS.key)


def cohort_scans(
    study: StudyConfig, cohort: Cohort, *, participants: Iterable[str] | None = None
) -> list[Scan]:
    """List a cohort's scans in path order, opening none; StageError where ids match nobody."""
    paths = cohort_paths(study, cohort)
    scans = find_scans(paths.scans, space=paths.space, task=paths.task)
    if participants is None:
        return scans
    wanted = {name.removeprefix("sub-") for name in participants}
    absent = wanted - {scan.participant_id for scan in scans}
    if absent:
        raise StageError(f"{paths.scans}: no scans of participant(s) {', '.join(sorted(absent))}.")
    return [scan for scan in scans if scan.participant_id in wanted]


def collect_cohort(study: StudyConfig, cohort: Cohort) -> pd.DataFrame:
    """Write ``scans.tsv`` from the records that scans and shards left, and return it.

    Only scans that the study file finds now are listed; one without a record is "failed" with
    the reason that it was not extracted (its shard is still to run), and so is one whose record
    tells of other options or files than the study's now.
    """
    work = _work(study, cohort)
    table = _as_table([work.recorded(scan) for scan in cohort_scans(study, cohort)])
    _write_summary(table, work.folder)
    _tidy(work.folder)
    return table


@dataclass(frozen=True)
class _Work:
    """What every scan shares, sent to a worker with each scan (small: it holds no images)."""

    folder: Path
    atlas: Atlas
    atlas_options: AtlasOptions
    cleaning: CleaningOptions
    strategy_fingerprint: str
    exclusion: ExclusionRules
    overwrite: bool
    n_threads: int

    def extract(self, scan: Scan) -> dict:
        path = _record_path(self.folder, scan)
        made_by = self._made_by(scan)
        record = None if self.overwrite else _read_record(path)
        if record and record["made_by"] == made_by and self._is_whole(record):
            return record["row"]
        trace = None
        try:
            row = self._extract_now(scan)
        # As in `cli.main`: a bug is shown and not hidden, but it costs one scan and not the batch.
        except Exception as error:  # noqa: BLE001
            trace = traceback.format_exc()
            row = _row(
                scan,
                "failed",
                f"{scan.bold}: {type(error).__name__}: {error} (a bug of "
                f"brainage: please report the traceback in {path})",
            )
        sizes = {} if row["status"] == "failed" else self._sizes(row)
        try:
            record = {"made_by": made_by, "row": row, "bytes": sizes}
            write_json(path, record if trace is None else record | {"traceback": trace})
        except OSError as error:
            # The row still reaches the summary of this run; the next run tries again.
            return _row(scan, "failed", f"{path}: cannot be written ({error.strerror or error})")
        return row

    def recorded(self, scan: Scan) -> dict:
        """Return the row that an earlier extraction left, or why there is none that holds."""
        record = _read_record(_record_path(self.folder, scan))
        if record is None:
            return _row(scan, "failed", "not extracted yet")
        if record["made_by"] != self._made_by(scan):
            # Else a job that has not run since would pass off what an older study file made.
            return _row(
                scan,
                "failed",
                "extracted with other options or from other files than "
                "now; not extracted again yet",
            )
        if record["row"]["status"] != "failed" and not self._is_whole(record):
            return _row(
                scan, "failed", "its series is gone or was changed; not extracted again yet"
            )
        return record["row"]

    def _is_whole(self, record: dict) -> bool:
        # What failed is tried again: the file may have been mended.
        if record["row"]["status"] == "failed":
            return False
        return self._sizes(record["row"]) == record.get("bytes")

    def _sizes(self, row: dict) -> dict[str, int | None]:
        """Return the bytes of a row's series and of its sidecar, None where one is not there."""
        series = self.folder / row["series"]
        return {
            path.suffix: path.stat().st_size if path.is_file() else None
            for path in (series, series.with_suffix(".json"))
        }

    def _made_by(self, scan: Scan) -> str:
        files = [scan.bold, scan.confounds, scan.mask, *sidecars_of(scan)]
        # What atlas and strategy files say, not where they lie: an edited one extracts again, a
        # study that was moved does not.
        cleaning = self.cleaning.model_dump(mode="json", exclude={"strategy"})
        atlas = self.atlas_options.model_dump(mode="json", exclude={"path", "labels"})
        return fingerprint_of(
            [
                self.atlas.content_hash,
                self.atlas.networks,
                atlas,
                cleaning,
                self.strategy_fingerprint,
                self.exclusion.fingerprint(),
                scan.t_r_s,
                [_identity(file) for file in files],
            ]
        )

    def _extract_now(self, scan: Scan) -> dict:
        try:
            series = extract_parcel_series(
                scan,
                atlas=self.atlas,
                cleaning=self.cleaning,
                exclusion=self.exclusion,
                atlas_options=self.atlas_options,
                cache_folder=self.folder.parent / "operators",
                n_threads=self.n_threads,
            )
        except BrainAgeError as error:
            return _row(scan, "failed", str(error))
        except OSError as error:
            full = error.errno in _OUTPUT_REFUSES
            where = error.filename or (self.folder.parent if full else scan.bold)
            return _row(scan, "failed", f"{where}: {error.strerror or error}")
        try:
            written = write_series(series, self.folder)
        except OSError as error:
            # A full disk names no file; it is the output's fault, never the scan's.
            where = error.filename or self.folder
            return _row(scan, "failed", f"{where}: cannot be written ({error.strerror or error})")
        quality = series.quality
        row = _row(scan, "excluded" if quality.exclusion else "done", quality.exclusion)
        return row | {
            "n_volumes": quality.n_volumes,
            "n_kept": quality.n_kept,
            "retained_s": quality.retained_s,
            "mean_fd_mm": quality.mean_fd_mm,
            "t_r_s": series.t_r_s,
            "n_parcels": series.n_parcels,
            "n_missing_parcels": int(series.missing.sum()),
            "series": str(written.relative_to(self.folder)),
        }


def _identity(path: Path | None) -> list | None:
    if path is None:
        return None
    try:
        info = os.stat(path)
    except OSError:
        return [path.name, None, None]
    return [path.name, info.st_size, info.st_mtime_ns]


def _row(scan: Scan, status: str, reason: str | None) -> dict:
    row = dict.fromkeys(SCANS.names)
    return row | {
        "participant_id": scan.participant_id,
        "session_id": scan.session_id,
        "run": scan.run,
        "task": scan.task,
        "status": status,
        "reason": None if reason is None else " ".join(reason.split()),
    }


def _record_path(folder: Path, scan: Scan) -> Path:
    name = scan_name(scan.participant_id, scan.session_id, scan.task, scan.run)
    return folder / "records" / f"{name}.json"


def _read_record(path: Path) -> dict | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    whole = isinstance(record, dict) and {"made_by", "row"} <= set(record)
    return record if whole else None


def _as_table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(SCANS.names))
    for column in SCANS.columns:
        if column.kind in ("number", "integer"):
            table[column.name] = table[column.name].astype("float64")
    return table.sort_values(["participant_id", "session_id", "task", "run"], ignore_index=True)
