"""A user's type checker finds the types of the public names."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import brainage

_PACKAGE = Path(brainage.__file__).parent


def test_lazy_table_and_typed_imports_agree() -> None:
    tree = ast.parse((_PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    typed = {
        alias.asname: (statement.module, alias.name)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == {name: (module, name) for name, module in brainage._PUBLIC.items()}


@pytest.mark.slow
def test_user_script_sees_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    assert (_PACKAGE / "py.typed").is_file()
    script = tmp_path / "script.py"
    script.write_text(
        'import brainage as ba\nba.read_people("x")\nreveal_type(ba.read_people)\n'
        "reveal_type(ba.fit_clock)\nba.read_poeple\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    command += ["--follow-imports", "silent", "--ignore-missing-imports"]
    command += ["--cache-dir", str(tmp_path / "cache"), str(script)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(_PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    # A table is Any to who has no stubs of pandas; the parameters are known to everybody.
    assert "def (participants: " in done.stdout, done.stdout
    assert "-> brainage.clock.model.model.BrainClock" in done.stdout, done.stdout
    assert 'Module has no attribute "read_poeple"' in done.stdout, done.stdout
