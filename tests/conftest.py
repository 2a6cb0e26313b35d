"""Fixtures every room shares."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parent.parent


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
