"""Faults of a batch of images: full disks, killed processes, and the bytes after all of it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, main
from brainage.config import study_from_mapping
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.imaging import write_nifti
from brainage.stages.extract import extract_cohort
from brainage.workers import processes

_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_SHAPE = (5, 5, 5)
_N_SCANS = 24


@pytest.fixture(scope="module")
def batch(tmp_path_factory) -> Path:
    """A study of 24 small images with motion; its own output is the undisturbed one."""
    folder = tmp_path_factory.mktemp("batch")
    rng = np.random.default_rng(0)
    write_nifti(folder / "atlas.nii.gz", np.arange(125).reshape(_SHAPE) % 41, _AFFINE)
    rows = []
    for i in range(_N_SCANS):
        data = 1000 + 50 * rng.standard_normal((*_SHAPE, 120))
        write_nifti(folder / f"s{i}.nii.gz", data, _AFFINE, t_r_s=2.0)
        np.savetxt(folder / f"s{i}.par", 0.001 * rng.standard_normal((120, 6)))
        rows.append(
            {"path": f"s{i}.nii.gz", "participant_id": f"{i:02d}", "confounds": f"s{i}.par"}
        )
    pd.DataFrame(rows).to_csv(folder / "scans.tsv", sep="\t", index=False)
    (folder / "study.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: scans.tsv}}\nrun: {n_jobs: 1}\nscience:\n"
        "  atlas: {name: toy, path: atlas.nii.gz}\n  exclusion: {min_retained_s: 60.0}\n"
    )
    assert set(extract_cohort(study(folder), "reference")["status"]) == {"done"}
    return folder


def study(batch: Path, output: str | Path = "out", n_jobs: int = 1):
    return study_from_mapping(
        {
            "extends": "fisher_z_ridge",
            "paths": {"output": str(output), "reference": {"scans": "scans.tsv"}},
            "run": {"n_jobs": n_jobs},
            "science": {
                "atlas": {"name": "toy", "path": "atlas.nii.gz"},
                "exclusion": {"min_retained_s": 60.0},
            },
        },
        base=batch,
    )


def digest(folder: Path) -> dict[str, str]:
    """Hash every file of a tree, what killed writers leave included."""
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextlib.contextmanager
def small_disk(folder: Path, size: str):
    """Mount a disk of its own for the output; needs the right to mount."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "brainage-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def records(output: Path) -> list[Path]:
    return list((output / "extract" / "reference" / "records").glob("*/*.json"))


def test_a_full_disk_is_a_reason_and_with_space_the_rest_comes_to_the_same_bytes(batch, tmp_path):
    with small_disk(tmp_path / "disk", "600k") as disk:
        with pytest.raises(StageError) as caught:
            extract_cohort(study(batch, disk / "out"), "reference")
        words = str(caught.value)
        # 'scans.tsv: cannot be written (No space left ...); 20 failed, 4 done; the first ...'
        assert re.search(r"scans\.tsv: cannot be written \(No space left", words)
        assert re.search(r"\d+ failed.*the first failure: .*No space left", words)
        assert re.search(r"[1-9]\d* done", words)
        assert "s0.nii.gz: No space" not in words
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        before = {path: path.stat().st_mtime_ns for path in disk.rglob("*_timeseries.tsv")}
        assert 0 < len(before) < _N_SCANS
        table = extract_cohort(study(batch, disk / "out"), "reference")
        assert set(table["status"]) == {"done"}
        assert digest(disk / "out") == digest(batch / "out")


def test_a_disk_that_is_full_or_locked_is_told_before_the_first_scan(batch, tmp_path, capsys):
    with small_disk(tmp_path / "disk", "64k") as disk:
        (disk / "filler").write_bytes(bytes(64 * 1024))
        with pytest.raises(StageError, match=r"disk.*No space left on device.*paths\.output"):
            extract_cohort(study(batch, disk / "out"), "reference")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        output = ["--set", f"paths.output={disk / 'out'}"]
        assert main(["extract", str(batch / "study.yaml"), "--quiet", *output]) == BAD_INPUT
        assert "Read-only file system" in capsys.readouterr().err


