"""Stage 1: scans in, parcel series out; one scan, one file, in any order, by any executor."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import StageError
from brainage.files import remove_leftovers
from brainage.imaging import (
    Atlas,
    Scan,
    load_atlas,
    load_strategy,
)
from brainage.options import fingerprint_of
from brainage.progress import Progress, Tell, silent, tell_nobody
from brainage.series import write_dataset_description
from brainage.stages.attempts import (
    begun,
    give_another_try,
    is_at_work,
)
from brainage.stages.cohorts import Cohort, stage_folder
from brainage.stages.executor import Executor, Row, executor_of
from brainage.stages.lock import stage_lock
from brainage.stages.parcels import write_parcels
from brainage.stages.records import (
    NOT_YET,
    SCANS,
    as_table,
    write_summary,
)
from brainage.stages.scan_list import cohort_scans, freeze
from brainage.stages.scan_work import ScanWork

__all__ = ["ALREADY_THERE", "SCANS", "cohort_scans", "collect_cohort", "extract_cohort"]

#: Of a table of scans, in its attrs: how many were on record, and not extracted again.
ALREADY_THERE = "n_already_there"
#: Records are small and lie on slow, shared disks: many are asked for at a time.
_READERS = 8


def extract_cohort(
    study: StudyConfig,
    cohort: Cohort,
    *,
    participants: Iterable[str] | None = None,
    sessions: Iterable[str] | None = None,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
    tell: Tell = tell_nobody,
) -> pd.DataFrame:
    """Extract every scan of a cohort that is not extracted yet.

    Parameters
    ----------
    study : StudyConfig
        Names the scans, the atlas and the cleaning.
    cohort : {"reference", "trial"}
        Whose scans.
    participants, sessions : iterable of str, optional
        Only these people, only these sessions, of the frozen list.
    shard : (int, int), optional
        ``(k, n)``: every n-th scan from the k-th (1-based) of the frozen list, for job arrays.
        Shards share one folder; the summary table is written by `collect_cohort`.
    overwrite : bool, default=False
        Extract again what is there.
    executor : Executor, optional
        Who runs the scans; that of ``run.executor`` where None.
    progress : Progress, optional
        Told of every finished scan.
    tell : callable, optional
        Told what the executor has to say (the address of Dask's dashboard).

    Returns
    -------
    scans : DataFrame
        One row a scan of this call (schema `SCANS`): done, excluded or failed and why. Its
        ``attrs`` say how many were on record and not extracted again (`ALREADY_THERE`).

    Raises
    ------
    BrainAgeError
        No scans, an unreadable folder, a bad atlas, an output that cannot be written: nothing can
        be done. A bad scan is a row, and so is one whose worker process was killed.
    """
    whole = shard is None and participants is None and sessions is None
    folder = stage_folder(study, "extract") / cohort
    # Parts of a cohort are extracted side by side; the whole of it by one command at a time.
    with stage_lock(folder, "extract") if whole else contextlib.nullcontext():
        scans = cohort_scans(
            study, cohort, participants=participants, sessions=sessions, frozen=not whole
        )
        if shard is not None:
            scans = scans[shard[0] - 1 :: shard[1]]
        # One bad config stops everything, before the first scan; one bad scan becomes a row.
        work = scan_work(study, cohort, overwrite=overwrite)
        _prepare_output(folder, work.atlas)
        # A walk through the whole output: only where a process was killed, or may have been.
        killed = bool(begun(folder)) and whole
        if killed:
            _tidy(folder)
            give_another_try(folder)
        if whole:
            freeze(study, cohort, scans)
        executor = executor or executor_of(study, tell=tell)
        rows, n_there = [], 0
        for row, was_there in _rows(work, scans, executor):
            rows.append(row)
            n_there += was_there
            progress(len(rows), len(scans), f"extract {cohort}")
        table = as_table(rows)
        # No column: the table is the same whether a scan was extracted now or before.
        table.attrs[ALREADY_THERE] = n_there
        if whole:
            # This call's own rows, not the records: a record that could not be written is a
            # reason too.
            write_summary(table, folder, options=work.described())
            if executor.lost_workers:
                _tidy(folder)
    return table


def _rows(work: ScanWork, scans: list[Scan], executor: Executor) -> Iterator[tuple[Row, bool]]:
    """Yield the rows that are on record, read here and many at a time, then those to be made.

    And of each whether it was on record.
    """
    left = []
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        for scan, row in zip(scans, pool.map(work.recorded_now, scans), strict=True):
            if row is None:
                left.append(scan)
            else:
                yield row, True
    if left:
        for row in executor.run(work, left):
            yield row, False


def scan_work(study: StudyConfig, cohort: Cohort, *, overwrite: bool = False) -> ScanWork:
    """Return the work of a cohort: what every one of its scans shares."""
    science = study.science
    atlas = load_atlas(science.atlas)
    # What atlas and strategy files say, not where they lie: an edited one extracts again, a study
    # that was moved does not.
    made_by = fingerprint_of(
        [
            atlas.content_hash,
            atlas.networks,
            science.atlas.model_dump(mode="json", exclude={"path", "labels"}),
            science.cleaning.model_dump(mode="json", exclude={"strategy"}),
            load_strategy(science.cleaning.strategy).fingerprint(),
            science.exclusion.fingerprint(),
        ]
    )
    return ScanWork(
        stage_folder(study, "extract") / cohort,
        atlas=atlas,
        atlas_options=science.atlas,
        cleaning=science.cleaning,
        exclusion=science.exclusion,
        made_by=made_by,
        identity=study.run.input_identity,
        overwrite=overwrite,
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


def collect_cohort(study: StudyConfig, cohort: Cohort) -> pd.DataFrame:
    """Write ``scans.tsv`` from the records that scans and shards left, and return it.

    Every scan of the list has a row; one without a record is "failed" with the reason that it was
    not extracted (its shard is still to run), and so is one whose record tells of other options or
    files than the study's now.
    """
    work = scan_work(study, cohort)
    scans = cohort_scans(study, cohort, frozen=True)
    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        table = as_table(list(pool.map(work.recorded, scans)))
    write_summary(table, work.folder, options=work.described())
    _tidy(work.folder)
    return table


def prepare_extraction(study: StudyConfig, cohort: Cohort) -> None:
    """Find out whether a cohort can be extracted: atlas, cleaning, an output that can be written.

    Raises
    ------
    BrainAgeError
        What `extract_cohort` would say before its first scan.
    """
    work = scan_work(study, cohort)
    _prepare_output(work.folder, work.atlas)


def scan_states(study: StudyConfig, cohort: Cohort) -> list[str]:
    """Return what became of each scan of the list: done, excluded, running, failed or missing."""
    work = scan_work(study, cohort)

    def state(scan: Scan) -> str:
        row = work.recorded(scan)
        if NOT_YET not in str(row["reason"]):
            return str(row["status"])
        return "running" if is_at_work(work.folder, work.labels(scan)) else "missing"

    with ThreadPoolExecutor(max_workers=_READERS) as pool:
        return list(pool.map(state, cohort_scans(study, cohort, frozen=True)))
