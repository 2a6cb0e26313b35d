"""The house's walls: imports point down only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
#: Rooms whose `__init__` is their door. `stages` has a door a verb instead: its modules are named
#: as what they do (`stages.check.check`), and a verb loads its own stage alone.
ROOMS = {
    "clock",
    "config",
    "connectivity",
    "imaging",
    "report",
    "series",
    "synthetic",
    "tables",
    "trial",
}


def test_rooms_import_downwards_only():
    project = Path(__file__).resolve().parent.parent
    lint = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [lint, "--no-cache"], cwd=project, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def _imports_past_a_door(path: Path) -> list[str]:
    parts = path.relative_to(PROJECT / "brainage").with_suffix("").parts
    past = []
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, *inner = name.split(".")
            if package == "brainage" and len(inner) > 1 and inner[0] in ROOMS - {parts[0]}:
                past.append(f"{path.relative_to(PROJECT)}:{node.lineno}: {name}")
    return past


def test_a_room_is_entered_through_its_door():
    files = sorted((PROJECT / "brainage").rglob("*.py"))
    assert len(files) > 100
    assert [line for file in files for line in _imports_past_a_door(file)] == []
