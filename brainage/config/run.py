"""The section ``run``: how to run; nothing in it changes a number."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brainage.options import Listed, Options


class SlurmOptions(Options):
    """What a job array asks SLURM for; None leaves the cluster's own default.

    Parameters
    ----------
    partition, account : str or None, default=None
        As ``sbatch`` names them.
    time : str or None, default=None
        Of each job, as ``sbatch`` writes it (``"02:00:00"``).
    memory : str or None, default=None
        Of each job (``"4G"``).
    cpus : int, default=2
        Of each job; ``run.n_jobs`` inside it is the same.
    shards : int or None, default=None
        Jobs that share the scans; None: one for about 20 scans, at most 1,000.
    at_once : int or None, default=None
        Jobs of the array that may run at the same time; None: as many as the cluster lets.
    prologue : str, default=""
        Lines of shell before brainage: module loads, an environment.
    command : str, default="brainage"
        How brainage is called in a job, e.g. ``"apptainer exec brainage.sif brainage"``.

    Examples
    --------
    >>> SlurmOptions(partition="short", time="02:00:00")
    SlurmOptions(partition='short', time='02:00:00')
    """

    partition: str | None = None
    account: str | None = None
    time: str | None = None
    memory: str | None = None
    cpus: int = Field(default=2, ge=1, le=1024)
    shards: int | None = Field(default=None, ge=1, le=100_000)
    at_once: int | None = Field(default=None, ge=1)
    prologue: str = ""
    command: str = "brainage"


class DaskOptions(Options):
    """Which Dask cluster extracts; needs ``brainage[dask]``.

    Parameters
    ----------
    address : str or None, default=None
        Of a scheduler that runs already (``tcp://host:8786``); None: one is started.
    cluster : {"local", "slurm", "pbs", "sge"}, default="local"
        What is started where no address is given: processes here, or jobs by dask-jobqueue.
    workers : int, default=2
        Worker processes or jobs.
    cores : int, default=1
        Threads of each worker, which inflate one scan together.
    memory : str, default="4GB"
        Of each worker.
    queue, account : str or None, default=None
        Partition or queue, and account, of the jobs.
    walltime : str or None, default=None
        Of each job.
    prologue : Listed[str], default=()
        Lines of shell at the start of each job.
    wait_s : float, default=300.0
        How long to wait for the first worker; and for the scheduler's answer, but 20 s at most.
    batch : int, default=20
        Scans sent to a worker at a time.

    Examples
    --------
    >>> DaskOptions(cluster="slurm", workers=8)
    DaskOptions(cluster='slurm', workers=8)
    """

    address: str | None = None
    cluster: Literal["local", "slurm", "pbs", "sge"] = "local"
    workers: int = Field(default=2, ge=1)
    cores: int = Field(default=1, ge=1)
    memory: str = "4GB"
    queue: str | None = None
    account: str | None = None
    walltime: str | None = None
    prologue: Listed[str] = ()
    wait_s: float = Field(default=300.0, gt=0)
    batch: int = Field(default=20, ge=1)


class RunSection(Options):
    """How to run; nothing here changes a number.

    Parameters
    ----------
    n_jobs : int, default=2
        Processes of this machine.
    executor : {"local", "dask", "slurm"}, default="local"
        Who runs the scans of ``extract``: processes here, a Dask cluster, or a SLURM job array
        (then ``extract`` and ``run`` submit, as with ``--submit``).
    slurm, dask : options
        What they are asked for.
    allow_partial : bool, default=False
        Train, score and compare although scans of the cohort are not extracted yet.
    input_identity : {"size_mtime", "size", "hash"}, default="size_mtime"
        What an input file is known by when a run asks whether it changed: size and time of
        change; size alone, or content, where copies change times (DataLad clones, a cluster's
        scratch). Content is read through on every run.
    figure_files : Listed[{"png", "pdf"}], default=("png", "pdf")
        Files of each figure of the report beside its SVG; ``[]`` draws it in a quarter of the
        time.

    Examples
    --------
    >>> run = RunSection(n_jobs=4, executor="slurm")
    >>> run
    RunSection(n_jobs=4, executor='slurm')
    """

    n_jobs: int = Field(default=2, ge=1, le=1024)
    executor: Literal["local", "dask", "slurm"] = "local"
    slurm: SlurmOptions = SlurmOptions()
    dask: DaskOptions = DaskOptions()
    allow_partial: bool = False
    input_identity: Literal["size_mtime", "size", "hash"] = "size_mtime"
    figure_files: Listed[Literal["png", "pdf"]] = ("png", "pdf")
