"""Checking and writing tables made in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.files import atomic_path, write_json
from brainage.tables.schema import Column, TableSchema
from brainage.wording import did_you_mean, listed

_MOST_PROBLEMS = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_table(frame: pd.DataFrame, schema: TableSchema, *, where: str = "table") -> None:
    """Check a DataFrame made in Python against a schema.

    Raises
    ------
    TableError
        Required columns absent, wrong kinds, missing cells, impossible values, repeated keys.

    Examples
    --------
    >>> from brainage.tables import SCORES
    >>> check_table(examples.scores(), SCORES)
    >>> check_table(examples.scores().drop(columns="age_years"), SCORES)
    Traceback (most recent call last):
        ...
    brainage.errors.TableError: table: 1 problem(s) in the scores table:...
    """
    problems = [
        absent_words(c.name, c, list(frame.columns))
        for c in schema.columns
        if c.required and c.name not in frame
    ]
    for column in schema.columns:
        if column.name in frame:
            problems += _check_column(frame[column.name], column)
    problems += repeated_keys(frame, schema)
    raise_all(problems, schema, where)


def write_table(frame: pd.DataFrame, path: str | Path, schema: TableSchema) -> None:
    """Write a TSV and its JSON data dictionary, both atomically.

    Numbers are written with every digit (they read back equal), missing cells as ``n/a``.
    Columns the schema does not name are refused.

    Parameters
    ----------
    frame : DataFrame
        Checked against `schema` first.
    path : str or Path
        Ends in ``.tsv``.
    schema : TableSchema
        Gives order and dictionary.

    Examples
    --------
    >>> ba.write_table(examples.scores(), folder / "scores.tsv", ba.SCORES)
    >>> sorted(path.name for path in folder.iterdir())
    ['scores.json', 'scores.tsv']
    """
    path = Path(path)
    extra = [name for name in frame.columns if name not in schema.names]
    if extra:
        raise TableError(f"{path}: columns {extra} are not in the schema '{schema.name}'.")
    check_table(frame, schema, where=str(path))
    names = [name for name in schema.names if name in frame]
    cells = {name: _as_text(frame[name], schema[name]) for name in names}
    out = pd.DataFrame(cells, dtype=object)
    write_json(
        path.with_suffix(".json"),
        {
            name: {
                "Description": schema[name].description,
                **({"Units": schema[name].unit} if schema[name].unit else {}),
            }
            for name in names
        },
    )
    with atomic_path(path) as temporary:
        out.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def absent_words(source: str, column: Column, found: list[str]) -> str:
    """Say which column is absent, what it means and what may be meant by another."""
    meant = did_you_mean(source, found) or " Rename the column that is meant."
    return (
        f"no column '{source}' ({column.description.rstrip('.')}); the header has "
        f"{', '.join(map(str, found[:12]))}.{meant}"
    )


def outside_range(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Return which numbers lie outside the column's range; one that is missing does not."""
    outside = np.zeros(len(numbers), dtype=bool)
    if column.low is not None:
        outside |= numbers < column.low
    if column.high is not None:
        outside |= numbers > column.high
    return outside


def range_words(column: Column) -> str:
    """Say a column's range in words."""
    unit = f" {column.unit}" if column.unit else ""
    low = "-inf" if column.low is None else f"{column.low:g}"
    high = "inf" if column.high is None else f"{column.high:g}"
    return f"a value from {low} to {high}{unit}"


def _check_column(values: pd.Series, column: Column) -> list[str]:
    problems = []
    missing = values.isna().to_numpy()
    if not column.nullable and missing.any():
        problems.append(f"column {column.name}: {int(missing.sum())} missing values; needed.")
    if column.kind in ("number", "integer"):
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            return [*problems, f"column {column.name}: expected numbers, found {values.dtype}."]
        numbers = values.to_numpy(dtype=float, na_value=np.nan)[~missing]
        if not np.isfinite(numbers).all():
            problems.append(f"column {column.name}: infinite values.")
        if outside_range(numbers, column).any():
            problems.append(
                f"column {column.name}: expected {range_words(column)}, found "
                f"{numbers.min():g} to {numbers.max():g}."
            )
    elif column.kind == "boolean" and not pd.api.types.is_bool_dtype(values):
        problems.append(f"column {column.name}: expected true/false, found {values.dtype}.")
    elif column.kind == "text" and not _is_text(values, missing):
        problems.append(f"column {column.name}: expected text, found other types.")
    return problems


def _is_text(values: pd.Series, missing: np.ndarray) -> bool:
    cells = zip(values.tolist(), missing.tolist(), strict=True)
    return all(is_missing or isinstance(cell, str) for cell, is_missing in cells)


def repeated_keys(
    frame: pd.DataFrame, schema: TableSchema, names: Sequence[str] | None = None
) -> list[str]:
    """Say which keys stand in more than one row.

    `names` is what to call each row; default: its line in a file whose header is line 1.
    """
    key = [name for name in schema.key if name in frame]
    if not key or len(key) != len(schema.key):
        return []
    is_repeated = frame.duplicated(key, keep=False)
    if not is_repeated.any():
        return []
    named = names or [f"line {row + 2}" for row in range(len(frame))]
    repeated = frame.reset_index(drop=True)[is_repeated.to_numpy()]
    problems = []
    for _, rows in repeated.groupby(key, sort=False):
        lines = _lines([named[row] for row in rows.index])
        labels = ", ".join(f"{name} '{rows[name].iloc[0]}'" for name in key)
        problems.append(f"{lines}: two or more rows for {labels}; keep one.")
    return problems


def _lines(rows: Sequence[str]) -> str:
    """Say "lines 3, 4" of rows that are lines of one file, else their names one by one."""
    numbers = [row.removeprefix("line ") for row in rows]
    return f"lines {listed(numbers)}" if all(map(str.isdigit, numbers)) else listed(rows)


def raise_all(problems: list[str], schema: TableSchema, where: str) -> None:
    """Raise one TableError with every problem, the first 20 in words; nothing where none."""
    if not problems:
        return
    shown = problems[:_MOST_PROBLEMS]
    rest = len(problems) - len(shown)
    lines = [f"{where}: {len(problems)} problem(s) in the {schema.name} table:"]
    lines += [f"  - {p}" for p in shown]
    if rest:
        lines.append(f"  - and {rest} more")
    raise TableError("\n".join(lines))


def _as_text(values: pd.Series, column: Column) -> list[object]:
    """Return cells as they stand in a file; cell by cell, which is cheaper than Series of few."""
    missing = values.isna().tolist()
    say = _SAY[column.kind]
    cells = zip(values.tolist(), missing, strict=True)
    return ["n/a" if is_missing else say(cell) for cell, is_missing in cells]


def _one_line(cell: object) -> object:
    """Return text that stays one cell of a TSV: blanks for tabs and line breaks."""
    if not isinstance(cell, str):
        return cell
    flat = re.sub(r"\s*[\t\r\n]\s*", " ", cell)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", flat)


def _number(cell: Any) -> str:
    return repr(float(cell))


def _whole(cell: Any) -> str:
    return str(int(cell))


#: How a cell of a kind is written: a number with every digit.
_SAY: dict[str, Callable[[Any], object]] = {
    "boolean": lambda cell: "true" if cell else "false",
    "number": _number,
    "integer": _whole,
    "text": _one_line,
}
