"""What a manifest promises is compared with what is there."""

from __future__ import annotations

import os

import pytest

from brainage.errors import StageError
from brainage.stages.manifest import (
    changed_outputs,
    files_hash,
    identity_of,
    read_checked_manifest,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.tsv", "b.npy"):
        (tmp_path / name).write_text("123")
    outputs = [tmp_path / "a.tsv", tmp_path / "b.npy"]
    write_manifest(tmp_path, stage="train", key="k", options={}, inputs={}, outputs=outputs)
    return tmp_path


def test_one_changed_digit_and_a_lost_file_are_told_apart(folder):
    (folder / "a.tsv").write_text("124")
    (folder / "b.npy").unlink()
    assert dict(changed_outputs(folder, read_manifest(folder))) == {
        "a.tsv": "changed",
        "b.npy": "gone",
    }


def test_a_reader_is_told_which_file_changed_and_what_to_run(folder):
    assert read_checked_manifest(folder)["stage"] == "train"
    (folder / "b.npy").write_text("321")
    assert read_checked_manifest(folder, only=["a.tsv"])
    with pytest.raises(StageError, match=r"b\.npy: changed .*run `brainage train --overwrite`"):
        read_checked_manifest(folder)


@pytest.mark.parametrize("text", ["[]", "{}", '{"outputs": [1]}', '{"outputs": {"a": 1}}', "{"])
def test_what_is_no_manifest_is_told_and_no_bug(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(StageError, match=r"manifest\.json"):
        read_manifest(folder)


def test_a_copy_with_other_times_is_the_same_by_size_and_by_content(folder):
    path = folder / "a.tsv"
    before = {by: files_hash(folder, [path], by=by) for by in ("size_mtime", "size", "hash")}
    os.utime(path, (1, 1))
    after = {by: files_hash(folder, [path], by=by) for by in before}
    assert [by for by in before if before[by] != after[by]] == ["size_mtime"]
    path.write_text("456")
    assert files_hash(folder, [path], by="size") == before["size"]
    assert files_hash(folder, [path], by="hash") != before["hash"]
    assert identity_of(folder / "none", by="hash") == [None, None]
