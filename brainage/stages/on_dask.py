"""Scans on a Dask cluster that the lab runs, or that is started through dask-jobqueue.

Batches of small calls; a batch that loses its worker is run again by the scheduler, skips what is
on record by then, and hands back the scan at which the worker was killed: that one is run alone,
and killed again it is one failed row.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from brainage import __version__
from brainage.config import DaskOptions
from brainage.errors import ConfigError, StageError
from brainage.imaging import Scan
from brainage.progress import Tell, tell_nobody
from brainage.stages.executor import Row, Work

_HINT = "pip install 'brainage[dask]' brings dask.distributed and dask-jobqueue."
#: How long a scheduler that is named may take to answer.
_ANSWER_S = 20


class DaskExecutor:
    """Runs scans on a Dask cluster.

    Parameters
    ----------
    options : DaskOptions
        ``run.dask``.
    output : Path
        Every worker has to see it.
    tell : callable, optional
        Told of the dashboard's address.
    """

    def __init__(self, options: DaskOptions, output: Path, *, tell: Tell = tell_nobody) -> None:
        self._options, self._output, self._tell = options, output, tell
        self.lost_workers = False

    def run(self, work: Work, scans: Sequence[Scan]) -> Iterator[Row]:
        """Yield one row a scan as they end.

        Raises
        ------
        ConfigError
            The packages are absent.
        StageError
            Nobody answers, no worker comes, a worker lacks brainage or has another version, or
            cannot see the output.
        """
        with self._client() as client:
            self._tell(f"dask dashboard: {client.dashboard_link}")
            self._refuse_unfit_workers(client)
            yield from self._rows(client, work, list(scans))

    def _rows(self, client: Any, work: Work, scans: list[Scan]) -> Iterator[Row]:
        from dask.distributed import as_completed

        size = self._options.batch
        batches = [scans[low : low + size] for low in range(0, len(scans), size)]
        futures = {client.submit(_batch, work, batch, pure=False): batch for batch in batches}
        running = as_completed(list(futures))
        for future in running:
            batch = futures.pop(future)
            rows, suspects = self._result(future, batch)
            yield from rows
            for scan in suspects:
                self.lost_workers = True
                if len(batch) == 1 and future.status == "error":
                    # The scheduler has given up on this very scan.
                    yield work.killed(scan)
                    continue
                alone = client.submit(_alone, work, scan, pure=False)
                futures[alone] = [scan]
                running.add(alone)
            # A future that is kept keeps its result on the cluster.
            future.release()

    def _result(self, future: Any, batch: list[Scan]) -> tuple[list[Row], list[Scan]]:
        from dask.distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker:
            return [], batch

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            from dask.distributed import Client
        except ImportError as error:
            raise ConfigError(f"run.executor: dask: the package is absent. {_HINT}") from error
        with contextlib.ExitStack() as stack:
            address: Any = self._options.address
            if address is None:
                address = stack.enter_context(self._cluster())
            answer_s = min(_ANSWER_S, self._options.wait_s)
            try:
                client = stack.enter_context(Client(address, timeout=answer_s))
            except (OSError, TimeoutError, ValueError) as error:
                raise StageError(
                    f"run.dask.address: nobody answers at {address} ({error}). Start a scheduler "
                    "there (`dask scheduler`), or leave the key out."
                ) from error
            try:
                client.wait_for_workers(1, timeout=self._options.wait_s)
            except TimeoutError as error:
                raise StageError(
                    f"run.dask: no worker came within {self._options.wait_s:g} s. Look at the "
                    "queue, or set run.dask.wait_s higher; nothing was extracted."
                ) from error
            yield client

    def _cluster(self) -> Any:
        options = self._options
        if options.cluster == "local":
            from dask.distributed import LocalCluster

            return LocalCluster(
                n_workers=options.workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=options.memory,
                dashboard_address=":0",
            )
        try:
            import dask_jobqueue
        except ImportError as error:
            raise ConfigError(
                f"run.dask.cluster: {options.cluster}: dask-jobqueue is absent. {_HINT}"
            ) from error
        kinds = {
            "slurm": dask_jobqueue.SLURMCluster,
            "pbs": dask_jobqueue.PBSCluster,
            "sge": dask_jobqueue.SGECluster,
        }
        cluster = kinds[options.cluster](
            queue=options.queue,
            account=options.account,
            cores=1,
            processes=1,
            memory=options.memory,
            walltime=options.walltime,
            job_script_prologue=list(options.prologue),
            # With the scripts of jobs; else they stay where the command was given.
            log_directory=str(_made(self._output) / "extract" / "slurm" / "logs"),
            **_cpus_of(options),
        )
        cluster.scale(jobs=options.workers)
        return cluster

    def _refuse_unfit_workers(self, client: Any) -> None:
        with tempfile.NamedTemporaryFile(dir=_made(self._output), prefix=".seen-by-all-") as probe:
            told = client.run(_look, probe.name, on_error="return")
        for worker, found in told.items():
            if isinstance(found, BaseException):
                # What cannot be unpacked there comes back as text, whatever it was.
                if "No module named" not in str(found):
                    raise found
                raise StageError(
                    f"run.dask: worker {worker} cannot load brainage ({found}). Install brainage "
                    f"{__version__} where the workers run, or start them in an environment that "
                    "has it (run.dask.prologue)."
                )
            version, sees = found
            if version != __version__:
                raise StageError(
                    f"run.dask: worker {worker} has brainage {version}, this command "
                    f"{__version__}: their numbers may differ. Install one version everywhere."
                )
            if not sees:
                raise StageError(
                    f"run.dask: worker {worker} cannot see {self._output} (paths.output). Put it "
                    "on a disk that all share."
                )


def _cpus_of(options: DaskOptions) -> dict[str, Any]:
    # One scan a worker, inflated by all the cores of its job.
    return {"job_cpu": options.cores} if options.cluster == "slurm" else {}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _look(path: str) -> tuple[str, bool]:
    """In a worker: which brainage, and whether the output is seen."""
    import brainage

    return brainage.__version__, os.path.exists(path)


def _threads() -> int:
    """Return the threads that this worker may use for one scan."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def _batch(work: Work, scans: list[Scan]) -> tuple[list[Row], list[Scan]]:
    """In a worker: the rows of a batch, and the scans at which an earlier worker was killed."""
    work = work.with_threads(_threads())
    rows, suspects = [], []
    for scan in scans:
        # A batch that is run again finds most of it done.
        row = work.recorded_now(scan)
        if row is not None:
            rows.append(row)
        elif work.is_suspect(scan):
            suspects.append(scan)
        else:
            rows.append(work(scan))
    return rows, suspects


def _alone(work: Work, scan: Scan) -> tuple[list[Row], list[Scan]]:
    """In a worker: one scan by itself; at which another worker was killed again, it is a row."""
    if work.is_given_up(scan):
        return [work.killed(scan)], []
    return [work.with_threads(_threads())(scan)], []