@pytest.mark.engine
def test_kill_9_at_random_points_and_a_last_run_give_the_undisturbed_bytes(batch, tmp_path, begin):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    output = tmp_path / "out"
    command = ["extract", "study.yaml", "--quiet", "--set", f"paths.output={output}"]
    for share in (0.2, 0.6):
        process = begin(command, batch)
        while len(records(output)) < int(share * _N_SCANS) and process.is_alive():
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.05))
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    assert 0 < len(records(output)) < _N_SCANS
    extract_cohort(study(batch, output), "reference")
    assert digest(output) == digest(batch / "out")


@pytest.mark.engine
def test_a_killed_worker_costs_no_scan_that_can_be_extracted(batch, tmp_path):
    output = tmp_path / "out"
    words = ["extract", "study.yaml", "--quiet", "--n-jobs", "2", "--set", f"paths.output={output}"]
    # As from a shell: a forked process would wait at its end for workers of its own.
    process = subprocess.Popen(
        [sys.executable, "-m", "brainage", *words], cwd=batch, stderr=subprocess.PIPE
    )
    while len(records(output)) < 3 and process.poll() is None:
        time.sleep(0.002)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    assert process.wait(timeout=300) == 0, process.stderr.read().decode()
    process.stderr.close()
    assert digest(output) == digest(batch / "out")


def workers_of(pid: int) -> list[int]:
    """Return a process's children that run loky's workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("no /proc here to find the worker processes in")
    found = [int(child) for child in children.read_text().split()]
    return [p for p in found if b"popen_loky" in Path(f"/proc/{p}/cmdline").read_bytes()]


def test_a_lost_sidecar_or_a_shortened_series_is_made_again(batch, tmp_path):
    shutil.copytree(batch / "out", tmp_path / "out", copy_function=shutil.copy2)
    made = sorted((tmp_path / "out").rglob("*_timeseries.tsv"))
    made[0].with_suffix(".json").unlink()
    made[1].write_bytes(made[1].read_bytes()[:-1])
    extract_cohort(study(batch, tmp_path / "out"), "reference")
    assert digest(tmp_path / "out") == digest(batch / "out")


def test_two_shards_at_once_come_to_the_undisturbed_bytes(batch, tmp_path):
    shards = (joblib.delayed(extract_shard)(batch, tmp_path / "out", k) for k in (1, 2))
    assert processes(2)(shards) == [_N_SCANS // 2] * 2
    extract_cohort(study(batch, tmp_path / "out"), "reference")
    assert digest(tmp_path / "out") == digest(batch / "out")


def extract_shard(batch: Path, output: Path, k: int) -> int:
    """Extract one of two shards; return how many scans of it are done."""
    table = extract_cohort(study(batch, output), "reference", shard=(k, 2))
    return int((table["status"] == "done").sum())


def test_copies_with_other_times_are_extracted_again_only_where_times_count(
    batch, tmp_path, monkeypatch
):
    shutil.copytree(batch, tmp_path / "copy", copy_function=shutil.copy2)
    for path in (tmp_path / "copy").glob("s*"):
        os.utime(path, (1e9, 1e9))
    series = sorted((tmp_path / "copy" / "out").rglob("*_timeseries.tsv"))

    def made() -> list[int]:
        return [path.stat().st_mtime_ns for path in series]

    before = made()
    copy = study(tmp_path / "copy")
    # As DataLad's clones and a cluster's scratch leave them: known by size, nothing is new.
    by_size = copy.model_copy(
        update={"run": copy.run.model_copy(update={"input_identity": "size"})}
    )
    assert set(extract_cohort(by_size, "reference")["status"]) == {"done"}
    assert made() == before

    def no_links(*_: object, **__: object) -> None:
        raise OSError("this file system has no hard links")

    # And where they count, on a file system without hard links too, the bytes are the same.
    monkeypatch.setattr(os, "link", no_links)
    assert set(extract_cohort(copy, "reference")["status"]) == {"done"}
    assert all(now > then for now, then in zip(made(), before, strict=True))
    names = [path.relative_to(tmp_path / "copy" / "out") for path in series]
    for name in names:
        again, undisturbed = tmp_path / "copy" / "out" / name, batch / "out" / name
        assert again.read_bytes() == undisturbed.read_bytes()
