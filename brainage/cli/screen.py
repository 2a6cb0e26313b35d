"""What the terminal shows: tables, lines, and how far long work is.

On a terminal everything goes through one console, so that a bar stays below what is printed while
it runs and leaves nothing behind. In a log (``run > log``) every line is in the log.
"""

from __future__ import annotations

import json
import math
import os
import sys
import textwrap
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

import pandas as pd

from brainage.cli.text_table import TextColumn, table_lines
from brainage.number_words import are_numbers, cell, p_words, plain
from brainage.raw_names import heading, is_p_value, said_in
from brainage.wording import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Characters in a line of a log.
_LOG_WIDTH = 160
#: Below this a terminal is taken to be wider than it says: nothing can be laid out in less.
_LEAST_WIDTH = 40


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
        self._bar: Bar | None = None

    def line(self, text: str = "") -> None:
        """Print one line."""
        if not self.silent:
            self._write(printable(text))

    def sentence(self, text: str) -> None:
        """Print words for a reader, broken between words at the terminal's width.

        What is to be copied (a command, a path) belongs in a `line`, which is never broken.
        """
        if not self.silent:
            shown = textwrap.wrap(
                printable(text),
                self._width(),
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            self._write("\n".join(shown))

    def problem(self, text: str) -> None:
        """Print what went wrong: among the lines, or as an error where those are kept back."""
        self._write(printable(text, keep="\n"), to_errors=self.silent)

    def warning(self, text: str) -> None:
        """Print a warning where errors go; in a log beside them it is among the lines as well."""
        shown = f"warning: {printable(text)}"
        in_log = not self.silent and not sys.stdout.isatty() and not _one_stream()
        if in_log:
            self._write(shown)
        self._write(shown, to_errors=True)

    def table(
        self,
        frame: pd.DataFrame,
        *,
        title: str,
        columns: Sequence[str] | None = None,
        most: int = 60,
    ) -> None:
        """Print a DataFrame whole; numbers right-aligned, missing as ``n/a``, `most` rows."""
        if self.silent:
            return
        shown = frame if columns is None else frame[[c for c in columns if c in frame]]
        most = len(shown) if self.verbose else most
        cells = [_column(shown[name].head(most), str(name)) for name in shown.columns]
        if len(shown):
            width = self._width()
            titled = textwrap.wrap(printable(title), width, break_long_words=False)
            self._write("\n".join([*titled, *table_lines(cells, width=width), ""]))
        else:
            self._write(f"{printable(title)}: none")
        if len(shown) > most:
            self._write(f"... and {len(shown) - most} more rows (-v shows them)")

    def result(self, value: dict) -> None:
        """With ``--json``: print the command's result as one object."""
        if self._as_json and not self._quiet:
            print(json.dumps(_plain(value), indent=2, allow_nan=False), flush=True)

    def progress(self) -> Bar:
        """Return a context manager whose value is a `Progress`."""
        self._bar = Bar(visible=not self.silent, every_s=0 if self.verbose else 10)
        return self._bar

    def _write(self, text: str, *, to_errors: bool = False) -> None:
        stream = sys.stderr if to_errors else sys.stdout
        if self._bar is not None and self._bar.holds(stream):
            self._bar.print_above(text)
        else:
            print(text, file=stream, flush=True)

    def _width(self) -> int:
        return terminal_width(sys.stdout)


def terminal_width(stream: IO[str]) -> int:
    """Return how many characters a line has: the terminal's, or a log's."""
    if not stream.isatty():
        return _LOG_WIDTH
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 0
    # A pseudo-terminal that nobody sized says 0.
    return max(_LEAST_WIDTH, width or 80)


def _one_stream() -> bool:
    """Return whether output and errors go to one and the same place (``> log 2>&1``)."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):
        return False


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
    now : callable, default=time.monotonic
        Returns the time in seconds, of which differences alone are used.
    """

    def __init__(
        self, *, visible: bool, every_s: float = 10, now: Callable[[], float] = time.monotonic
    ):
        self._visible = visible
        self._every_s = every_s
        self._now = now
        self._rich: Progress | None = None
        self._stream: IO[str] | None = None
        self._tasks: dict[str, TaskID] = {}
        self._paces: dict[str, _Pace] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        # With `run > log` the log has the lines, and the terminal that is left a bar.
        streams = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
        if self._visible and streams:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
            )

            self._stream = streams[0]
            self._rich = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}", markup=False),
                console=Console(
                    file=self._stream, width=terminal_width(self._stream), highlight=False
                ),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
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
            self._rich, self._stream = None, None

    def __call__(self, done: int, total: int, label: str) -> None:
        """Show that `done` of `total` are finished."""
        if not self._visible:
            return
        now = self._now()
        pace = self._paces.setdefault(label, _Pace(now))
        pace.add(now, done)
        rate = pace.words(total, unit=_UNITS.get(label.split(" ")[0], ""))
        if self._rich is not None:
            self._draw(done, total, label, rate)
        if self._stream is not sys.stdout:
            self._log(done, total, label, rate)

    def holds(self, stream: IO[str]) -> bool:
        """Return whether the bar is drawn on the terminal that `stream` writes to."""
        return self._rich is not None and stream.isatty()

    def print_above(self, text: str) -> None:
        """Print text whole above the bar."""
        if self._rich is None:
            return
        # Not as markup, not cut and not wrapped anew: what is printed was laid out already.
        self._rich.console.print(
            text, markup=False, emoji=False, highlight=False, soft_wrap=True, no_wrap=True
        )

    def _draw(self, done: int, total: int, label: str, rate: str) -> None:
        if self._rich is None:
            return
        if done >= total:
            # What is finished goes: a bar is there for what still runs.
            if label in self._tasks:
                self._rich.remove_task(self._tasks.pop(label))
            return
        if label not in self._tasks:
            self._tasks[label] = self._rich.add_task(printable(label), total=total, rate="")
        self._rich.update(self._tasks[label], completed=done, total=total, rate=rate)

    def _log(self, done: int, total: int, label: str, rate: str) -> None:
        now, pace = self._now(), self._paces[label]
        if done == total or now - self._said.get(label, float("-inf")) > self._pause_s(now, pace):
            self._said[label] = now
            told = f"  {printable(label)}: {done} of {total}{f', {rate}' if rate else ''}"
            print(told, file=sys.stdout, flush=True)

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


