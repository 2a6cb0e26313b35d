"""A scan's record: written last, read whole or not at all; a file known by what was asked."""

from __future__ import annotations

import os

from brainage.stages.records import is_same, known_by, read_record, record_path, write_record

LABELS = {"participant_id": "01", "session_id": "1y", "task": "rest", "run": "n/a"}


def test_a_record_is_read_as_written_and_half_of_one_is_none(tmp_path):
    row = LABELS | {"status": "failed", "reason": "truncated gzip"}
    write_record(tmp_path, row, made_by="abc", inputs=[["bold.nii.gz", 1, 2, None]])
    path = record_path(tmp_path, LABELS)
    record = read_record(path)
    assert record["row"] == row
    assert record["made_by"] == "abc"
    path.write_text(path.read_text()[:20])
    assert read_record(path) is None
    assert read_record(tmp_path / "absent.json") is None


def test_a_file_with_another_time_is_the_same_only_where_its_content_is_known(tmp_path):
    file = tmp_path / "a.nii.gz"
    file.write_bytes(b"content")
    by_time, by_hash = known_by(file, "size_mtime"), known_by(file, "hash")
    os.utime(file, ns=(1, 1))
    assert not is_same(file, by_time, "size_mtime")
    assert is_same(file, by_time, "size")
    assert is_same(file, by_hash, "hash")
    file.write_bytes(b"CONTENT")
    assert not is_same(file, by_hash, "hash")
