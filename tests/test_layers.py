"""The house's walls: imports point down only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_rooms_import_downwards_only():
    project = Path(__file__).resolve().parent.parent
    lint = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [lint, "--no-cache"], cwd=project, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
