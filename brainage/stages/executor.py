"""The one place that runs a list of scans: in this process, in processes of this machine, on Dask.

Every executor runs the same pure call on each scan and yields a row as it ends, in any order. A
scan that kills its process costs its own row and no other's, whoever runs it. Nothing else in the
package knows which executor it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

import joblib

from brainage.config import StudyConfig
from brainage.imaging import Scan
from brainage.progress import Tell, tell_nobody
from brainage.workers import processes

Row = dict[str, Any]


class Work(Protocol):
    """A pure call on one scan, small enough to be sent with each."""

    def __call__(self, scan: Scan) -> Row:
        """Do it, in whichever process; return its row."""

    def recorded_now(self, scan: Scan) -> Row | None:
        """Return the row on record where it holds, else None."""

    def is_suspect(self, scan: Scan) -> bool:
        """Return whether an earlier process was killed at this scan."""

    def killed(self, scan: Scan) -> Row:
        """Put on record that the scan kills its process; return the row that says so."""

    def is_given_up(self, scan: Scan) -> bool:
        """Return whether the scan has killed as many processes as it may."""

    def with_threads(self, n_threads: int) -> Work:
        """Return the same work for a process that has so many threads to itself."""

    def labels(self, labels: Any) -> tuple[str, ...]:
        """Return what names a scan, of the scan or of its row."""


class Executor(Protocol):
    """Runs a list of scans; `lost_workers` tells afterwards whether a process was killed."""

    lost_workers: bool

    def run(self, work: Work, scans: Sequence[Scan]) -> Iterator[Row]:
        """Yield one row a scan as they end."""


def executor_of(study: StudyConfig, *, tell: Tell = tell_nobody) -> Executor:
    """Return the executor that ``run.executor`` names.

    ``slurm`` runs shards of the list, each on the machine that it was given: there it is local.
    """
    if study.run.executor == "dask":
        # Only a study that asks for it needs the package.
        from brainage.stages.on_dask import DaskExecutor

        return DaskExecutor(study.run.dask, Path(study.paths.output), tell=tell)
    return LocalExecutor(study.run.n_jobs)


class LocalExecutor:
    """Processes of this machine, by joblib.

    Parameters
    ----------
    n_jobs : int
        Processes at most; with 1 the scans run in this one, but for those that killed one before.
    n_cores : int or None, default=None
        Cores that the processes share, each with threads of its own; None: all of this machine.
    """

    def __init__(self, n_jobs: int, *, n_cores: int | None = None) -> None:
        self._n_jobs = n_jobs
        self._n_cores = n_cores or joblib.cpu_count()
        self.lost_workers = False

    def run(self, work: Work, scans: Sequence[Scan]) -> Iterator[Row]:
        """Yield one row a scan as they end."""
        jobs = self.n_workers(len(scans))
        work = work.with_threads(max(1, self._n_cores // jobs))
        left: dict[tuple[str, ...], Scan] = {}
        suspects = []
        for scan in scans:
            if work.is_suspect(scan):
                suspects.append(scan)
            else:
                left[work.labels(scan)] = scan
        while left:
            parallel = processes(jobs, return_as="generator_unordered", batch_size=1)
            try:
                for row in parallel(_calls(work, left.values())):
                    del left[work.labels(row)]
                    yield row
            except BrokenProcessPool:
                self.lost_workers = True
                # Which of the scans at work was it? Each by itself tells.
                for key in list(left)[: 2 * jobs]:
                    yield by_itself(work, left.pop(key))
        for scan in suspects:
            self.lost_workers = True
            yield by_itself(work, scan)

    def n_workers(self, n_scans: int) -> int:
        """Return how many scans are in flight: cores to spare inflate with them."""
        return min(self._n_jobs, max(1, n_scans))


def by_itself(work: Work, scan: Scan) -> Row:
    """Run one scan in a process of its own; killed, it is a row."""
    try:
        # Two workers for one scan: with one the scan would run in this process.
        return processes(2)(_calls(work, [scan]))[0]
    except BrokenProcessPool:
        return work.killed(scan)


def _calls(work: Work, scans: Iterable[Scan]) -> list[Any]:
    return [joblib.delayed(work)(scan) for scan in scans]
