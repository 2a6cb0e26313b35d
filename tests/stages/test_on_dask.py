"""Scans on a real Dask cluster: the same bytes, whatever workers are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import brainage
from brainage.config import DaskOptions, load_study
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.imaging import Scan, write_nifti
from brainage.stages.extract import extract_cohort
from brainage.stages.on_dask import DaskExecutor
from brainage.stages.scan_work import ScanWork

pytestmark = pytest.mark.engine

try:
    import cloudpickle
    from dask.distributed import Client, LocalCluster
except ImportError:
    warnings.warn("DASK WAS NOT TESTED: pip install 'brainage[dask]'", stacklevel=1)
    pytest.skip("dask.distributed is absent (brainage[dask])", allow_module_level=True)

# A worker cannot import this file: what it needs of it is sent.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_SHAPE = (5, 5, 5)
_N = 8


class Poison(ScanWork):
    """Work that kills its process at one scan, as the system does for want of memory."""

    def __call__(self, scan: Scan) -> dict:
        if scan.participant_id == "03":
            from brainage.stages.attempts import attempt

            with attempt(self.folder, self.labels(scan)):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(scan)


@pytest.fixture
def batch(tmp_path):
    """A study of eight small images."""
    rng, rows = np.random.default_rng(0), []
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(_SHAPE) % 21, _AFFINE)
    for i in range(_N):
        data = 1000 + 50 * rng.standard_normal((*_SHAPE, 60))
        write_nifti(tmp_path / f"s{i}.nii.gz", data, _AFFINE, t_r_s=2.0)
        np.savetxt(tmp_path / f"s{i}.par", 0.001 * rng.standard_normal((60, 6)))
        rows.append((f"s{i}.nii.gz", f"{i:02d}", f"s{i}.par"))
    names = ["path", "participant_id", "confounds"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "scans.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: scans.tsv}}\nrun: {n_jobs: 1}\nscience:\n"
        "  atlas: {name: toy, path: atlas.nii.gz}\n  exclusion: {min_retained_s: 60.0}\n"
    )
    return tmp_path


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of this machine."""
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with LocalCluster(n_workers=2, memory_limit="2GB", **options) as started:
        yield started


def study_on(folder, cluster, **dask):
    overrides = ["run.executor=dask", f"run.dask.address={cluster.scheduler_address}"]
    overrides += [f"run.dask.{key}={value}" for key, value in dask.items()]
    return load_study(folder / "study.yaml", overrides=overrides)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def local_digest(batch):
    study = load_study(batch / "study.yaml", overrides=[f"paths.output={batch}/local"])
    extract_cohort(study, "reference")
    return digest(batch / "local")


def test_a_cluster_gives_the_bytes_of_a_local_run_and_names_its_dashboard(batch, cluster):
    said = []
    table = extract_cohort(study_on(batch, cluster, batch=3), "reference", tell=said.append)
    assert set(table["status"]) == {"done"}
    assert digest(batch / "out") == local_digest(batch)
    assert any("dashboard: http" in line for line in said)


def test_a_worker_that_is_killed_costs_no_scan(batch, cluster):
    study = study_on(batch, cluster, batch=2)
    killed = []

    def kill_one(done: int, total: int, label: str) -> None:
        if not killed:
            with Client(cluster.scheduler_address) as client:
                killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    table = extract_cohort(study, "reference", progress=kill_one)
    assert killed
    assert set(table["status"]) == {"done"}
    assert digest(batch / "out") == local_digest(batch)


def test_a_scan_that_kills_its_worker_twice_is_one_failed_row(batch, cluster):
    study = study_on(batch, cluster, batch=4)
    executor = _Poisoned(DaskOptions(address=cluster.scheduler_address, batch=4), batch / "out")
    table = extract_cohort(study, "reference", executor=executor)
    failed = table[table["status"] == "failed"]
    assert failed["participant_id"].tolist() == ["03"]
    assert "its worker process was killed" in failed["reason"].iloc[0]
    assert (table["status"] == "done").sum() == _N - 1
    # Without the poison it is tried again, and done.
    assert set(extract_cohort(study, "reference")["status"]) == {"done"}
    assert digest(batch / "out") == local_digest(batch)


class _Poisoned(DaskExecutor):
    def run(self, work, scans):
        return super().run(Poison(**vars(work)), scans)


def test_an_address_nobody_answers_at_is_told(batch):
    study = load_study(
        batch / "study.yaml",
        overrides=[
            "run.executor=dask",
            "run.dask.address=tcp://127.0.0.1:1",
            "run.dask.wait_s=1",
        ],
    )
    with pytest.raises(StageError, match=r"run\.dask\.address: nobody answers at tcp://127"):
        extract_cohort(study, "reference")


def test_workers_that_do_not_come_are_not_waited_for_without_end(batch):
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(StageError, match="no worker came within 3 s"),
    ):
        extract_cohort(study_on(batch, empty, wait_s=3.0), "reference")


def test_a_cluster_is_started_where_no_address_is_given(batch):
    study = load_study(batch / "study.yaml", overrides=["run.executor=dask", "run.dask.workers=1"])
    assert set(extract_cohort(study, "reference")["status"]) == {"done"}


def test_a_worker_of_another_version_is_named_before_the_first_scan(batch, cluster):
    with Client(cluster.scheduler_address) as client:
        client.run(say_version, "0.0.1")
        try:
            with pytest.raises(StageError, match=r"worker tcp://.* has brainage 0\.0\.1, "):
                extract_cohort(study_on(batch, cluster), "reference")
        finally:
            client.run(say_version, brainage.__version__)
    assert not list((batch / "out").rglob("*_timeseries.tsv"))


def say_version(version: str) -> None:
    """In a worker: be of this version."""
    import brainage

    brainage.__version__ = version


#: How a worker is kept from what it needs, and what is said of it.
_UNFIT = {
    "without the package": (
        "sys.modules['brainage'] = None",
        [],
        r"cannot load brainage .*No module named 'brainage",
    ),
    "that cannot see the output": (
        "pass",
        ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"'],
        r"cannot see .* \(paths\.output\)",
    ),
}


@pytest.mark.parametrize("what", list(_UNFIT))
def test_a_worker_is_told(batch, what):
    before, inside, words = _UNFIT[what]
    output = batch / "out"
    output.mkdir()
    if inside and subprocess.run([*inside, str(output), "true"], capture_output=True).returncode:
        pytest.skip("no right to mount here")
    wrapped = [*inside, str(output)] if inside else []
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        code = f"import sys; {before}; from distributed.cli.dask_worker import main; main()"
        options = ["--no-nanny", "--nthreads", "1", "--no-dashboard"]
        worker = subprocess.Popen(
            [*wrapped, sys.executable, "-c", code, empty.scheduler_address, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with pytest.raises(StageError, match=words):
                extract_cohort(study_on(batch, empty, wait_s=120.0), "reference")
        finally:
            worker.terminate()
            worker.wait()
    assert not list(output.rglob("*_timeseries.tsv"))
