"""One writer a stage folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brainage.errors import StageError
from brainage.files import this_process
from brainage.stages import lock as lock_module
from brainage.stages.lock import LOCK, stage_lock

_HOLDER = """\
import sys, time
from brainage.stages.lock import stage_lock
with stage_lock(sys.argv[1], "compare"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder ``tmp_path / "compare"``."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "compare")], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_command_names_host_process_and_since_when(holder, tmp_path):
    with pytest.raises(StageError) as caught, stage_lock(tmp_path / "compare", "compare"):
        pass
    words = str(caught.value)
    assert f"on {this_process()['host']}, process {holder.pid}, since 20" in words
    assert "`brainage compare`" in words


def test_the_lock_of_a_holder_that_was_killed_is_taken_over(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "compare" / LOCK).exists()
    with stage_lock(tmp_path / "compare", "compare"):
        assert str(os.getpid()) in (tmp_path / "compare" / LOCK).read_text()
    assert not (tmp_path / "compare" / LOCK).exists()


def test_an_exception_gives_the_lock_back(tmp_path):
    with pytest.raises(ZeroDivisionError), stage_lock(tmp_path, "score"):
        raise ZeroDivisionError
    with stage_lock(tmp_path, "score"):
        pass


def test_two_folders_are_held_side_by_side(holder, tmp_path):
    with stage_lock(tmp_path / "score", "score"):
        pass


def test_where_no_lock_of_the_system_is_had_the_file_is_the_lock(tmp_path):
    # The branch of file systems without flock, given what it would find there.
    path = tmp_path / LOCK
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid, free in ((os.getpid(), False), (gone.pid, True)):
        told = this_process() | {"pid": str(pid), "stage": "score", "since": "now"}
        path.write_text(str(told).replace("'", '"'))
        handle = os.open(path, os.O_RDWR)
        assert lock_module._is_free_without_flock(Path(path), handle) is free
        os.close(handle)
    elsewhere = this_process() | {"host": "elsewhere", "stage": "score", "since": "now"}
    path.write_text(str(elsewhere).replace("'", '"'))
    handle = os.open(path, os.O_RDWR)
    assert not lock_module._is_free_without_flock(path, handle)
    os.utime(path, (0, 0))
    assert lock_module._is_free_without_flock(path, handle)
    os.close(handle)


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(tmp_path):
    (tmp_path / "out").write_text("a file")
    with (
        pytest.raises(StageError, match=r"cannot be written .*choose another paths\.output"),
        stage_lock(tmp_path / "out" / "score", "score"),
    ):
        pass
