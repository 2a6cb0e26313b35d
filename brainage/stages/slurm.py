"""A cohort as a SLURM job array: plain shell scripts that anyone can read, and ``sbatch``.

``extract/slurm/`` holds the frozen list (``scans.tsv``), ``array.sh`` (one task a shard),
``collect.sh`` and, for a whole study, one script a later stage. Nothing but files and ``sbatch`` is
needed: a lab may submit them by hand.
"""

from __future__ import annotations

import math
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.errors import ConfigError, StageError
from brainage.files import read_json_object, write_json, write_text
from brainage.imaging import Scan
from brainage.stages.cohorts import COHORTS, Cohort, cohort_paths, has_cohort, stage_folder, trains
from brainage.stages.evaluate import asks_for_evaluation
from brainage.stages.extract import prepare_extraction, scan_states
from brainage.stages.scan_list import SCAN_LIST, cohort_scans, freeze, list_table
from brainage.tables import Column, TableSchema, write_table

_SCANS_A_SHARD = 20
_MOST_SHARDS = 1000
_JOBS = "jobs.json"
SUBMITTED = TableSchema(
    "submitted scans",
    (
        Column("cohort", "text", "reference, trial or external."),
        Column("shard", "integer", "Task of the array."),
        *SCAN_LIST.columns,
    ),
    key=("cohort", *SCAN_LIST.key),
)


@dataclass(frozen=True)
class Submission:
    """What was written and, unless it was a dry run, which jobs it became.

    Parameters
    ----------
    folder : Path
        Of the scripts.
    n_shards : int
        Tasks of the array.
    n_scans : int
        Scans of all cohorts.
    jobs : dict of str to str
        Script -> SLURM's job id; empty after a dry run.
    """

    folder: Path
    n_shards: int
    n_scans: int
    jobs: dict[str, str]


def submit_extraction(
    study: StudyConfig, study_file: str, *, dry_run: bool = False, arguments: Sequence[str] = ()
) -> Submission:
    """Write the array and the collector of a study's scans, and submit them.

    Parameters
    ----------
    study : StudyConfig
        ``run.slurm`` says what the jobs ask for.
    study_file : str
        As it was given on the command line.
    dry_run : bool, default=False
        Only write.
    arguments : sequence of str, default=()
        Further arguments of every command (``--set ...``).

    Returns
    -------
    submission : Submission

    Raises
    ------
    ConfigError
        No scans, or no ``sbatch`` on PATH.
    StageError
        The scheduler refuses (its own words).
    """
    return _submit(study, study_file, [], dry_run=dry_run, arguments=arguments)


def submit_run(
    study: StudyConfig, study_file: str, *, dry_run: bool = False, arguments: Sequence[str] = ()
) -> Submission:
    """Write and submit every stage of a study, each after the one before; see above."""
    stages = []
    if trains(study):
        stages.append("train")
    if asks_for_evaluation(study):
        stages.append("evaluate")
    if study.paths.scores is None and has_cohort(study, "trial"):
        stages.append("score")
    if study.science.trial is not None:
        stages.append("compare")
    return _submit(study, study_file, [*stages, "report"], dry_run=dry_run, arguments=arguments)


def extraction_status(study: StudyConfig) -> pd.DataFrame:
    """Return how many scans of each cohort are done, excluded, running, failed and missing."""
    rows = []
    for cohort in _cohorts(study):
        states = scan_states(study, cohort)
        counts = pd.Series(states, dtype=str).value_counts()
        names = ("done", "excluded", "running", "failed", "missing")
        rows.append(
            {"cohort": cohort, "scans": len(states), **{n: int(counts.get(n, 0)) for n in names}}
        )
    return pd.DataFrame(rows)


def submitted_jobs(study: StudyConfig) -> dict[str, str]:
    """Return the jobs of the last submission, script -> id; none where there was none."""
    path = _folder(study) / _JOBS
    return read_json_object(path, error=StageError) if path.is_file() else {}


