"""Fixtures every room shares."""

from __future__ import annotations

import os
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