def _plain(value: object) -> object:
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


def _column(values: pd.Series, name: str) -> TextColumn:
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    write = _written(values, name)
    cells = tuple(said_in(name, printable(write(value))) for value in values)
    # A view holds numbers as text: "< .001", "-2.10 to +0.30".
    return TextColumn(printable(heading(name)), cells, numeric or are_numbers(cells))


#: Decimals of a column by its unit, the last part of its name; others have three digits.
_DECIMALS = {"years": 2, "minutes": 1, "kept": 1, "mm": 2}


def _written(values: pd.Series, name: str) -> Callable[[object], str]:
    """Return how a column's values are written: its numbers alike, so that points stand aligned."""
    numbers = [float(v) for v in values if isinstance(v, float) and math.isfinite(v)]
    if is_p_value(name):
        return lambda value: p_words(value) if isinstance(value, float) else cell(value)
    if not numbers or all(number.is_integer() and abs(number) < 1e6 for number in numbers):
        return cell
    least, most = min(map(abs, filter(None, numbers))), max(map(abs, numbers))
    if most >= 100 and least < 1:
        # Shares and people in one column have no digits in common.
        return cell
    digits = _DECIMALS.get(name.rpartition("_")[2]) or _digits(most)

    def number(value: object) -> str:
        if isinstance(value, float) and math.isfinite(value):
            return plain(value, digits)
        return cell(value)

    return number


def _digits(largest: float) -> int:
    """Return how many decimals show three digits of the largest number of a column."""
    return 3 if largest < 10 else 2 if largest < 100 else 1 if largest < 1000 else 0
