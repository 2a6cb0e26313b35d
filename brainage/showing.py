"""How a record shows itself: a few lines that fit a screen, and a table in a notebook.

Shapes, columns and ids are told instead of every number: a clock's weights or an atlas's names
would fill a window and say nothing.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from brainage.wording import printable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Longest a value is shown, in characters: with its name it fits a line of 100.
WIDTH = 68
#: Longest line of a screen that one would not have to scroll.
LINE = 96
#: Fields shown in text; a record of more says how many are left.
MOST_LINES = 32


class Shown:
    """A dataclass whose `repr` fits a screen and that is a small table in a notebook.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from brainage.showing import Shown
    >>> @dataclass(repr=False)
    ... class Noise(Shown):
    ...     sd_years: float
    ...     people: tuple[str, ...]
    >>> Noise(2.5, ("01", "02"))
    """

    def fields_shown(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each field and its value in a few words."""
        for each in dataclasses.fields(cast("DataclassInstance", self)):
            if not each.name.startswith("_"):
                yield each.name, in_brief(getattr(self, each.name))

    def __repr__(self) -> str:
        """Return a line a field."""
        return as_lines(type(self).__name__, list(self.fields_shown()))

    def _repr_html_(self) -> str:
        """Return the fields as a table, for notebooks."""
        return as_table(self.fields_shown())


def as_lines(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a title and, below it, a line for each name and value.

    Parameters
    ----------
    title : str
        First line.
    pairs : sequence of (str, str)
        Name and value; beyond `MOST_LINES` only their number is told.
    """
    kept = pairs if len(pairs) <= MOST_LINES else pairs[: MOST_LINES - 1]
    lines = [title, *(f"  {name}: {value}" for name, value in kept)]
    if len(kept) < len(pairs):
        lines.append(f"  and {len(pairs) - len(kept)} more")
    return "\n".join(lines)


def as_table(pairs: Iterable[tuple[str, object]]) -> str:
    """Return names and values as an HTML table, escaped.

    Parameters
    ----------
    pairs : iterable of (str, object)
        Name and value; the value as ``str`` has it, what cannot be seen of it written out.
    """
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(printable(name))}</th>"
        f"<td style='text-align:left'>{html.escape(printable(value))}</td></tr>"
        for name, value in pairs
    )
    return f"<table>{rows}</table>"


def in_brief(value: Any, *, width: int = WIDTH) -> str:
    """Return a value in one line: an array's shape, a table's columns, the ends of a long list.

    Parameters
    ----------
    value : object
        Anything.
    width : int, default=68
        Longest line, characters.
    """
    return _cut(printable(_words(value, width)), width)


def _words(value: Any, width: int) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {' x '.join(map(str, value.shape)) or 'number'}"
    if isinstance(value, pd.DataFrame):
        columns = _ends([str(name) for name in value.columns], width - 18)
        return f"table, {len(value)} rows: {columns}"
    if isinstance(value, pd.Series):
        return f"column '{value.name}', {len(value)} rows"
    if isinstance(value, Mapping):
        return _of_mapping(value, width)
    if isinstance(value, (tuple, list, set, frozenset)):
        return _ends([_words(each, width) for each in value], width) or "none"
    if isinstance(value, Shown):
        return f"{type(value).__name__}({'; '.join(f'{n}: {v}' for n, v in value.fields_shown())})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value)]
        return f"{type(value).__name__} of {', '.join(names)}"
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return " ".join(str(value).split())


def _of_mapping(values: Mapping, width: int) -> str:
    whole = ", ".join(f"{name}: {_words(value, width)}" for name, value in values.items())
    if len(whole) <= width:
        return whole or "none"
    return _ends([str(name) for name in values], width)


def _ends(words: Sequence[str], width: int) -> str:
    """Return a list in full where it fits, else its number, its first items and its last."""
    whole = ", ".join(words)
    if len(whole) <= width:
        return whole
    first, last = _cut(words[0], 20), _cut(words[-1], 20)
    shown, room = [first], width - len(f"{len(words)}: , ..., {last}") - len(first)
    for word in words[1:-1]:
        room -= len(word) + 2
        if room < 0:
            break
        shown.append(word)
    return f"{len(words)}: {', '.join(shown)}, ..., {last}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
