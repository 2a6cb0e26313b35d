"""Modules stay under 400 lines and functions under 60, as the formatter leaves them."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "brainage"
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def length(node) -> int:
    """Return a function's lines without its docstring, which may be as long as it must."""
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


def test_a_module_is_at_most_400_lines():
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 300
    sizes = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in files}
    assert not {name: size for name, size in sizes.items() if size > MOST_LINES}


def test_a_function_is_at_most_60_lines():
    long = {
        f"{path.relative_to(PACKAGE)}:{node.name}": length(node)
        for path in PACKAGE.rglob("*.py")
        for node in functions(ast.parse(path.read_text()))
        if length(node) > MOST_LINES_OF_A_FUNCTION
    }
    assert not long
