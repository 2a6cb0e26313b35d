"""Rows of docs/validation/trial_questions.tsv: one a simulated quantity, with its error."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

TARGET = Path(__file__).parent.parent / "docs" / "validation" / "trial_questions.tsv"
Row = dict[str, object]
#: Trials and draws asked for -> rows.
Question = Callable[[int, int], Iterator[Row]]


def rate(question: str, setting: str, quantity: str, hits: np.ndarray, expected: float) -> Row:
    """Return a row of a share of trials, marked where it is beyond two Monte-Carlo errors."""
    n, found = len(hits), float(np.mean(hits))
    error = float(np.sqrt(max(expected * (1 - expected), 1e-12) / n))
    verdict = "holds" if abs(found - expected) <= 2 * error else f"off by {found - expected:+.3f}"
    return row(question, setting, quantity, n, expected, found, error, verdict)


def shown(question: str, setting: str, quantity: str, hits: np.ndarray) -> Row:
    """Return a row of a share of trials that nothing is promised of."""
    found = float(np.mean(hits))
    error = float(np.sqrt(found * (1 - found) / len(hits)))
    return row(question, setting, quantity, len(hits), "", found, error, "shown")


def row(question: str, setting: str, quantity: str, *numbers: object) -> Row:
    """Return one row of the table."""
    names = ("n_trials", "expected", "found", "mc_se", "verdict")
    head = {"question": question, "setting": setting, "quantity": quantity}
    return head | dict(zip(names, numbers, strict=True))


def write(rows: list[Row], target: Path) -> None:
    """Put rows in the place of those of the same questions."""
    asked = {each["question"] for each in rows}
    kept = []
    if target.is_file():
        before = pd.read_csv(target, sep="\t", dtype=str, keep_default_na=False)
        kept = [each for each in before.to_dict("records") if each["question"] not in asked]
    new = pd.DataFrame(rows).map(lambda v: f"{v:.4g}" if isinstance(v, float) else str(v))
    table = pd.concat([pd.DataFrame(kept, columns=new.columns), new], ignore_index=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(target, sep="\t", index=False, lineterminator="\n")


def run(questions: Mapping[str, Question], description: str | None, *, draws: int) -> None:
    """Run the questions asked for on the command line, writing the table after each."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=draws)
    parser.add_argument("--only", default=",".join(questions))
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    for name in arguments.only.split(","):
        started = time.process_time()
        rows = list(questions[name](arguments.trials, arguments.draws))
        write(rows, arguments.target)
        print(f"{name}: {time.process_time() - started:.0f} s of processor time")
        print(pd.DataFrame(rows).to_string(index=False), flush=True)
