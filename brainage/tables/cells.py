"""A file of rows as text cells: the one place where a table's bytes are read.

A line is a row. A quotation mark opens a cell of several lines only where that leaves no doubt: a
ditto mark, or a mark somebody forgot to close, must not swallow the rows below it.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from brainage.errors import TableError
from brainage.wording import listed

#: Text of a table that is read; far above any cohort's.
_MOST_BYTES = 200_000_000
#: Lines that one quoted cell may go over.
_MOST_LINES_A_CELL = 50
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Row(NamedTuple):
    """Cells of one row, the line it begins on and how many it takes."""

    line: int
    cells: list[str]
    n_lines: int


def separator_of(path: Path, line: str) -> str:
    """Return what separates the cells of a line: what the file's ending says if that is there.

    Else whichever of tab, semicolon and comma is there: spreadsheets write semicolons into .csv
    where the comma is the decimal mark.

    Examples
    --------
    >>> separator_of(Path("people.csv"), "a,b")
    ','
    """
    is_csv = path.name.lower().endswith((".csv", ".csv.gz"))
    marks = (",", "\t", ";") if is_csv else ("\t", ";", ",")
    return next((mark for mark in marks if mark in line), marks[0])


def read_text_table(path: str | Path) -> pd.DataFrame:
    r"""Read every cell of a TSV or CSV file as text, without blanks and quotes around it.

    Parameters
    ----------
    path : str or Path
        UTF-8, plain or gzip; the first line that is not blank is the header.

    Returns
    -------
    text : DataFrame of str
        Indexed by line number in the file (the header is usually 1). Blank rows, and columns
        without a name, are left out.

    Raises
    ------
    TableError
        No such file, a folder, bytes that are no UTF-8 text, no header, a name that stands twice
        in the header, a row of more or fewer cells than the header (with its line).

    Examples
    --------
    >>> path = folder / "people.csv"
    >>> _ = path.write_text("participant_id,age\n007,61.0\n")
    >>> read_text_table(path)
      participant_id   age
    2            007  61.0
    """
    path = Path(path)
    lines = read_lines(path)
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise TableError(f"{path}: expected a table with a header line, found an empty file.")
    separator = separator_of(path, lines[start])
    first = _row_at(lines, start, separator, None, path)
    header = [cell.strip() for cell in first.cells]
    rows = list(_rows(lines, start + first.n_lines, separator, header, path))
    _refuse_twice(header, path)
    frame = pd.DataFrame(
        [[cell.strip() for cell in row.cells] for row in rows],
        columns=range(len(header)),
        index=[row.line for row in rows],
        dtype=object,
    )
    named = [i for i, name in enumerate(header) if name]
    text = frame[named].set_axis([header[i] for i in named], axis=1)
    return text[(frame != "").any(axis=1)] if len(frame) else text


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file, plain or gzip, whatever ends them.

    Raises
    ------
    TableError
        No such file, a folder or device, over 200 MB, not UTF-8, control characters.

    Examples
    --------
    >>> path = folder / "two.txt"
    >>> _ = path.write_bytes(b"one\r\ntwo\r\n")
    >>> read_lines(path)
    ['one', 'two', '']
    """
    raw = _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path}: expected UTF-8 text, found other bytes ({error.reason} at byte "
            f"{error.start}). Save the table as UTF-8."
        ) from error
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise TableError(
            f"{path}: line {line}: expected text, found the control character "
            f"{found[0]!r}. Save the table as plain UTF-8 text."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            inside = path / "participants.tsv"
            hint = f" Did you mean {inside}?" if inside.is_file() else ""
            raise TableError(f"{path}: expected a table, found a folder.{hint}")
        if path.exists() and not path.is_file():
            raise TableError(f"{path}: expected a table, found a device or pipe.")
        opener = gzip.open if path.name.lower().endswith(".gz") else open
        with opener(path, "rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise TableError(f"{path}: no such file. Check the path in the config.") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TableError(f"{path}: cannot be read ({reason}).") from error
    if len(raw) > _MOST_BYTES:
        raise TableError(f"{path}: expected a table, found more than 200 MB of text.")
    return raw


def _rows(
    lines: list[str], start: int, separator: str, header: list[str], path: Path
) -> Iterator[_Row]:
    at = start
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        row = _row_at(lines, at, separator, header, path)
        yield row
        at += row.n_lines


def _row_at(
    lines: list[str], at: int, separator: str, header: list[str] | None, path: Path
) -> _Row:
    """Return the row that begins on a line; `header` None: any number of cells will do."""
    line = lines[at]
    plain = line.split(separator)
    if '"' not in line:
        _refuse_ragged(plain, header, at, path)
        return _Row(at + 1, plain, 1)
    wanted = None if header is None else len(header)
    cells = _unquoted(line, separator)
    if cells is not None and wanted in (None, len(cells)):
        return _Row(at + 1, cells, 1)
    if wanted is not None and cells is None:
        row = _of_several_lines(lines, at, separator, wanted)
        if row is not None:
            return row
    # A mark that nothing closes is a cell's own character, if the row is whole that way.
    _refuse_ragged(plain, header, at, path)
    return _Row(at + 1, plain, 1)


def _unquoted(line: str, separator: str) -> list[str] | None:
    """Return the cells of text whose quotation marks are in pairs; None: they are not."""
    try:
        # strict: a mark that is not closed, or text behind a closed one, is no quoting.
        rows = list(csv.reader(line.split("\n"), delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _of_several_lines(lines: list[str], at: int, separator: str, wanted: int) -> _Row | None:
    for n_lines in range(2, _MOST_LINES_A_CELL + 1):
        further = lines[at + 1 : at + n_lines]
        # A line that is a whole row by itself is one, and not the inside of a cell.
        if len(further) < n_lines - 1 or len(further[-1].split(separator)) == wanted:
            return None
        cells = _unquoted_lines(lines[at : at + n_lines], separator)
        if cells is not None:
            return _Row(at + 1, cells, n_lines) if len(cells) == wanted else None
    return None


def _unquoted_lines(lines: list[str], separator: str) -> list[str] | None:
    try:
        rows = list(csv.reader([line + "\n" for line in lines], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return [re.sub(r"\s*\n\s*", " ", cell) for cell in rows[0]] if len(rows) == 1 else None


def _refuse_ragged(cells: list[str], header: list[str] | None, at: int, path: Path) -> None:
    if header is None or len(cells) == len(header):
        return
    mark = " A quotation mark there may not be closed." if any('"' in c for c in cells) else ""
    raise TableError(
        f"{path}: line {at + 1}: expected as many cells in each line as the header has "
        f"({len(header)}), found {len(cells)}.{mark}"
    )


def _refuse_twice(header: list[str], path: Path) -> None:
    twice = dict.fromkeys(name for name in header if name and header.count(name) > 1)
    if twice:
        raise TableError(
            f"{path}: the header has {listed([repr(name) for name in twice])} twice; which is "
            "meant cannot be known. Rename or remove one."
        )
