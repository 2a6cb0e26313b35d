"""Runs the commands and examples that stand on the documentation's pages, as a reader would.

A comment before a block says what becomes of it:

    <!-- run: PLACE -->      run here, in the page's folder, that `docs_places.py` made at first
    <!-- file: NAME -->      written as this file
    <!-- into: NAME -->      merged into this study file, as a reader would paste it
    <!-- run by: FILE -->    run by this test or script

Prints each command; exits 1 where one failed. `scripts/docs --commands` calls it with every page;
names of pages run those alone.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import yaml

sys.path.insert(0, str(Path(__file__).parent))

from docs_places import PLACES

#: Pages run at a time.
_AT_A_TIME = 2
DOCS = Path(__file__).resolve().parent.parent / "docs"
_BLOCK = re.compile(
    r"(?:<!-- (?P<what>run by|run|file|into): (?P<name>[^\n]+?) -->\n)?"
    r"```(?P<kind>bash|python|yaml)\n(?P<text>.*?)```",
    re.S,
)


@dataclass(frozen=True)
class Block:
    """One block of a page: what becomes of it, by which name, its language and its text."""

    what: str
    name: str
    kind: str
    text: str

    def commands(self) -> list[list[str]]:
        """Return the words of each `brainage` command."""
        lines = self.text.splitlines() if self.kind == "bash" else []
        return [shlex.split(line, comments=True) for line in lines if line.startswith("brainage ")]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that a reader would use, in order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["what"] or "", m["name"] or "", m["kind"], m["text"]) for m in found]


def run_job(words: list[str], folder: Path) -> str | None:
    """Run ``brainage WORDS`` or ``python -c TEXT`` in a folder; return its words if it failed."""
    start = [sys.executable] if words[0] == "-c" else [sys.executable, "-m", "brainage"]
    done = subprocess.run([*start, *words], cwd=folder, capture_output=True, text=True)
    return f"{done.stdout}{done.stderr}" if done.returncode else None


def run_page(
    page: Path,
    folder: Path,
    *,
    log: TextIO = sys.stdout,
    run_one: Callable[[list[str], Path], str | None] = run_job,
) -> list[str]:
    """Make a page's place in a folder, use its blocks there in order; return what failed.

    Parameters
    ----------
    page : Path
        Markdown.
    folder : Path
        Where its commands are given.
    log : file, default=sys.stdout
        Is told each command.
    run_one : callable, default=run_job
        Runs one of them.
    """
    failed, made = [], False
    for block in blocks(page):
        if block.what in ("run", "file", "into") and not made:
            PLACES[_place(page)](folder)
            made = True
        if block.what == "file":
            (folder / block.name).write_text(block.text, encoding="utf-8")
        elif block.what == "into":
            _merge_into(folder / block.name, block.text)
        elif block.what == "run":
            failed += _run(block, page, folder, log, run_one)
    return failed


def _place(page: Path) -> str:
    return next(block.name for block in blocks(page) if block.what == "run")


def _run(
    block: Block,
    page: Path,
    folder: Path,
    log: TextIO,
    run_one: Callable[[list[str], Path], str | None],
) -> list[str]:
    jobs = [words[1:] for words in block.commands()]
    if block.kind == "python":
        jobs = [["-c", block.text]]
    failed = []
    for words in jobs:
        shown = "python ..." if block.kind == "python" else shlex.join(["brainage", *words])
        start = time.monotonic()
        told = run_one(words, folder)
        print(f"$ {shown}  ({time.monotonic() - start:.1f} s)", file=log, flush=True)
        if told is not None:
            failed.append(f"{page.name}: {shown}: {told}")
    return failed


def _merge_into(path: Path, text: str) -> None:
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(_merged(study, yaml.safe_load(text)), sort_keys=False))


def _merged(old: object, new: object) -> object:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(old.get(key), value) for key, value in new.items()}
    return new


def _run_apart(page: Path) -> tuple[str, list[str]]:
    """Run a page in a folder of its own; return what it printed and what failed."""
    log = io.StringIO()
    print(f"== {page.relative_to(DOCS)}", file=log)
    with tempfile.TemporaryDirectory() as folder:
        failed = run_page(page, Path(folder), log=log)
    return log.getvalue(), failed


def main(names: list[str]) -> int:
    """Run every page that has something to run, or the pages named."""
    pages = [page for page in sorted(DOCS.rglob("*.md")) if not names or page.stem in names]
    pages = [page for page in pages if any(block.what == "run" for block in blocks(page))]
    failed: list[str] = []
    # Each page has a folder and commands of its own: they do not meet.
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for told, page_failed in pool.map(_run_apart, pages):
            print(told, end="", flush=True)
            failed += page_failed
    print("\n".join(failed) or "every command ran")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
