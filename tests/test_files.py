"""Files are whole or absent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from brainage.errors import SeriesError, TableError
from brainage.files import (
    atomic_path,
    configs_folder,
    finite_number,
    hash_file,
    read_json,
    read_json_object,
    remove_leftovers,
    scratch_folder,
    this_process,
    write_json,
    write_text,
)


def test_an_exception_leaves_the_old_file_and_no_temporary_one(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with contextlib.suppress(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def _write_slowly(path):
    with atomic_path(path) as temporary, open(temporary, "w") as stream:
        for _ in range(1000):
            stream.write("x" * 1000)
            stream.flush()
            time.sleep(0.001)


def test_kill_9_in_the_middle_leaves_no_file_under_the_final_name(tmp_path):
    process = multiprocessing.get_context("fork").Process(
        target=_write_slowly, args=(tmp_path / "a.txt",)
    )
    process.start()
    time.sleep(0.15)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (tmp_path / "a.txt").exists()
    (left,) = tmp_path.iterdir()
    assert remove_leftovers(tmp_path) == 1
    assert not left.exists()


def _scratch_slowly(folder):
    with scratch_folder(folder) as scratch:
        (scratch / "sub").mkdir()
        (scratch / "sub" / "big.npy").write_text("x")
        (folder / "made").touch()
        time.sleep(60)


def test_the_scratch_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_scratch_slowly, args=(tmp_path,))
    process.start()
    while not (tmp_path / "made").exists():
        time.sleep(0.01)
    assert remove_leftovers(tmp_path) == 0
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert remove_leftovers(tmp_path) == 1
    with scratch_folder(tmp_path) as mine:
        assert mine.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_what_no_living_writer_holds_is_left_over(tmp_path):
    (tmp_path / "sub").mkdir()
    with atomic_path(tmp_path / "sub" / "a.txt") as mine:
        # A writer on another machine, of another start of it or in another container may be
        # alive; after a day it is not.
        here = this_process()
        dead = mine.name.replace(f"-{os.getpid()}.", f"-{dead_process()}.")
        there = [
            mine.with_name(dead.replace(here[name], other))
            for name, other in (("host", "elsewhere"), ("boot", "0a1b"), ("namespace", "42"))
        ]
        for path in (*there, tmp_path / ".hidden", tmp_path / ".a.b-1.txt"):
            path.touch()
        assert remove_leftovers(tmp_path) == 0
        for path in there:
            os.utime(path, (0, 0))
        assert remove_leftovers(tmp_path) == 3
        mine.write_text("whole")
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".a.b-1.txt", ".hidden", "a.txt", "sub"]


def test_the_temporary_file_keeps_the_ending_writers_look_at(tmp_path):
    with atomic_path(tmp_path / "scan.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"1")


def test_a_new_file_has_the_usual_rights(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o666 & ~mask


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_the_hash_is_that_of_the_bytes(tmp_path):
    write_text(tmp_path / "a.txt", "abc")
    # FIPS 180-2, appendix B.1.
    assert hash_file(tmp_path / "a.txt").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_the_packaged_presets_are_found():
    assert (configs_folder() / "recommended.yaml").is_file()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"RepetitionTime": ' + b"9" * 5000 + b"}", "a number of 5000 digits"),
        (b'{"Atlas": "\\ud800"}', "UTF-8"),
    ],
)
def test_a_file_that_is_no_json_is_named_and_never_a_crash(tmp_path, content, words):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SeriesError, match=words) as caught:
        read_json(tmp_path / "a.json", error=SeriesError)
    assert str(tmp_path / "a.json") in str(caught.value)


def test_json_that_is_absent_or_a_folder_is_said(tmp_path):
    with pytest.raises(TableError, match="found none"):
        read_json(tmp_path / "a.json")
    with pytest.raises(TableError, match="folder or device"):
        read_json(tmp_path)


def test_json_of_a_byte_order_mark_and_whole_characters_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00", "b": 1e400}')
    assert read_json(tmp_path / "a.json") == {"a": "\U0001f600", "b": float("inf")}


def test_an_object_is_asked_for_by_name(tmp_path):
    for text, kind in (("[1]", "a list"), ('"x"', "text"), ("null", "null"), ("3", "a number")):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(TableError, match=f"JSON object .* found {kind}"):
            read_json_object(tmp_path / "a.json")


def test_only_finite_numbers_are_numbers():
    values = [2, 2.5, True, "2", None, float("nan"), float("inf"), [2], int("9" * 300)]
    found = [finite_number(value) for value in values]
    assert found == [2.0, 2.5, None, None, None, None, None, None, 1e300]
