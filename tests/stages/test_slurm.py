"""A cohort as a job array: the scripts, and a real SLURM that runs them to the same bytes."""

from __future__ import annotations

import os
import shutil
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
from brainage.stages.extract import extract_cohort
from brainage.stages.slurm import extraction_status, submit_extraction, submit_run

_HERE = Path(__file__).resolve().parents[2] / "scripts" / "slurm_here.sh"
_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_SHAPE = (5, 5, 5)
_N = 9
pytestmark = pytest.mark.slow


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
    project = Path(__file__).resolve().parents[2]
    command = f"env PYTHONPATH={project} {sys.executable} -m brainage"
    (tmp_path / "study.yaml").write_text(
        "paths: {output: out, reference: {scans: scans.tsv}}\n"
        f'run: {{n_jobs: 1, slurm: {{shards: 3, cpus: 1, memory: 500M, command: "{command}"}}}}\n'
        "science:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  exclusion: {min_retained_s: 60.0}\n"
    )
    return tmp_path


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


def wait_for_jobs(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout
        if not left.strip():
            return
        time.sleep(1)
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


def test_array_and_collector_give_the_bytes_of_a_local_run(slurm, batch, capsys):
    shutil.copytree(batch, batch.parent / "local", copy_function=shutil.copy2)
    assert main(["extract", str(batch / "study.yaml"), "--submit"]) == DONE
    assert "submitted array: job" in capsys.readouterr().out
    # One task is killed on its way, as a cluster kills what runs too long.
    time.sleep(3)
    jobs = subprocess.run(["squeue", "-h", "-r", "-o", "%i %j"], capture_output=True, text=True)
    running = [line.split()[0] for line in jobs.stdout.splitlines() if "array" in line]
    if running:
        subprocess.run(["scancel", "--signal=KILL", running[0]], check=True)
    wait_for_jobs(240)
    # What the killed task left is done by the next submission, and only that.
    assert main(["extract", str(batch / "study.yaml"), "--submit"]) == DONE
    wait_for_jobs(240)
    study = load_study(batch / "study.yaml")
    assert extraction_status(study).iloc[0]["done"] == _N
    extract_cohort(study, "reference", overwrite=False)
    local = load_study(batch / "study.yaml", overrides=[f"paths.output={batch.parent}/local/out"])
    extract_cohort(local, "reference")
    assert digest(batch / "out") == digest(batch.parent / "local" / "out")


def test_a_partition_that_does_not_exist_is_told_in_slurms_own_words(slurm, batch, capsys):
    more = ["--set", "run.slurm.partition=nowhere"]
    assert main(["extract", str(batch / "study.yaml"), "--submit", *more]) == BAD_INPUT
    error = capsys.readouterr().err
    assert "SLURM refuses the job" in error
    assert "partition" in error


def test_more_memory_than_any_node_has_is_refused_by_the_scheduler(slurm, batch, capsys):
    more = ["--set", "run.slurm.memory=900T"]
    assert main(["extract", str(batch / "study.yaml"), "--submit", *more]) == BAD_INPUT
    assert "SLURM refuses the job" in capsys.readouterr().err
