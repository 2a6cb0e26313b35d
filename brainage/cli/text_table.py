"""Tables as plain text that is whole at any width: as columns, wrapped, or one record a block."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

#: Blanks between columns; one where the table fits with no more.
_GAP, _LEAST_GAP = 2, 1
#: A column of words may be wrapped down to this; numbers and single words are never broken.
_NARROWEST = 12


@dataclass(frozen=True)
class TextColumn:
    """One column as text.

    Parameters
    ----------
    heading : str
        What stands above it.
    cells : tuple of str
        One a row; no line breaks.
    numeric : bool, default=False
        Aligned at the right, never wrapped.
    """

    heading: str
    cells: tuple[str, ...]
    numeric: bool = False


def table_lines(columns: Sequence[TextColumn], *, width: int) -> list[str]:
    """Lay out a table, every cell of every row in full.

    Parameters
    ----------
    columns : sequence of TextColumn
        With equally many cells.
    width : int
        Character cells there are in a line. Where the columns do not fit side by side, even with
        their words wrapped, each row becomes a block of "heading  cell" lines.

    Returns
    -------
    lines : list of str
    """
    if not columns:
        return []
    for gap in (_GAP, _LEAST_GAP):
        widths = _fitted(columns, width, gap)
        if widths is not None:
            return _side_by_side(columns, widths, gap)
    return _stacked(columns, width)


def _side_by_side(columns: Sequence[TextColumn], widths: Sequence[int], gap: int) -> list[str]:
    """Return heading, rule and rows, each column in its width."""
    lines = _row([column.heading for column in columns], columns, widths, gap)
    lines.append((" " * gap).join("─" * n for n in widths))
    for i in range(len(columns[0].cells)):
        lines += _row([column.cells[i] for column in columns], columns, widths, gap)
    return lines


def _fitted(columns: Sequence[TextColumn], width: int, gap: int) -> list[int] | None:
    """Return each column's width, the widest text columns wrapped first; None: they do not fit."""
    widths = [_natural(column) for column in columns]
    least = [_least(column) for column in columns]
    room = width - gap * (len(columns) - 1)
    while sum(widths) > room:
        spare = [w - m for w, m in zip(widths, least, strict=True)]
        if max(spare) <= 0:
            return None
        widest = max(range(len(widths)), key=lambda i: (spare[i] > 0, widths[i]))
        widths[widest] -= 1
    return widths


def _natural(column: TextColumn) -> int:
    return max(cell_len(column.heading), *(cell_len(cell) for cell in column.cells), 1)


def _least(column: TextColumn) -> int:
    words = [cell_len(word) for word in column.heading.split()]
    if column.numeric:
        return max([*words, *(cell_len(cell) for cell in column.cells), 1])
    words += [cell_len(word) for cell in column.cells for word in cell.split()]
    longest = max(words, default=1)
    # A cell that is short stays on its line: "2 years" under "visit" is read at once.
    cells = [cell_len(cell) for cell in column.cells]
    return max(longest, min(_NARROWEST, max(cells, default=1)))


def _row(
    cells: Sequence[str], columns: Sequence[TextColumn], widths: Sequence[int], gap: int
) -> list[str]:
    """Return the lines of one row."""
    wrapped = [_wrap(cell, n) for cell, n in zip(cells, widths, strict=True)]
    height = max(len(lines) for lines in wrapped)
    shown = []
    for i in range(height):
        parts = []
        for lines, column, n in zip(wrapped, columns, widths, strict=True):
            text = lines[i] if i < len(lines) else ""
            blank = " " * (n - cell_len(text))
            parts.append(blank + text if column.numeric else text + blank)
        shown.append((" " * gap).join(parts).rstrip())
    return shown


def _wrap(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def _stacked(columns: Sequence[TextColumn], width: int) -> list[str]:
    """Return each row as a block of lines, headings at the left, a blank line between blocks."""
    margin = max(cell_len(column.heading) for column in columns)
    lines: list[str] = []
    for i in range(len(columns[0].cells)):
        if i:
            lines.append("")
        for column in columns:
            blank = " " * (margin - cell_len(column.heading) + _GAP)
            first, *rest = _wrap(column.cells[i], max(20, width - margin - _GAP))
            lines.append(f"{column.heading}{blank}{first}".rstrip())
            lines += [" " * (margin + _GAP) + more for more in rest]
    return lines
