"""A list of scans becomes a row each, whatever is already known of the scans."""

from __future__ import annotations

from dataclasses import dataclass, replace

import joblib
import pytest

from brainage.config import study_from_mapping
from brainage.stages.executor import LocalExecutor, executor_of


@dataclass(frozen=True)
class Counted:
    """Work whose row says with how many threads it was done."""

    n_threads: int = 1

    def __call__(self, scan):
        return {"name": scan, "n_threads": self.n_threads}

    def is_suspect(self, scan):
        return False

    def with_threads(self, n_threads):
        return replace(self, n_threads=n_threads)

    def labels(self, labels):
        return (labels["name"] if isinstance(labels, dict) else labels,)


@pytest.mark.parametrize(
    ("n_jobs", "n_scans", "n_threads"), [(1, 5, 8), (3, 5, 2), (8, 20, 1), (16, 20, 1), (8, 2, 4)]
)
def test_a_scan_has_the_cores_that_other_scans_leave(n_jobs, n_scans, n_threads):
    scans = [f"s{k}" for k in range(n_scans)]
    # In this process: other processes of their own are begun by the tests of batches.
    with joblib.parallel_config(backend="threading"):
        rows = list(LocalExecutor(n_jobs, n_cores=8).run(Counted(), scans))
    assert sorted(row["name"] for row in rows) == sorted(scans)
    assert {row["n_threads"] for row in rows} == {n_threads}


def test_nothing_to_do_is_no_row():
    executor = LocalExecutor(4)
    assert list(executor.run(Counted(), [])) == []
    assert not executor.lost_workers


def test_shards_of_a_cluster_run_as_on_any_machine():
    for named in ("local", "slurm"):
        study = study_from_mapping({"run": {"executor": named, "n_jobs": 3}})
        found = executor_of(study)
        assert isinstance(found, LocalExecutor)
        assert found.n_workers(10) == 3
        assert found.n_workers(2) == 2
