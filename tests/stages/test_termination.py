"""Processes that end before their work does: killed by a scan, or told to end by a batch system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.config import load_study
from brainage.files import hash_file
from brainage.imaging import Scan, write_nifti
from brainage.stages import extract
from brainage.stages.attempts import begun
from brainage.stages.extract import extract_cohort
from brainage.stages.scan_work import ScanWork

pytestmark = pytest.mark.engine

_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])

#: A command whose third scan takes for ever.
_SLOW = """
import os, sys, time
from pathlib import Path
from brainage.cli import main
from brainage.stages import extract
from brainage.stages.scan_work import ScanWork

class Slow(ScanWork):
    def _extract_now(self, scan):
        if scan.participant_id == "2":
            Path(self.folder, "began").write_text(str(os.getpid()))
            time.sleep(120)
        return super()._extract_now(scan)

if __name__ == "__main__":
    extract.ScanWork = Slow
    sys.exit(main(sys.argv[1:]))
"""


class Poison(ScanWork):
    """Work whose third scan kills its process, as the system does for want of memory."""

    def _extract_now(self, scan: Scan) -> dict:
        if scan.participant_id == "2":
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._extract_now(scan)


@pytest.fixture
def batch(tmp_path):
    """A study of four small images, and the command ``slow.py``."""
    rng, rows = np.random.default_rng(0), []
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % 21, _AFFINE)
    for i in range(4):
        data = 1000 + 50 * rng.standard_normal((5, 5, 5, 60))
        write_nifti(tmp_path / f"s{i}.nii.gz", data, _AFFINE, t_r_s=2.0)
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((60, 6)))
        rows.append((f"s{i}.nii.gz", f"{i}", f"s{i}.par"))
    names = ["path", "participant_id", "confounds"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(
        "paths: {output: out, reference: {scans: scans.tsv}}\nrun: {n_jobs: 1}\nscience:\n"
        "  atlas: {name: toy, path: atlas.nii.gz}\n  exclusion: {min_retained_s: 60.0}\n"
    )
    (tmp_path / "slow.py").write_text(_SLOW)
    return tmp_path


def digest(folder: Path) -> dict[str, str]:
    """Hash every file of a tree, what killed writers leave included."""
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "began"
    }


def undisturbed(batch: Path) -> dict[str, str]:
    """Extract into another folder, and hash it."""
    extract_cohort(
        load_study(batch / "study.yaml", overrides=[f"paths.output={batch}/other"]), "reference"
    )
    return digest(batch / "other")


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def test_a_scan_that_kills_a_shard_of_one_job_is_one_row_the_next_time(batch, monkeypatch):
    study = load_study(batch / "study.yaml")
    monkeypatch.setattr(extract, "ScanWork", Poison)
    child = os.fork()
    if child == 0:
        extract_cohort(study, "reference", shard=(1, 1))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    folder = batch / "out" / "extract" / "reference"
    assert begun(folder) == {"sub-2"}
    # The whole cohort, by one job: the scan is tried in a process of its own, and is one row.
    rows = extract_cohort(study, "reference")
    failed = rows[rows["status"] == "failed"]
    assert failed["participant_id"].tolist() == ["2"]
    assert "its worker process was killed" in failed["reason"].iloc[0]
    assert (rows["status"] == "done").sum() == 3
    # Mended, it is done, and nothing tells of what was.
    monkeypatch.setattr(extract, "ScanWork", ScanWork)
    assert set(extract_cohort(study, "reference")["status"]) == {"done"}
    assert digest(batch / "out") == undisturbed(batch)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["two jobs", "dask"])
def test_sigterm_leaves_nothing_half_written_and_no_worker(batch, executor):
    if executor == "dask":
        pytest.importorskip("distributed", reason="brainage[dask] is absent")
    more = {
        "two jobs": ["--n-jobs", "2"],
        "dask": ["--executor", "dask", "--set", "run.dask.workers=1"],
    }
    command = [sys.executable, "slow.py", "extract", "study.yaml", "--quiet", *more[executor]]
    process = subprocess.Popen(command, cwd=batch, stderr=subprocess.PIPE, text=True)
    began = batch / "out" / "extract" / "reference" / "began"
    until = time.monotonic() + 120
    while not began.exists() or not began.read_text():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.02)
    worker = int(began.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    assert "terminated; what is done is kept" in process.stderr.read()
    process.stderr.close()
    while command_of(worker):
        assert time.monotonic() < until, "the worker goes on without its command"
        time.sleep(0.02)
    extract_cohort(load_study(batch / "study.yaml"), "reference")
    assert digest(batch / "out") == undisturbed(batch)
