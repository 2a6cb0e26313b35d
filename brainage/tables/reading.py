"""Reading tables: every problem at once, nothing guessed."""

from __future__ import annotations

import gzip
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables.checks import (
    absent_words,
    outside_range,
    raise_all,
    range_words,
    repeated_keys,
)
from brainage.tables.schema import NO_SESSION, Column, TableSchema

_MISSING_WORDS = {"", "n/a", "na", "nan", "null", "none"}


def read_table(
    path: str | Path,
    schema: TableSchema,
    *,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read a TSV or CSV file and check it against a schema.

    Parameters
    ----------
    path : str or Path
        ``.csv`` is split at commas, everything else at tabs; where the header has none, at what
        it has of tabs, semicolons and commas.
    schema : TableSchema
        Only its columns are read: a column the schema does not name is never seen, which is
        how arm stays out of every room but the trial's.
    columns : mapping of str to str, optional
        Schema name -> name in the file, for files that call things otherwise.

    Returns
    -------
    frame : DataFrame
        Columns in schema order, cells converted.

    Raises
    ------
    TableError
        With every problem found (row numbers count the header as line 1).
    """
    path = Path(path)
    text = read_text_table(path)
    wanted = {name: (columns or {}).get(name, name) for name in schema.names}
    present = {name: source for name, source in wanted.items() if source in text.columns}
    frame = text[list(present.values())].set_axis(list(present), axis=1)
    return parse_table(frame, schema, where=str(path), found=list(text.columns), wanted=wanted)


def separator_of(path: Path, line: str) -> str:
    """Return what separates the cells of a line: what the file's ending says if that is there.

    Else whichever of tab, semicolon and comma is there: spreadsheets write semicolons into .csv
    where the comma is the decimal mark.
    """
    is_csv = path.name.lower().endswith((".csv", ".csv.gz"))
    marks = (",", "\t", ";") if is_csv else ("\t", ";", ",")
    return next((mark for mark in marks if mark in line), marks[0])


def _first_line(path: Path) -> str:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig") as stream:
        return next((line for line in stream if line.strip()), "")


def read_text_table(path: str | Path) -> pd.DataFrame:
    """Read every cell of a TSV or CSV file as text, unchanged."""
    path = Path(path)
    try:
        separator = separator_of(path, _first_line(path))
        # Without this pandas guesses an index when rows are longer than the header.
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            text = pd.read_csv(
                path,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                encoding="utf-8-sig",
            )
    except FileNotFoundError:
        raise TableError(f"{path}: no such file. Check the path in the config.") from None
    except pd.errors.ParserWarning as error:
        raise TableError(
            f"{path}: expected as many cells in each line as the header has, found more in some."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise TableError(f"{path}: expected a table with a header line, found: {error}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: expected UTF-8 text, found other bytes ({error})") from error
    except (OSError, EOFError) as error:
        raise TableError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})."
        ) from error
    return text.apply(lambda cells: cells.fillna("").str.strip())


#: What people call our columns, in small letters without signs.
_ALSO_CALLED = {
    "tr": "t_r_s",
    "trs": "t_r_s",
    "repetitiontime": "t_r_s",
    "trsec": "t_r_s",
    "session": "session_id",
    "ses": "session_id",
    "visit": "session_id",
    "brainmask": "mask",
    "maskfile": "mask",
    "maskpath": "mask",
    "confound": "confounds",
    "confoundsfile": "confounds",
    "regressors": "confounds",
    "motion": "confounds",
}


def refuse_misnamed(path: Path, columns: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a column that nothing reads, but that was meant for one of `known`.

    Other columns are anybody's own. One that is there under its right name excuses its likes.

    Raises
    ------
    TableError
        With both names.
    """
    for column in columns:
        plain = re.sub(r"[^a-z]", "", column.lower())
        meant = {name.replace("_", ""): name for name in known} | _ALSO_CALLED
        name = meant.get(plain)
        if name in known and name not in columns:
            raise TableError(
                f"{path}: column '{column}' would not be read: did you mean '{name}'? "
                f"Columns that are read: {', '.join(known)}."
            )


def parse_table(
    frame: pd.DataFrame,
    schema: TableSchema,
    *,
    where: str,
    found: list[str] | None = None,
    wanted: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Convert text cells to the schema's kinds, reporting every problem at once.

    Parameters
    ----------
    frame : DataFrame
        Cells as text.
    schema : TableSchema
        What is expected.
    where : str
        The file, for messages.
    found : list of str, optional
        The file's own header, for "did you mean".
    wanted : mapping of str to str, optional
        Schema name -> name in the file.

    Returns
    -------
    parsed : DataFrame

    Raises
    ------
    TableError
        With every problem found.
    """
    problems: list[str] = []
    parsed: dict[str, pd.Series] = {}
    for column in schema.columns:
        if column.name not in frame:
            if column.required:
                source = (wanted or {}).get(column.name, column.name)
                problems.append(absent_words(source, column, found or list(frame.columns)))
            continue
        cells = frame[column.name]
        if column.name in schema.key:
            cells = cells.where(cells != "", NO_SESSION if column.name == "session_id" else "")
        parsed[column.name] = _convert(cells, column, problems, is_key=column.name in schema.key)
    result = pd.DataFrame(parsed, index=frame.index).reset_index(drop=True)
    problems += repeated_keys(result, schema)
    raise_all(problems, schema, where)
    return result


def _is_missing(cells: pd.Series) -> pd.Series:
    return cells.isna() | cells.astype(str).str.lower().isin(_MISSING_WORDS)


def _convert(cells: pd.Series, column: Column, problems: list[str], *, is_key: bool) -> pd.Series:
    if is_key:
        for row in np.flatnonzero((cells == "").to_numpy()):
            problems.append(f"line {row + 2}: {column.name} is empty.")
        return cells
    missing = _is_missing(cells)
    if not column.nullable:
        for row in np.flatnonzero(missing.to_numpy()):
            problems.append(
                f"line {row + 2}: {column.name} is missing "
                f"(found '{cells.iloc[row]}'); a value is needed."
            )
    if column.kind == "text":
        return cells.mask(missing, None)
    if column.kind == "boolean":
        lower = cells.str.lower()
        bad = ~missing & ~lower.isin(["true", "false"])
        _report(cells, bad, column, "true or false", problems)
        return lower == "true"
    numbers = pd.to_numeric(cells.mask(missing, None), errors="coerce")
    _report(cells, ~missing & ~np.isfinite(numbers), column, "a number", problems)
    if column.kind == "integer":
        _report(cells, numbers.notna() & (numbers % 1 != 0), column, "a whole number", problems)
    _report(cells, outside_range(numbers, column), column, range_words(column), problems)
    whole = column.kind == "integer" and not numbers.isna().any()
    return numbers.astype("int64" if whole else "float64", errors="ignore" if whole else "raise")


def _report(cells, bad, column: Column, expected: str, problems: list[str]) -> None:
    for row in np.flatnonzero(np.asarray(bad, dtype=bool)):
        problems.append(
            f"line {row + 2}: {column.name} must be {expected}, found '{cells.iloc[row]}'."
        )
