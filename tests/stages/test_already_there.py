"""What stood before a stage began is told apart from what it made."""

from __future__ import annotations

from brainage.config import load_study
from brainage.stages.already_there import stands_before
from brainage.stages.run import run_stages


def already_there(study):
    """Return of every stage as far as the comparison whether it stood before."""
    there = {}
    for stage in run_stages(study):
        there[stage.name] = stage.already_there
        if stage.name == "compare":
            return there
    raise AssertionError("nothing was compared")


def test_a_second_run_knows_what_was_there_and_what_was_made_again(copy_of_finished):
    study = load_study(copy_of_finished / "study.yaml")
    there = already_there(study)
    assert there["train"]
    assert there["score"]
    assert there["compare"]
    before = stands_before(study, "score")
    assert before.is_all
    (copy_of_finished / "out" / "score" / "scores.tsv").unlink()
    there = already_there(study)
    assert there["train"]
    assert not there["score"]
    assert not before.is_all


def test_of_an_empty_folder_nothing_was_there(tmp_path):
    (tmp_path / "s.yaml").write_text("paths: {output: out}\n")
    before = stands_before(load_study(tmp_path / "s.yaml"), "train")
    assert not before.is_all
