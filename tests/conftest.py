"""Fixtures every room shares."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests: one that begins last leaves the other processes idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data, named by BRAINAGE_REAL_DATA; the test is skipped where it is absent."""
    folder = Path(os.environ.get("BRAINAGE_REAL_DATA", _PROJECT / ".." / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data absent: {folder} (set BRAINAGE_REAL_DATA)")
    return folder.resolve()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return what gives a folder of this name, made by the first test process that asks for it.

    All processes of a test run share the folder: it is read only; who writes, copies it.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder_of(name: str, make: Callable[[Path], None]) -> Path:
        folder, whole = shared / name, shared / f"{name}.made"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                # Unfinished from a process that failed or died here: it begins again.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return folder_of


#: What a begun process does: the session, folder and streams of its own that a shell would give it.
_BEGUN = """
import os, sys
os.setsid()
os.chdir(folder)
os.environ.update(environment)
os.environ.pop("COLUMNS", None)
for descriptor, path in streams.items():
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOCTTY)
    os.dup2(opened, descriptor)
    os.close(opened)
# Anew, so that each knows whether a terminal is behind it.
sys.stdin = open(0, closefd=False)
sys.stdout = open(1, "w", closefd=False)
sys.stderr = open(2, "w", buffering=1, closefd=False)
from brainage.cli import main
sys.exit(main(words))
"""


@pytest.fixture(scope="session")
def begin() -> Callable[..., multiprocessing.Process]:
    """Return what begins a `brainage` command in a process of its own, which a test may kill.

    Processes are forked from one that has imported the package: importing it anew takes longer than
    all they do. `streams` gives paths for file descriptors: a log, a terminal. For commands of one
    process: workers of its own would be waited for without end.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["brainage.cli.verbs", "brainage.stages.run"])

    def begin_command(
        words: list[str],
        folder: Path,
        *,
        streams: dict[int, str] | None = None,
        environment: dict[str, str] | None = None,
    ) -> multiprocessing.Process:
        given = {"words": words, "folder": str(folder)}
        given |= {"streams": streams or {}, "environment": environment or {}}
        process = context.Process(target=exec, args=(_BEGUN, given))
        process.start()
        return process

    return begin_command
