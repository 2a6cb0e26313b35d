"""Reading tables: every problem at once, nothing guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables.cells import read_text_table
from brainage.tables.checks import (
    absent_words,
    outside_range,
    raise_all,
    range_words,
    repeated_keys,
)
from brainage.tables.missing import is_missing
from brainage.tables.numbers import has_decimal_comma, number_of
from brainage.tables.schema import NO_SESSION, Column, TableSchema


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
        With every problem found, by the line of the file.

    Examples
    --------
    >>> path = folder / "scores.tsv"
    >>> ba.write_table(examples.scores(), path, ba.SCORES)
    >>> read_table(path, ba.SCORES)["clock_id"].nunique()
    1
    """
    path = Path(path)
    text = read_text_table(path)
    wanted = {name: (columns or {}).get(name, name) for name in schema.names}
    present = {name: source for name, source in wanted.items() if source in text.columns}
    frame = text[list(present.values())].set_axis(list(present), axis=1)
    return parse_table(frame, schema, where=str(path), found=list(text.columns), wanted=wanted)


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

    Examples
    --------
    >>> refuse_misnamed(Path("people.tsv"), ["participant_id", "age_year"], ["age_years"])
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
    found: Sequence[str] | None = None,
    wanted: Mapping[str, str] | None = None,
    rows: Sequence[str] | None = None,
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
    found : sequence of str, optional
        The file's own header, for "did you mean".
    wanted : mapping of str to str, optional
        Schema name -> name in the file.
    rows : sequence of str, optional
        What to call each row in messages; default "line N", N being the frame's index.

    Returns
    -------
    parsed : DataFrame

    Raises
    ------
    TableError
        With every problem found.

    Examples
    --------
    >>> schema = TableSchema("doses", (Column("dose", "number", "Sessions.", nullable=True),))
    >>> parse_table(pd.DataFrame({"dose": ["12", "n/a"]}), schema, where="doses.tsv")
       dose
    0  12.0
    1   NaN
    """
    named = [f"line {line}" for line in frame.index] if rows is None else list(rows)
    problems: list[str] = []
    parsed: dict[str, pd.Series | np.ndarray] = {}
    for column in schema.columns:
        if column.name not in frame:
            if column.required:
                source = (wanted or {}).get(column.name, column.name)
                problems.append(absent_words(source, column, list(found or frame.columns)))
            continue
        is_key = column.name in schema.key
        parsed[column.name] = _Cells(frame[column.name], column, named, problems).parsed(is_key)
    result = pd.DataFrame(parsed, index=pd.RangeIndex(len(frame)))
    problems += repeated_keys(result, schema, named)
    raise_all(problems, schema, where)
    return result


class _Cells:
    """One column's cells on their way to its kind; what does not fit goes to `problems`.

    Cell by cell in plain Python: the tables are small and many, and of a small one most of what a
    chain of Series costs is the Series.
    """

    def __init__(
        self, cells: pd.Series, column: Column, rows: Sequence[str], problems: list[str]
    ) -> None:
        self._cells = cells.tolist()
        self._column, self._rows, self._problems = column, rows, problems
        self._missing = [is_missing(cell) for cell in self._cells]

    def parsed(self, is_key: bool) -> pd.Series | np.ndarray:
        column = self._column
        if is_key and column.kind == "text" and column.name != "participant_id":
            # Sessions, runs and tasks that there are not have BIDS' word in every key.
            return self._texts(NO_SESSION)
        if is_key or not column.nullable:
            self._report(self._missing, "is missing (found {cell}); a value is needed")
        if column.kind == "text":
            return _objects(self._cells) if is_key else self._texts(None)
        return self._truth() if column.kind == "boolean" else self._numbers()

    def _texts(self, where_missing: str | None) -> pd.Series:
        pairs = zip(self._cells, self._missing, strict=True)
        return _objects([where_missing if missing else cell for cell, missing in pairs])

    def _truth(self) -> pd.Series | np.ndarray:
        words = {"true": True, "false": False}
        found = [words.get(str(cell).lower()) for cell in self._cells]
        pairs = zip(found, self._missing, strict=True)
        strange = [value is None and not missing for value, missing in pairs]
        self._report(strange, "must be true or false, found {cell}")
        if not any(self._missing):
            return np.array([value is True for value in found], dtype=bool)
        return _objects([np.nan if value is None else value for value in found])

    def _numbers(self) -> np.ndarray:
        column = self._column
        pairs = zip(self._cells, self._missing, strict=True)
        found = [None if missing else number_of(str(cell)) for cell, missing in pairs]
        numbers = np.array(found, dtype=float)
        bad = [
            number is None and not missing
            for number, missing in zip(found, self._missing, strict=True)
        ]
        if any(bad):
            self._report_no_numbers(bad)
        if column.kind == "integer":
            strange = np.isfinite(numbers) & (numbers % 1 != 0)
            self._report(strange, "must be a whole number, found {cell}")
        self._report(
            outside_range(numbers, column), f"must be {range_words(column)}, found {{cell}}"
        )
        whole = column.kind == "integer" and not np.isnan(numbers).any()
        return numbers.astype("int64") if whole else numbers

    def _report_no_numbers(self, bad: Sequence[bool]) -> None:
        comma = [has_decimal_comma(str(cell)) for cell in self._cells]
        pairs = list(zip(bad, comma, strict=True))
        self._report(
            [is_bad and not has for is_bad, has in pairs], "must be a number, found {cell}"
        )
        self._report(
            [is_bad and has for is_bad, has in pairs],
            "must be a number, found {cell}: write a point as the decimal mark",
        )

    def _report(self, bad: Sequence[bool] | np.ndarray, words: str) -> None:
        for row in np.flatnonzero(np.asarray(bad, dtype=bool)).tolist():
            said = words.format(cell=f"'{self._cells[row]}'")
            self._problems.append(f"{self._rows[row]}: {self._column.name} {said}.")


def _objects(cells: Sequence[object]) -> pd.Series:
    """Return cells as they are: of an array of texts pandas would make its own kind of text."""
    return pd.Series(cells, dtype=object)
