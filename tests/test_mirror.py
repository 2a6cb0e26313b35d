"""Every module has a test of its name in its room's folder."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def test_every_module_has_a_test_of_its_name():
    package, without = PROJECT / "brainage", set()
    for path in package.rglob("*.py"):
        inside = path.relative_to(package)
        mirrored = PROJECT / "tests" / inside.parent / f"test_{inside.name}"
        if inside.name not in ("__init__.py", "__main__.py") and not mirrored.is_file():
            without.add(inside.as_posix())
    assert not without
