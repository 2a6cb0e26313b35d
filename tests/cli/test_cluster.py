"""A study of a cluster submits, unless a part or the cluster's own work is asked for."""

from __future__ import annotations

from argparse import Namespace

import pytest

from brainage.cli.cluster import is_for_cluster
from brainage.config import study_from_mapping


@pytest.mark.parametrize(
    ("executor", "asked", "expected"),
    [
        ("local", {}, False),
        ("local", {"submit": True}, True),
        ("local", {"status": True}, True),
        ("local", {"list": True}, True),
        ("slurm", {}, True),
        ("slurm", {"shard": "1/4"}, False),
        ("slurm", {"participant": ["01"]}, False),
        ("slurm", {"session": ["bl"]}, False),
        ("slurm", {"collect": True}, False),
        ("slurm", {"shard": "1/4", "status": True}, True),
    ],
)
def test_whole_studies_of_a_cluster_are_submitted_and_parts_are_worked_here(
    executor, asked, expected
):
    study = study_from_mapping({"run": {"executor": executor}})
    assert is_for_cluster(Namespace(**asked), study) is expected
