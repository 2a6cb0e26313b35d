"""A study of a cluster submits, unless a part or the cluster's own work is asked for."""

from __future__ import annotations

from argparse import Namespace

import pytest

from brainage.cli import DONE, main
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


def test_a_list_and_a_count_of_its_scans_name_the_next_step(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans.tsv").write_text("path\tparticipant_id\na.nii.gz\t01\n")
    (tmp_path / "a.nii.gz").touch()
    (tmp_path / "study.yaml").write_text("paths: {output: out, reference: {scans: scans.tsv}}\n")
    assert main(["extract", "study.yaml", "--list"]) == DONE
    assert "next: brainage extract study.yaml --shard K/N" in capsys.readouterr().out
    assert main(["extract", "study.yaml", "--status"]) == DONE
    said = capsys.readouterr().out
    assert "next: brainage extract study.yaml extracts what is missing or failed" in said
