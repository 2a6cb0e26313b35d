"""A cohort as a job array: the scripts, and a real SLURM that runs them to the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import load_study
from brainage.files import hash_file
from brainage.imaging import write_nifti
from brainage.stages.attempts import begun
from brainage.stages.extract import extract_cohort
from brainage.stages.slurm import (
    extraction_status,
    submit_extraction,
    submit_run,
    submitted_jobs,
)

_HERE = Path(__file__).resolve().parents[2] / "scripts" / "slurm_here.sh"
_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_SHAPE = (5, 5, 5)
_N = 9
_VISITS = (("base", 0.0), ("1y", 1.0))
PROJECT = Path(__file__).resolve().parents[2]
_COMMAND = f"env PYTHONPATH={PROJECT} {sys.executable} -m brainage"
_TRIAL = """\
extends: fisher_z_ridge
paths:
  output: out
  reference: {{scans: reference.tsv, participants: reference_people.tsv}}
  trial: {{scans: trial.tsv, participants: trial_people.tsv}}
  allocation: allocation.tsv
run: {{figure_files: [], slurm: {{shards: 2, cpus: 1, memory: 900M, command: "{command}"}}}}
science:
  atlas: {{name: toy, path: atlas.nii.gz}}
  exclusion: {{min_retained_s: 60.0}}
  clock: {{networks: false, validation: {{n_folds: 3, n_bootstrap: 20}}}}
  trial:
    arms: [CON, HRT]
    control_arm: CON
    visits:
      - {{label: baseline, session_id: base, nominal_years: 0}}
      - {{label: 1 year, session_id: 1y, nominal_years: 1}}
    primary_visit: 1 year
    randomization: {{n_draws: 99}}
"""
#: A command in which one scan takes for ever.
SLOW = """
import sys, time
from pathlib import Path
from brainage.cli import main
from brainage.stages import extract
from brainage.stages.scan_work import ScanWork

class Slow(ScanWork):
    def _extract_now(self, scan):
        if scan.participant_id in ("02", "t3"):
            Path(self.folder, "began").touch()
            time.sleep(120)
        return super()._extract_now(scan)

extract.ScanWork = Slow
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def batch(tmp_path):
    """A study of nine small images in ``study.yaml``, and the command that jobs call."""
    rng = np.random.default_rng(0)
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(_SHAPE) % 21, _AFFINE)
    rows = []
    for i in range(_N):
        data = 1000 + 50 * rng.standard_normal((*_SHAPE, 60))
        write_nifti(tmp_path / f"s{i}.nii.gz", data, _AFFINE, t_r_s=2.0)
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((60, 6)))
        rows.append((f"s{i}.nii.gz", f"{i:02d}", f"s{i}.par"))
    names = ["path", "participant_id", "confounds"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: scans.tsv}}\n"
        f'run: {{n_jobs: 1, slurm: {{shards: 3, cpus: 1, memory: 500M, command: "{_COMMAND}"}}}}\n'
        "science:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  exclusion: {min_retained_s: 60.0}\n"
    )
    return tmp_path


@pytest.fixture
def trial(tmp_path):
    """A study of twelve reference people, and of two arms of four at two visits."""
    folder, rng = tmp_path / "trial", np.random.default_rng(0)
    write_nifti(folder / "atlas.nii.gz", np.arange(125).reshape(_SHAPE) % 11, _AFFINE)
    visits = [(f"t{i}", session, 65.0 + i + years) for i in range(8) for session, years in _VISITS]
    cohorts = {
        "reference": [(f"r{i:02d}", "n/a", 20.0 + 5 * i) for i in range(12)],
        "trial": visits,
    }
    for cohort, people in cohorts.items():
        scans, rows = [], []
        for person, session, age in people:
            shared = rng.standard_normal(40) * age / 20
            data = 1000 + 40 * (rng.standard_normal((*_SHAPE, 40)) + shared)
            name = f"{cohort}-{person}-{session.replace('/', '')}"
            write_nifti(folder / f"{name}.nii.gz", data, _AFFINE, t_r_s=2.0)
            np.savetxt(folder / f"{name}.par", 0.001 * rng.standard_normal((40, 6)))
            scans.append((f"{name}.nii.gz", person, session, f"{name}.par"))
            rows.append((person, session, age, "F"))
        names = ["path", "participant_id", "session_id", "confounds"]
        write_tsv(folder / f"{cohort}.tsv", scans, names)
        write_tsv(
            folder / f"{cohort}_people.tsv", rows, ["participant_id", "session_id", "age", "sex"]
        )
    arms = [(f"t{i}", ("CON", "HRT")[i % 2]) for i in range(8)]
    write_tsv(folder / "allocation.tsv", arms, ["participant_id", "arm"])
    (folder / "study.yaml").write_text(_TRIAL.format(command=_COMMAND))
    return folder


