"""What is done to one scan, wherever it runs: extracted, written, put on record."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainage.errors import BrainAgeError
from brainage.imaging import (
    Atlas,
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    extract_parcel_series,
    sidecars_of,
)
from brainage.options import fingerprint_of
from brainage.series import write_series
from brainage.stages.attempts import MOST_ATTEMPTS, attempt, attempts_of, forget
from brainage.stages.executor import Row
from brainage.stages.manifest import InputIdentity
from brainage.stages.records import (
    NOT_YET,
    changed_series,
    is_same,
    known_by,
    read_record,
    record_path,
    scan_row,
    write_record,
)

#: What a full or locked disk says without naming a file.
_OUTPUT_REFUSES = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_LABELS = ("participant_id", "session_id", "task", "run")


@dataclass(frozen=True)
class ScanWork:
    """What every scan shares, sent to a worker with each scan (small: it holds no images)."""

    folder: Path
    atlas: Atlas
    atlas_options: AtlasOptions
    cleaning: CleaningOptions
    exclusion: ExclusionRules
    made_by: str
    identity: InputIdentity = "size_mtime"
    overwrite: bool = False
    n_threads: int = 1

    def __call__(self, scan: Scan) -> Row:
        """Extract a scan, leave its record, and return its row."""
        trace: dict[str, Any] = {}
        # Known before it is read: what changes while it is read is another file.
        inputs = self._inputs(scan)
        with attempt(self.folder, self.labels(scan)):
            try:
                row = self._extract_now(scan)
            # As in `cli.main`: a bug is shown and not hidden, but it costs one scan and not all.
            except Exception as error:  # noqa: BLE001
                path = record_path(self.folder, vars(scan))
                trace = {"traceback": traceback.format_exc()}
                row = scan_row(
                    scan,
                    "failed",
                    f"{scan.bold}: {type(error).__name__}: {error} (a bug of "
                    f"brainage: please report the traceback in {path})",
                )
            return self._recorded_row(scan, row, inputs, trace)

    def with_threads(self, n_threads: int) -> ScanWork:
        """Return the same work for a process that has so many threads to itself."""
        return replace(self, n_threads=n_threads)

    def described(self) -> dict[str, Any]:
        """Return the options of the extraction as plain values."""
        return {
            "atlas": self.atlas_options.model_dump(mode="json"),
            "cleaning": self.cleaning.model_dump(mode="json"),
            "exclusion": self.exclusion.model_dump(mode="json"),
        }

    def labels(self, labels: Scan | Mapping[str, Any]) -> tuple[str, str, str, str]:
        """Return participant, session, task and run of a scan or its row."""
        named = vars(labels) if isinstance(labels, Scan) else labels
        participant, session, task, run = (str(named[label]) for label in _LABELS)
        return participant, session, task, run

    def is_suspect(self, scan: Scan) -> bool:
        """Return whether a process was killed at this scan, in this run or before."""
        if attempts_of(self.folder, self.labels(scan)):
            return True
        record = read_record(record_path(self.folder, vars(scan)))
        return bool(record and record.get("killed"))

    def is_given_up(self, scan: Scan) -> bool:
        """Return whether this scan has killed as many processes as it may."""
        return attempts_of(self.folder, self.labels(scan)) >= MOST_ATTEMPTS

    def killed(self, scan: Scan) -> Row:
        """Put on record that the scan kills its process; return the row that says so."""
        row = scan_row(
            scan,
            "failed",
            f"{scan.bold}: its worker process was killed, most often for want of memory. Give it "
            "more, or fewer --n-jobs.",
        )
        row = self._recorded_row(scan, row, self._inputs(scan), {"killed": True})
        forget(self.folder, self.labels(scan))
        return row

    def recorded_now(self, scan: Scan) -> Row | None:
        """Return the row on record where it holds and nothing is to be made again, else None."""
        if self.overwrite:
            return None
        record = read_record(record_path(self.folder, vars(scan)))
        # What failed is tried again: the file may have been mended.
        if record is None or record["row"].get("status") == "failed":
            return None
        holds = self._is_of_now(record, scan) and self._is_whole(record)
        return record["row"] if holds else None

    def recorded(self, scan: Scan) -> Row:
        """Return the row that an earlier extraction left, or why there is none that holds."""
        record = read_record(record_path(self.folder, vars(scan)))
        if record is None:
            return scan_row(scan, "failed", f"{NOT_YET} yet")
        if not self._is_of_now(record, scan):
            # Else a job that has not run since would pass off what an older study file made.
            return scan_row(
                scan,
                "failed",
                f"extracted with other options or from other files than now; {NOT_YET} again yet",
            )
        if record["row"]["status"] != "failed" and not self._is_whole(record):
            return scan_row(
                scan, "failed", f"its series is gone or was changed; {NOT_YET} again yet"
            )
        return record["row"]

    def _recorded_row(self, scan: Scan, row: Row, inputs: list, more: Mapping[str, Any]) -> Row:
        try:
            write_record(self.folder, row, made_by=self.fingerprint(scan), inputs=inputs, more=more)
        except OSError as error:
            # The row still reaches the summary of this run; the next run tries again.
            path = record_path(self.folder, vars(scan))
            return scan_row(
                scan, "failed", f"{path}: cannot be written ({error.strerror or error})"
            )
        return row

    def _is_whole(self, record: Mapping[str, Any]) -> bool:
        try:
            written_s = record_path(self.folder, record["row"]).stat().st_mtime
        except OSError:
            return False
        return not list(changed_series(self.folder, record, written_s=written_s))

    def _is_of_now(self, record: Mapping[str, Any], scan: Scan) -> bool:
        if record["made_by"] != self.fingerprint(scan):
            return False
        files, known = self.files(scan), record["inputs"]
        if not isinstance(known, list) or len(known) != len(files):
            return False
        return all(
            is_same(file, told, self.identity) for file, told in zip(files, known, strict=True)
        )

    def fingerprint(self, scan: Scan) -> str:
        """Return the hash of every option that changes this scan's series."""
        return fingerprint_of([self.made_by, scan.t_r_s])

    def files(self, scan: Scan) -> list[Path]:
        """Return every file that the scan is read from; its own sidecars may be absent."""
        named = [scan.bold, scan.confounds, scan.mask, *sidecars_of(scan)]
        return [file for file in named if file is not None]

    def _inputs(self, scan: Scan) -> list[list]:
        return [known_by(file, self.identity) for file in self.files(scan)]

    def _extract_now(self, scan: Scan) -> Row:
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
            return scan_row(scan, "failed", str(error))
        except OSError as error:
            full = error.errno in _OUTPUT_REFUSES
            where = error.filename or (self.folder.parent if full else scan.bold)
            return scan_row(scan, "failed", f"{where}: {error.strerror or error}")
        try:
            written = write_series(series, self.folder)
        except OSError as error:
            # A full disk names no file; it is the output's fault, never the scan's.
            where = error.filename or self.folder
            return scan_row(
                scan, "failed", f"{where}: cannot be written ({error.strerror or error})"
            )
        quality = series.quality
        row = scan_row(scan, "excluded" if quality.exclusion else "done", quality.exclusion)
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
