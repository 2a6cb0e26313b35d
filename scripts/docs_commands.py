"""Runs the commands and examples that stand on the documentation's pages, as a reader would.

Blocks marked ``<!-- run: scores -->`` are run in order in a folder with a table of scores and an
allocation; the tutorial is run from its demo on. Prints each command; exits 1 at the first that
fails. `scripts/docs --commands` calls it; tests/docs runs the marked blocks.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

DOCS = Path(__file__).resolve().parent.parent / "docs"
_BLOCK = re.compile(
    r"(<!-- run: (?P<run>\w+) -->\n)?```(?P<kind>bash|python)\n(?P<text>.*?)```", re.S
)


def blocks(page: Path) -> list[tuple[str | None, str, str]]:
    """Return (what it runs on, bash or python, text) of each block of a page."""
    text = page.read_text(encoding="utf-8")
    return [(found["run"], found["kind"], found["text"]) for found in _BLOCK.finditer(text)]


def commands(text: str) -> list[list[str]]:
    """Return the words of each `brainage` command of a block."""
    return [
        shlex.split(line, comments=True)
        for line in text.splitlines()
        if line.startswith("brainage ")
    ]


def make_scores(folder: Path) -> None:
    """Write scores of forty people at two visits, and their arms; younger under training."""
    rng = np.random.default_rng(1)
    names = [f"{i:02d}" for i in range(40)]
    arms = np.resize(["control", "training"], 40)
    age, person = rng.uniform(60, 70, 40), rng.normal(0, 4, 40)
    scores = []
    for session, years in (("bl", 0.0), ("1y", 1.0)):
        gap = person + rng.normal(0, 1.5, 40) - 2.0 * years * (arms == "training")
        scores.append(
            pd.DataFrame(
                {
                    "participant_id": names,
                    "session_id": session,
                    "age_years": age + years,
                    "predicted_age_years": age + years + gap,
                }
            )
        )
    pd.concat(scores).to_csv(folder / "scores.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": names, "arm": arms})
    people.to_csv(folder / "allocation.tsv", sep="\t", index=False)


def run_page(page: Path, folder: Path, *, every: bool) -> list[str]:
    """Run a page's blocks in a folder; return what failed.

    Parameters
    ----------
    page : Path
        Markdown.
    folder : Path
        Where the commands are given.
    every : bool
        Every block with a `brainage` command; else those marked to be run.
    """
    failed = []
    for run, kind, text in blocks(page):
        if run is None and not every:
            continue
        if kind == "python":
            jobs = [[sys.executable, "-c", text]]
        else:
            jobs = [[sys.executable, "-m", "brainage", *words[1:]] for words in commands(text)]
        for job in jobs:
            print("$", shlex.join(job[:1] + ["..."] if kind == "python" else job[1:]), flush=True)
            done = subprocess.run(job, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                failed.append(f"{page.name}: {shlex.join(job)}: {done.stdout}{done.stderr}")
    return failed


def main() -> int:
    """Run every page that can be run without data of one's own."""
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("howto/scores_only.md", "howto/plan_first.md"):
            folder = Path(temporary) / Path(name).stem
            folder.mkdir()
            make_scores(folder)
            if name == "howto/plan_first.md":
                first = [sys.executable, "-m", "brainage", "init", "--scores", "scores.tsv"]
                subprocess.run(first, cwd=folder, check=True, capture_output=True)
            failed += run_page(DOCS / name, folder, every=False)
        failed += run_page(DOCS / "tutorial.md", Path(temporary), every=True)
    print("\n".join(failed) or "every command ran")
    return bool(failed)


if __name__ == "__main__":
    raise SystemExit(main())