def slow_command(folder: Path) -> str:
    """Write the command in which one scan takes for ever; return the setting that names it."""
    (folder / "slow.py").write_text(SLOW)
    return f"run.slurm.command=env PYTHONPATH={PROJECT} {sys.executable} {folder}/slow.py"


def write_tsv(path: Path, rows: list[tuple], names: list[str]) -> None:
    pd.DataFrame(rows, columns=names).to_csv(path, sep="\t", index=False)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A real SLURM of one node on this machine; skipped, loudly, where it cannot be had."""
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([_HERE, "start", folder], capture_output=True, text=True)
    if started.returncode != 0:
        why = (started.stderr or started.stdout).strip().splitlines()[-1:]
        warnings.warn(f"SLURM WAS NOT TESTED: {why}", stacklevel=1)
        subprocess.run([_HERE, "stop", folder], check=False)
        pytest.skip(f"no SLURM can be started here: {why}")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before
    subprocess.run([_HERE, "stop", folder], check=True)


def digest(folder: Path) -> dict[str, str]:
    """Hash what an extraction leaves, but for scripts, logs and marks."""
    skipped = {"slurm", "attempts"}
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not skipped & set(path.relative_to(folder).parts)
    }


def wait_for(path: Path) -> None:
    end = time.monotonic() + 240
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.05)


def wait_for_jobs(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout
        if not left.strip():
            return
        time.sleep(0.2)
    raise AssertionError(f"jobs did not end: {left}")


def test_a_dry_run_writes_list_and_scripts_that_anyone_can_read(batch):
    study = load_study(batch / "study.yaml", overrides=["run.slurm.partition=long"])
    made = submit_extraction(study, str(batch / "study.yaml"), dry_run=True)
    assert (made.n_scans, made.n_shards, made.jobs) == (_N, 3, {})
    array = (made.folder / "array.sh").read_text()
    assert "#SBATCH --array=1-3\n" in array
    assert "#SBATCH --partition=long\n" in array
    assert '--shard "$SLURM_ARRAY_TASK_ID/3"' in array
    listed = pd.read_csv(made.folder / "scans.tsv", sep="\t", dtype=str)
    assert listed["shard"].tolist() == ["1", "2", "3"] * 3
    assert subprocess.run(["bash", "-n", made.folder / "array.sh"], check=False).returncode == 0


def test_the_default_is_a_task_for_twenty_scans(batch):
    study = load_study(batch / "study.yaml", overrides=["run.slurm.shards=null"])
    assert submit_extraction(study, "study.yaml", dry_run=True).n_shards == 1


def test_a_whole_run_has_a_script_a_stage(batch):
    study = load_study(batch / "study.yaml")
    folder = submit_run(study, str(batch / "study.yaml"), dry_run=True).folder
    names = {path.name for path in folder.glob("*.sh")}
    assert names == {"array.sh", "collect.sh", "train.sh", "report.sh"}


def test_without_sbatch_on_the_path_it_is_said_and_nothing_is_written(batch, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(batch))
    assert main(["extract", str(batch / "study.yaml"), "--submit"]) == BAD_INPUT
    assert "no sbatch on PATH" in capsys.readouterr().err
    assert not (batch / "out").exists()


def test_status_counts_what_is_there(batch, capsys):
    study = load_study(batch / "study.yaml")
    extract_cohort(study, "reference", shard=(1, 3))
    row = extraction_status(study).iloc[0]
    assert (row["scans"], row["done"], row["missing"]) == (_N, 3, 6)
    assert main(["extract", str(batch / "study.yaml"), "--status"]) == DONE
    assert "missing" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.engine
def test_a_killed_task_is_done_by_a_run_that_ends_with_the_contrasts_of_a_local_one(
    slurm, trial, tmp_path, capsys
):
    file, slow = str(trial / "study.yaml"), slow_command(trial)
    assert main(["extract", file, "--submit", "--set", slow]) == DONE
    assert "submitted array: job" in capsys.readouterr().out
    # One task is killed on its way, as a cluster kills what runs too long.
    wait_for(trial / "out" / "extract" / "trial" / "began")
    job = submitted_jobs(load_study(file))["array"]
    subprocess.run(["scancel", "--signal=KILL", job], check=True)
    wait_for_jobs(240)
    (trial / "out" / "extract" / "trial" / "began").unlink()
    assert extraction_status(load_study(file))["missing"].sum() > 0
    # Whatever became of it, the rest is collected, and the next submission does what is missing.
    assert main(["run", file, "--submit"]) == DONE
    wait_for_jobs(480)
    logs = trial / "out" / "extract" / "slurm" / "logs"
    told = {path.stem: path.read_text() for path in logs.glob("*.log")}
    assert (trial / "out" / "compare" / "results" / "contrasts.tsv").is_file(), told
    assert (trial / "out" / "report" / "report.html").is_file(), told
    here = ["run.executor=local", "run.n_jobs=1", f"paths.output={tmp_path}/local"]
    assert main(["run", file, "--quiet", *(w for o in here for w in ("--set", o))]) == DONE
    made, expected = digest(trial / "out"), digest(tmp_path / "local")
    # What was made from series knows them by their times of change.
    for stage in ("train", "train/features", "score", "score/features"):
        del made[f"{stage}/manifest.json"], expected[f"{stage}/manifest.json"]
    assert made == expected


@pytest.mark.slow
@pytest.mark.engine
def test_a_task_that_is_cancelled_leaves_its_scan_as_if_it_was_never_begun(slurm, batch):
    overrides = [slow_command(batch), "run.slurm.shards=1"]
    made = load_study(batch / "study.yaml", overrides=overrides)
    jobs = submit_extraction(made, str(batch / "study.yaml")).jobs
    wait_for(batch / "out" / "extract" / "reference" / "began")
    subprocess.run(["scancel", jobs["collect"], jobs["array"]], check=True)
    wait_for_jobs(120)
    log = batch / "out" / "extract" / "slurm" / "logs" / "array-1.log"
    assert "terminated; what is done is kept" in log.read_text()
    assert begun(batch / "out" / "extract" / "reference") == set()
    assert not list((batch / "out").rglob(".*timeseries*"))
    row = extraction_status(load_study(batch / "study.yaml")).iloc[0]
    assert (row["done"], row["running"], row["missing"]) == (2, 0, _N - 2)


@pytest.mark.slow
@pytest.mark.engine
def test_dask_jobs_on_slurm_extract_a_cohort(slurm, batch):
    pytest.importorskip("dask_jobqueue", reason="brainage[dask] is absent")
    dask = {"cluster": "slurm", "workers": 1, "memory": "500MB", "queue": "here", "wait_s": 120}
    overrides = [f"run.dask.{key}={value}" for key, value in dask.items()]
    prologue = f'run.dask.prologue=["export PYTHONPATH={PROJECT}", "cd {batch}"]'
    study = load_study(batch / "study.yaml", overrides=["run.executor=dask", *overrides, prologue])
    assert set(extract_cohort(study, "reference")["status"]) == {"done"}
    wait_for_jobs(120)
    local = load_study(batch / "study.yaml", overrides=[f"paths.output={batch}/local"])
    extract_cohort(local, "reference")
    assert digest(batch / "out") == digest(batch / "local")


@pytest.mark.slow
@pytest.mark.engine
def test_a_partition_that_does_not_exist_is_told_in_slurms_own_words(slurm, batch, capsys):
    more = ["--set", "run.slurm.partition=nowhere"]
    assert main(["extract", str(batch / "study.yaml"), "--submit", *more]) == BAD_INPUT
    error = capsys.readouterr().err
    assert "SLURM refuses the job" in error
    assert "partition" in error


@pytest.mark.slow
@pytest.mark.engine
def test_more_memory_than_any_node_has_is_refused_by_the_scheduler(slurm, batch, capsys):
    more = ["--set", "run.slurm.memory=900T"]
    assert main(["extract", str(batch / "study.yaml"), "--submit", *more]) == BAD_INPUT
    assert "SLURM refuses the job" in capsys.readouterr().err