def _submit(
    study: StudyConfig,
    study_file: str,
    stages: list[str],
    *,
    dry_run: bool,
    arguments: Sequence[str],
) -> Submission:
    cohorts = _cohorts(study)
    if not cohorts:
        raise ConfigError(
            "--submit: expected scans to extract (paths.reference.scans, paths.trial.scans), found "
            "none in the study file."
        )
    if not dry_run and shutil.which("sbatch") is None:
        raise ConfigError(
            "--submit: no sbatch on PATH: this machine submits to no SLURM. Give the command where "
            "it does, or write the scripts alone with --dry-run."
        )
    listed = {}
    for cohort in cohorts:
        prepare_extraction(study, cohort)
        listed[cohort] = cohort_scans(study, cohort)
        freeze(study, cohort, listed[cohort])
    n_scans = sum(map(len, listed.values()))
    n_shards = study.run.slurm.shards or min(_MOST_SHARDS, math.ceil(n_scans / _SCANS_A_SHARD))
    n_shards = min(n_shards, max(map(len, listed.values())))
    folder = _folder(study)
    write_table(_shard_table(listed, n_shards), folder / "scans.tsv", SUBMITTED)
    # Jobs start where they are put: every path is absolute.
    call = [study.run.slurm.command, "{verb}", shlex.quote(_absolute(study_file))]
    call += [shlex.quote(word) for word in (*arguments, "--set", "run.executor=local")]
    command = " ".join(call)
    write_text(folder / "array.sh", _array(study, command, n_shards, folder))
    steps = {"collect": command.format(verb="extract") + " --collect"}
    steps |= {stage: command.format(verb=stage) for stage in stages}
    for name, line in steps.items():
        write_text(folder / f"{name}.sh", _step(study, name, line, folder))
    jobs = {} if dry_run else _sent(folder, list(steps))
    return Submission(folder, n_shards, n_scans, jobs)


def _sent(folder: Path, steps: list[str]) -> dict[str, str]:
    jobs = {"array": _sbatch(folder / "array.sh")}
    before, how = jobs["array"], "afterany"
    try:
        for name in steps:
            jobs[name] = _sbatch(folder / f"{name}.sh", f"--dependency={how}:{before}")
            # Collected is what came: a failed task is a row. Each later stage needs the one before.
            before, how = jobs[name], "afterok"
    finally:
        write_json(folder / _JOBS, jobs)
    return jobs


def _sbatch(script: Path, *options: str) -> str:
    command = ["sbatch", "--parsable", "--kill-on-invalid-dep=yes", *options, str(script)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired as error:
        raise StageError(
            f"{script}: sbatch did not answer within 120 s. The scripts are written: submit them "
            "by hand once the scheduler answers."
        ) from error
    if told.returncode != 0:
        words = " ".join((told.stderr or told.stdout).split())
        raise StageError(
            f"{script}: SLURM refuses the job: {words}. Mend run.slurm (partition, account, time, "
            "memory, cpus) in the study file; what was submitted before stays, nothing is lost."
        )
    return told.stdout.strip().split(";")[0]


def _array(study: StudyConfig, command: str, n_shards: int, folder: Path) -> str:
    at_once = study.run.slurm.at_once
    limit = "" if at_once is None else f"%{at_once}"
    line = command.format(verb="extract") + f' --shard "$SLURM_ARRAY_TASK_ID/{n_shards}"'
    return _script(
        study,
        "array",
        [f"--array=1-{n_shards}{limit}", f"--output={folder}/logs/array-%a.log"],
        f"{line} --n-jobs {study.run.slurm.cpus}",
    )


def _step(study: StudyConfig, name: str, line: str, folder: Path) -> str:
    line = f"{line} --n-jobs {study.run.slurm.cpus}" if name != "report" else line
    return _script(study, name, [f"--output={folder}/logs/{name}.log"], line)


def _script(study: StudyConfig, name: str, options: list[str], line: str) -> str:
    asked = study.run.slurm
    wanted = {
        "partition": asked.partition,
        "account": asked.account,
        "time": asked.time,
        "mem": asked.memory,
    }
    header = [f"--job-name=brainage-{name}", "--ntasks=1", f"--cpus-per-task={asked.cpus}"]
    header += [f"--{key}={value}" for key, value in wanted.items() if value is not None]
    # SLURM opens the log before the first line runs.
    (_folder(study) / "logs").mkdir(parents=True, exist_ok=True)
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in (*header, *options))]
    lines += [
        "# Written by brainage; submit with sbatch, or run a line by hand.",
        "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1" if name == "array" else "",
        asked.prologue,
        line,
        "code=$?",
        "# 1: done, but some scans failed; the table says which, and the next stage goes on.",
        '[ "$code" -le 1 ] && exit 0',
        'exit "$code"',
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _shard_table(listed: dict[Cohort, list[Scan]], n_shards: int) -> pd.DataFrame:
    tables = []
    for cohort, scans in listed.items():
        table = list_table(scans)
        table.insert(0, "shard", [index % n_shards + 1 for index in range(len(scans))])
        table.insert(0, "cohort", cohort)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _cohorts(study: StudyConfig) -> list[Cohort]:
    return [cohort for cohort in COHORTS if cohort_paths(study, cohort).scans]


def _folder(study: StudyConfig) -> Path:
    return stage_folder(study, "extract") / "slurm"


def _absolute(study_file: str) -> str:
    path = Path(study_file)
    return str(path.resolve()) if path.exists() else study_file


__all__ = [
    "SUBMITTED",
    "Submission",
    "extraction_status",
    "submit_extraction",
    "submit_run",
    "submitted_jobs",
]
