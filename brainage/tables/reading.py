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
from brainage.tables.missing import missing_cells
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
    parsed: dict[str, pd.Series] = {}
    cells = frame.reset_index(drop=True)
    for column in schema.columns:
        if column.name not in cells:
            if column.required:
                source = (wanted or {}).get(column.name, column.name)
                problems.append(absent_words(source, column, list(found or frame.columns)))
            continue
        is_key = column.name in schema.key
        parsed[column.name] = _Cells(cells[column.name], column, named, problems).parsed(is_key)
    result = pd.DataFrame(parsed, index=cells.index)
    problems += repeated_keys(result, schema, named)
    raise_all(problems, schema, where)
    return result


class _Cells:
    """One column's cells on their way to its kind; what does not fit goes to `problems`."""

    def __init__(
        self, cells: pd.Series, column: Column, rows: Sequence[str], problems: list[str]
    ) -> None:
        self._cells, self._column, self._rows, self._problems = cells, column, rows, problems
        self._missing = missing_cells(cells)

    def parsed(self, is_key: bool) -> pd.Series:
        column = self._column
        if is_key and column.name != "participant_id":
            # Sessions, runs and tasks that there are not have BIDS' word in every key.
            return self._cells.mask(self._missing, NO_SESSION)
        if is_key or not column.nullable:
            self._report(self._missing, "is missing (found {cell}); a value is needed")
        if column.kind == "text":
            return self._cells if is_key else self._cells.mask(self._missing, None)
        return self._truth() if column.kind == "boolean" else self._numbers()

    def _truth(self) -> pd.Series:
        lower = self._cells.astype(str).str.lower()
        strange = ~self._missing & ~lower.isin(["true", "false"])
        self._report(strange, "must be true or false, found {cell}")
        if not self._missing.any():
            return lower == "true"
        return lower.map({"true": True, "false": False}).astype(object)

    def _numbers(self) -> pd.Series:
        column = self._column
        present = ~self._missing
        found = self._cells.mask(self._missing, "").map(lambda cell: number_of(str(cell)))
        numbers = found.astype(float)
        bad = present & numbers.isna()
        comma = bad & self._cells.map(lambda cell: has_decimal_comma(str(cell)))
        self._report(bad & ~comma, "must be a number, found {cell}")
        self._report(comma, "must be a number, found {cell}: write a point as the decimal mark")
        if column.kind == "integer":
            strange = numbers.notna() & (numbers % 1 != 0)
            self._report(strange, "must be a whole number, found {cell}")
        self._report(
            outside_range(numbers, column), f"must be {range_words(column)}, found {{cell}}"
        )
        whole = column.kind == "integer" and not numbers.isna().any()
        return numbers.astype("int64") if whole and not bad.any() else numbers

    def _report(self, bad: pd.Series, words: str) -> None:
        for row in np.flatnonzero(np.asarray(bad, dtype=bool)).tolist():
            said = words.format(cell=f"'{self._cells.iloc[row]}'")
            self._problems.append(f"{self._rows[row]}: {self._column.name} {said}.")
