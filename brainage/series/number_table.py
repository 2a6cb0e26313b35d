"""Files of numbers: rows of equal length, with or without names above and before them.

A series and a matrix made elsewhere are both that. Nothing is shifted or filled: a row of more or
fewer fields than the header, or a file that was cut short, is an error that names the line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainage.errors import SeriesError, TableError
from brainage.showing import Shown
from brainage.tables import is_missing, number_of, read_lines
from brainage.wording import listed

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|n/a", re.IGNORECASE)
#: What may stand around an ASCII cell's text; other white space has been refused or ends a line.
_AROUND_CELLS = ('"', " ", "\t")
#: Header cells of a first column that pandas writes for its row numbers.
_ROW_NUMBERS = ("", "Unnamed: 0")


@dataclass(frozen=True, repr=False)
class NumberTable(Shown):
    r"""Numbers of a file, and the names it gives its columns and rows.

    Parameters
    ----------
    path : Path
        The file.
    values : ndarray of shape (n_rows, n_columns), float64
        NaN where the file says that there is none.
    columns, rows : tuple of str or None
        Names above, and before; None where there are none.
    lines : tuple of int
        Line of each row in the file.

    Examples
    --------
    >>> path = folder / "numbers.tsv"
    >>> _ = path.write_text("a\tb\n1.5\t2\n0\t-1\n")
    >>> table = read_number_table(path)
    >>> table.columns, table.values.shape
    (('a', 'b'), (2, 2))
    """

    path: Path
    values: np.ndarray
    columns: tuple[str, ...] | None
    rows: tuple[str, ...] | None
    lines: tuple[int, ...]


def read_number_table(
    path: Path, *, header: bool | None = None, ends_a_line: bool = False
) -> NumberTable:
    r"""Read a file of numbers.

    Parameters
    ----------
    path : Path
        Tab, comma, semicolon or (``.1D``, ``.txt``) white-space separated, plain or gzip.
    header : bool or None, default=None
        Whether the first line holds names; None: told by its cells.
    ends_a_line : bool, default=False
        Its writer ends every line: a file that does not was cut short, wherever that happened.

    Returns
    -------
    table : NumberTable

    Raises
    ------
    SeriesError
        Not a file of numbers; a line of more or fewer fields than the first; names that stand
        twice; an infinite number; a last line that was cut short.

    Examples
    --------
    >>> path = folder / "numbers.csv"
    >>> _ = path.write_text("1,2\n3,4\n5,6\n")
    >>> read_number_table(path).values.shape
    (2, 2)
    """
    try:
        lines = read_lines(path)
    except TableError as error:
        raise SeriesError(str(error)) from error
    ends_well = not lines[-1].strip()
    numbered = [(i, line) for i, line in enumerate(lines, start=1) if line.strip()]
    comments = [line.lstrip() for _, line in numbered if line.lstrip().startswith("#")]
    rows = [(i, line) for i, line in numbered if not line.lstrip().startswith("#")]
    if not rows:
        raise SeriesError(f"{path}: expected rows of numbers, found none.")
    separator = _separator(path, rows[0][1])
    cells = [_cells(path, line, separator) for _, line in rows]
    if header is None:
        header = _is_header(cells)
    names = cells[0] if header else _commented_names(comments, separator, len(cells[0]))
    at = [i for i, _ in rows]
    if header:
        cells, at = cells[1:], at[1:]
        if not cells:
            raise SeriesError(f"{path}: expected rows of numbers below the names, found none.")
    _refuse_ragged(path, cells, at, len(names) if names else None)
    before, names, cells = _names_before(names, cells)
    names, cells = _without_empty_end(path, names, cells)
    values = _numbers(path, cells, at)
    if not ends_well:
        if ends_a_line:
            raise SeriesError(f"{path}: line {at[-1]} has no line break: the file was cut short.")
        _refuse_cut(path, cells, at)
    for those in (names, before):
        _refuse_twice(path, those)
    return NumberTable(path, values, _tuple(names), _tuple(before), tuple(at))


def refuse_holes(table: NumberTable, names: Sequence[str]) -> np.ndarray:
    """Return which rows of a series are whole; a row without any number is a censored volume.

    Parameters
    ----------
    table : NumberTable
        Volumes down, parcels across.
    names : sequence of str
        Of the parcels, for the message.

    Returns
    -------
    whole : ndarray of shape (n_rows,), bool

    Raises
    ------
    SeriesError
        A volume that lacks a parcel which has values elsewhere.
    """
    absent = np.isnan(table.values)
    whole = ~absent.all(axis=1)
    missing = absent[whole].all(axis=0) if whole.any() else np.zeros(absent.shape[1], dtype=bool)
    holes = absent & whole[:, None] & ~missing
    if holes.any():
        row = int(np.flatnonzero(holes.any(axis=1))[0])
        lacking = [names[i] for i in np.flatnonzero(holes[row]).tolist()]
        raise SeriesError(
            f"{table.path}: line {table.lines[row]}: no value of {len(lacking)} parcel(s) "
            f"({listed(lacking, most=3)}) that have values in other volumes. A censored volume is "
            "n/a throughout, and a missing parcel in every volume: was the file cut short?"
        )
    return whole


def _tuple(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _separator(path: Path, row: str) -> str | None:
    """Return what separates the cells: what the ending says if it is there, else what is."""
    usual = {".tsv": "\t", ".csv": ","}.get(path.suffix.lower(), ",")
    return next((mark for mark in (usual, "\t", ",", ";") if mark in row), None)


def _cells(path: Path, line: str, separator: str | None) -> list[str]:
    if path.suffix.lower() not in (".tsv", ".csv", ".gz"):
        # AFNI begins and ends its rows with separators that separate nothing.
        line = line.strip().strip(separator)
    if line.isascii() and not any(mark in line for mark in _AROUND_CELLS if mark != separator):
        # Most files by far: nothing to take off, and a cohort has tens of millions of cells.
        return line.split(separator)
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _is_header(cells: list[list[str]]) -> bool:
    first, second = cells[0], cells[1] if len(cells) > 1 else cells[0]
    if first[0] in _ROW_NUMBERS and len(first) > 1:
        first, second = first[1:], second[1:]
    if not all(_NUMBER.fullmatch(cell) or cell == "" for cell in first):
        # A name before numbers is a row's own name, and no header.
        return not (
            len(first) > 1
            and not _NUMBER.fullmatch(first[0])
            and all(_NUMBER.fullmatch(cell) for cell in first[1:])
            and not _NUMBER.fullmatch(second[0])
            and not _are_labels(first[1:], second[1:])
        )
    return _are_labels(first, second)


def _are_labels(first: list[str], second: list[str]) -> bool:
    """Tell a header of whole numbers (0, 1, 2 ... or label values) from a row of signals."""
    # nilearn's label values may be floats: 1.0, 2.0, 3.0.
    whole = re.compile(r"\d+(\.0)?")
    if len(first) < 2 or len(set(first)) < len(first) or not all(map(whole.fullmatch, first)):
        return False
    numbers = [float(cell) for cell in first]
    counts_up = all(a < b for a, b in zip(numbers, numbers[1:], strict=False))
    # Signals in whole numbers are whole in every volume.
    return counts_up or not all(map(whole.fullmatch, second))


def _commented_names(
    comments: list[str], separator: str | None, n_columns: int
) -> list[str] | None:
    """Return the names in C-PAC's comment ``#Mean_1 ,Mean_2 ...``, or None.

    Beside it stand lines on how the file was made, and AFNI's of the image before each row.
    """
    for comment in comments:
        cells = [cell.strip("# \t") for cell in comment.split(separator)]
        names = [cell for cell in cells if cell]
        if len(names) == n_columns:
            return names
    return None


def _names_before(
    names: list[str] | None, cells: list[list[str]]
) -> tuple[list[str] | None, list[str] | None, list[list[str]]]:
    """Return the names of rows, if a first column holds them, and what is left without it."""
    first = [row[0] for row in cells]
    text = not any(_NUMBER.fullmatch(cell) or is_missing(cell) for cell in first)
    numbered = names is not None and len(names) > 0 and names[0] in _ROW_NUMBERS
    if len(cells[0]) < 2 or not (text or numbered):
        return None, names, cells
    rest = [row[1:] for row in cells]
    return (first if text else None), (None if names is None else names[1:]), rest


def _without_empty_end(
    path: Path, names: list[str] | None, cells: list[list[str]]
) -> tuple[list[str] | None, list[list[str]]]:
    """Drop the empty last column that a separator at the end of every line makes."""
    if names and len(names) > 1 and names[-1] == "" and all(row[-1] == "" for row in cells):
        names, cells = names[:-1], [row[:-1] for row in cells]
    if names and "" in names:
        raise SeriesError(
            f"{path}: column {names.index('') + 1} has no name. Name every parcel in the first "
            "line, or none."
        )
    return names, cells


def _refuse_ragged(path: Path, cells: list[list[str]], at: list[int], n_names: int | None) -> None:
    wanted = len(cells[0]) if n_names is None else n_names
    for line, row in zip(at, cells, strict=True):
        if len(row) != wanted:
            above = "the first line of numbers" if n_names is None else "the header"
            raise SeriesError(
                f"{path}: line {line} has {len(row)} fields, {above} {wanted}. Is a name or a "
                "value lacking, or the file cut short?"
            )


def _numbers(path: Path, cells: list[list[str]], at: list[int]) -> np.ndarray:
    values = np.empty((len(cells), len(cells[0])))
    for i, row in enumerate(cells):
        try:
            # Python reads 1_000 as a number, and no other program does.
            if "_" in "".join(row):
                raise ValueError
            # A missing parcel is in every row: its neighbours need no second look for it.
            plain = ["nan" if cell == "n/a" else cell for cell in row] if "n/a" in row else row
            values[i] = list(map(float, plain))
        except ValueError:
            values[i] = [_number(path, cell, at[i]) for cell in row]
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        line = at[int(np.flatnonzero(infinite)[0])]
        raise SeriesError(f"{path}: line {line}: expected finite numbers, found an infinite one.")
    return values


def _number(path: Path, cell: str, line: int) -> float:
    number = number_of(cell)
    if number is None and not is_missing(cell):
        raise SeriesError(
            f"{path}: line {line}: expected numbers below one header line, found '{cell[:40]}'."
        )
    return np.nan if number is None else number


def _refuse_cut(path: Path, cells: list[list[str]], at: list[int]) -> None:
    """Refuse a file that ends within a number: without a line break, and in the shortest one."""
    last = cells[-1][-1]
    others = [len(row[-1]) for row in cells[:-1]] + [len(cell) for cell in cells[-1][:-1]]
    if others and len(last) < min(others):
        raise SeriesError(
            f"{path}: line {at[-1]}: the file ends in '{last}', shorter than any other number of "
            "that row and column, and without a line break: was it cut short? If it is whole, add "
            "a line break."
        )


def _refuse_twice(path: Path, names: Sequence[str] | None) -> None:
    if names is None:
        return
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise SeriesError(f"{path}: parcel name(s) {listed(twice)} stand twice.")
