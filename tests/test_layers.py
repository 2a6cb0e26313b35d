"""The house's walls: imports point down only."""

from __future__ import annotations

from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure


def test_rooms_import_downwards_only(monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(Path(__file__).resolve().parent.parent)
    configure()
    assert lint_imports(config_filename="pyproject.toml", no_cache=True)
