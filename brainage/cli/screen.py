"""What the terminal shows: tables, lines, and how far long work is."""

from __future__ import annotations

import json
import math
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import pandas as pd


class Screen:
    """Printing for one command: honours ``--quiet``, ``--json``, and whether a person looks.

    Parameters
    ----------
    quiet : bool
        Print nothing.
    as_json : bool
        Lines and tables are kept back; `result` prints one JSON object.
    verbose : bool
        Tables are shown whole, and every piece of work has its line in a log.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False, verbose: bool = False):
        self.verbose = verbose
        self.silent = quiet or as_json
        self._quiet = quiet
        self._as_json = as_json
        self._bar = None

    def line(self, text: str = "") -> None:
        """Print one line."""
        if not self.silent:
            print(text, flush=True)

    def problem(self, text: str) -> None:
        """Print what went wrong: among the lines, or as an error where those are kept back."""
        print(text, file=sys.stderr if self.silent else sys.stdout, flush=True)

    def table(
        self,
        frame: pd.DataFrame,
        *,
        title: str,
        columns: Sequence[str] | None = None,
        most: int = 60,
    ) -> None:
        """Print a DataFrame; numbers right-aligned, missing as ``n/a``, `most` rows."""
        if self.silent:
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        shown = frame if columns is None else frame[[c for c in columns if c in frame]]
        # As Text: in a plain string rich takes "[native]" for one of its styles, and drops it.
        view = Table(title=Text(title, style="bold"), title_justify="left")
        for name in shown.columns:
            numeric = pd.api.types.is_numeric_dtype(shown[name])
            view.add_column(
                Text(str(name)), justify="right" if numeric else "left", overflow="fold"
            )
        most = len(shown) if self.verbose else most
        for row in shown.head(most).itertuples(index=False):
            view.add_row(*[Text(_cell(value)) for value in row])
        width = None if sys.stdout.isatty() else 160
        Console(width=width).print(view)
        if len(shown) > most:
            print(f"... and {len(shown) - most} more rows (-v shows them)")

    def result(self, value: dict) -> None:
        """With ``--json``: print the command's result as one object."""
        if self._as_json and not self._quiet:
            print(json.dumps(_plain(value), indent=2, allow_nan=False))

    def progress(self) -> Bar:
        """Return a context manager whose value is a `Progress`."""
        return Bar(visible=not self.silent, every_s=0 if self.verbose else 10)


#: What is counted, by the first word of a label; else it is "pieces" and goes unnamed.
_UNITS = {"extract": " scans"}
#: The rate is that of the last minute or so: what a second run finds done already must not count.
_WINDOW_S = 60.0


class Bar:
    """A bar with rate and time left on a terminal; a line now and then in a log.

    Parameters
    ----------
    visible : bool
        Whether anything is shown.
    every_s : float, default=10
        Seconds between two lines of a log; in long work they come further apart, up to a minute.
    """

    def __init__(self, *, visible: bool, every_s: float = 10):
        self._visible = visible
        self._every_s = every_s
        self._rich = None
        self._tasks: dict[str, int] = {}
        self._paces: dict[str, _Pace] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._visible and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
            )

            self._rich = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                console=Console(stderr=True),
            )
            self._rich.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rich is not None:
            self._rich.stop()

    def __call__(self, done: int, total: int, label: str) -> None:
        """Show that `done` of `total` are finished."""
        if not self._visible:
            return
        now = time.monotonic()
        pace = self._paces.setdefault(label, _Pace(now))
        pace.add(now, done)
        rate = pace.words(total, unit=_UNITS.get(label.split(" ")[0], ""))
        if self._rich is not None:
            if label not in self._tasks:
                self._tasks[label] = self._rich.add_task(label, total=total, rate="")
            self._rich.update(self._tasks[label], completed=done, total=total, rate=rate)
        elif done == total or now - self._said.get(label, float("-inf")) > self._pause_s(now, pace):
            self._said[label] = now
            print(
                f"  {label}: {done} of {total}{f', {rate}' if rate else ''}",
                file=sys.stderr,
                flush=True,
            )

    def _pause_s(self, now: float, pace: _Pace) -> float:
        # After ten minutes a line a minute is enough: a night's log stays readable.
        return self._every_s * min(6.0, max(1.0, (now - pace.started) / 100))


class _Pace:
    """How fast one piece of work goes now, and how long the rest will take."""

    def __init__(self, started: float):
        self.started = started
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> None:
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW_S:
            self._seen.popleft()

    def words(self, total: int, *, unit: str) -> str:
        """Return "12 scans/min, 3 min 20 s left", or nothing where it cannot be known yet."""
        (first, before), (now, done) = self._seen[0], self._seen[-1]
        # The first piece only starts the clock: its own duration is not known.
        if now <= first or done <= before:
            return ""
        per_s = (done - before) / (now - first)
        left = f", {duration((total - done) / per_s)} left" if done < total else ""
        return f"{60 * per_s:.{0 if per_s > 1 / 6 else 1}f}{unit}/min{left}"


def duration(seconds: float) -> str:
    """Return a time in its two largest units: "3 h 20 min", "1 min 5 s", "9 s"."""
    whole = round(seconds)
    parts = [
        (whole // 86400, "d"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    ]
    first = next((i for i, (number, _) in enumerate(parts) if number), 3)
    shown = [f"{number} {unit}" for number, unit in parts[first : first + 2] if number]
    return " ".join(shown) or "0 s"


def _plain(value):
    """Return a value as JSON has it: missing numbers are null, NumPy's numbers are numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)


def _cell(value) -> str:
    if value is None or (isinstance(value, float) and value != value) or value is pd.NA:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e6:
            return f"{value:.0f}"
        return f"{value:.3g}" if abs(value) < 0.1 else f"{value:.2f}"
    return str(value)
