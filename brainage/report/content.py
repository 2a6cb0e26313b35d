"""What a page is made of, as plain values: sections of sentences, tables and figures.

The whole of it is written beside the page as ``summary.json``, and the page is made from that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from brainage.number_words import are_numbers, cell, p_words, plain
from brainage.raw_names import heading, is_p_value, said
from brainage.wording import printable

#: Rows that a table of the page holds at most; its file has them all.
MOST_ROWS = 1000
#: Columns that hold names of files, of parcels, and programs: these stay as they are written.
CODE = ("formula_r", "parcel", "tables", "file")


@dataclass(frozen=True)
class Table:
    """One table, every cell as it is shown.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : tuple of str
        Headings, units in them.
    rows : tuple of tuple of str
        Cells.
    numeric : tuple of bool
        Whether a column is of numbers (aligned at the right, sorted by value).
    folded : bool, default=False
        Closed until a reader opens it.
    file : str or None, default=None
        The same rows as a file, relative to the page.
    n_left_off : int, default=0
        Rows that are in the file alone.
    code : tuple of bool, default=()
        Whether a column holds what is written in a file or a program (a formula of R, names of
        files and parcels), and is shown as it stands; empty: none does.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    folded: bool = False
    file: str | None = None
    n_left_off: int = 0
    code: tuple[bool, ...] = ()
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Figure:
    """One figure: its files are ``figures/NAME.svg``, and ``.png`` and ``.pdf`` where asked for.

    `picture`: its caption speaks of its colours, so a dark page shows it as it is.
    """

    name: str
    caption: str
    alt: str
    wide: bool = True
    picture: bool = False
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class Prose:
    """Paragraphs, or text to copy as it stands (`verbatim`: references, commands)."""

    lines: tuple[str, ...]
    caption: str = ""
    verbatim: bool = False
    folded: bool = False
    kind: str = field(default="prose", init=False)


Block = Table | Figure | Prose


def in_words(block: Block) -> Block:
    """Return a block with raw names of columns, measures and choices said in words.

    What is to be pasted or run (`verbatim`) and columns of code stay as they are.
    """
    if isinstance(block, Figure):
        return replace(block, caption=said(block.caption), alt=said(block.alt))
    if isinstance(block, Prose):
        lines = block.lines if block.verbatim else tuple(map(said, block.lines))
        return replace(block, lines=lines, caption=said(block.caption))
    code = block.code or (False,) * len(block.columns)
    rows = tuple(
        tuple(text if raw else said(text) for text, raw in zip(row, code, strict=True))
        for row in block.rows
    )
    columns = tuple(map(said, block.columns))
    return replace(block, caption=said(block.caption), columns=columns, rows=rows, code=code)


@dataclass(frozen=True)
class Section:
    """A heading with its blocks; one without blocks is left out of the page."""

    anchor: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Summary:
    """A whole report.

    Parameters
    ----------
    title : str
        Of the study.
    verdict : tuple of str
        The answer in plain words, most important first.
    facts : tuple of (str, str)
        What and how much: the few numbers a reader looks for.
    sections : tuple of Section
        In order.
    version : str
        Of brainage.
    """

    title: str
    verdict: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    version: str

    def as_json(self) -> dict:
        """Return the report as values that JSON holds."""
        return {"format": 1, **asdict(self)}


def table_of(
    frame: pd.DataFrame,
    caption: str,
    *,
    columns: Mapping[str, str] | None = None,
    formats: Mapping[str, Callable[[Any], str]] | None = None,
    folded: bool = False,
    file: str | None = None,
    most: int = MOST_ROWS,
    code: Sequence[str] = CODE,
) -> Table:
    """Return a DataFrame as a table of the page.

    Parameters
    ----------
    frame : DataFrame
        Rows in the order shown.
    caption : str
        What it shows.
    columns : mapping of str to str, optional
        Column -> heading, in order; others are left out. Default: every column, its name in words.
    formats : mapping of str to callable, optional
        Column -> how its values are written; default `written`.
    folded, file
        See `Table`.
    most : int, default=1000
        Rows shown.
    code : sequence of str, default=("formula_r", "parcel", "tables", "file")
        Columns of `frame` shown as code.
    """
    named = columns or {str(name): heading(str(name)) for name in frame.columns}
    named = {name: words for name, words in named.items() if name in frame}
    formats = formats or {}
    shown = frame.head(most)
    cells = [
        [printable(formats.get(name, written(name))(value)) for value in shown[name]]
        for name in named
    ]
    numeric = tuple(map(are_numbers, cells))
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return Table(
        caption,
        tuple(printable(words) for words in named.values()),
        rows,
        numeric,
        folded=folded,
        file=file,
        n_left_off=max(0, len(frame) - most),
        code=tuple(name in code for name in named),
    )


def written(name: str) -> Callable[[Any], str]:
    """Return how a column's values are written, by its name: p-values, years, anything else."""
    if is_p_value(name):
        return _p
    return _years if name.endswith("_years") else cell


def _p(value: object) -> str:
    """Return a p-value in words; what a view has written already stays."""
    return p_words(float(value)) if isinstance(value, float | np.floating) else cell(value)


def _years(value: object) -> str:
    """Return years to two decimals, so that a column of them stands aligned."""
    if isinstance(value, float | np.floating) and np.isfinite(value):
        return plain(float(value))
    return cell(value)


def pairs(rows: Sequence[tuple[str, object]], caption: str, *, folded: bool = False) -> Table:
    """Return a table of two columns: what, and its value."""
    cells = tuple((printable(what), printable(cell(value))) for what, value in rows)
    return Table(caption, ("what", "value"), cells, (False, False), folded=folded)
