"""A stage folder is made when it has to be, whole or not at all."""

from __future__ import annotations

import pytest

from brainage.errors import StageError
from brainage.stages.making import Making
from brainage.stages.manifest import MANIFEST, read_manifest


def making(folder, **changed):
    choices = {"stage": "score", "options": {"a": 1}, "inputs": {"x": "0"}} | changed
    return Making(folder, **choices)


def write(folder, text="1\n"):
    def now():
        (folder / "scores.tsv").write_text(text)
        return [folder / "scores.tsv"]

    return now


def test_a_current_folder_is_not_made_again_and_another_choice_or_input_is(tmp_path):
    assert making(tmp_path).make(write(tmp_path))
    assert not making(tmp_path).make(write(tmp_path))
    assert making(tmp_path).make(write(tmp_path), overwrite=True)
    assert making(tmp_path, options={"a": 2}).make(write(tmp_path))
    assert making(tmp_path, options={"a": 2}, inputs={"x": "1"}).make(write(tmp_path))
    assert read_manifest(tmp_path)["inputs"] == {"x": "1"}


def test_a_lost_file_is_made_again_and_a_changed_one_is_told_with_what_to_run(tmp_path):
    making(tmp_path).make(write(tmp_path))
    (tmp_path / "scores.tsv").unlink()
    assert making(tmp_path).make(write(tmp_path))
    # The same length, one digit: size and name say nothing.
    (tmp_path / "scores.tsv").write_text("2\n")
    with pytest.raises(StageError, match=r"scores\.tsv: changed .*`brainage score --overwrite`"):
        making(tmp_path).make(write(tmp_path))
    assert making(tmp_path).make(write(tmp_path), overwrite=True)


def test_work_that_fails_leaves_a_folder_that_nobody_takes_for_whole(tmp_path):
    making(tmp_path).make(write(tmp_path))

    def fail():
        (tmp_path / "scores.tsv").write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        making(tmp_path, options={"a": 2}).make(fail)
    assert not (tmp_path / MANIFEST).exists()
    assert making(tmp_path).make(write(tmp_path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StageError, match=r"cannot be written .*choose another paths\.output"):
        making(tmp_path / "out" / "score").make(write(tmp_path))
