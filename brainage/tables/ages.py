"""Ages as tables write them: in months, capped (``89+``), in bins (``20-25``)."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pandas as pd

from brainage.errors import BrainAgeWarning, TableError
from brainage.tables.dictionary import described
from brainage.tables.missing import is_missing, missing_cells
from brainage.tables.numbers import number_of

#: Words of the BIDS data dictionary's `Units` -> how many of the unit make a year.
_A_YEAR = {"year": 1.0, "month": 12.0, "week": 365.25 / 7, "day": 365.25}
_WORDS = re.compile(
    r"(?<![a-z])(?:(?P<year>years?|yrs?|y|a)|(?P<month>months?|mos?|mon)|(?P<week>weeks?|wks?)"
    r"|(?P<day>days?|d))(?![a-z])"
)
#: A column's own name may say its unit: age_months, AgeInDays.
_NAMED_UNIT = re.compile(r"(month|week|day|year)s?$")
#: An age that is no single number: ``89+``, ``>89``, ``<18``, ``20-25``, ``89 or older``.
_CAPPED = re.compile(
    r"[<>=≤≥]+\s*[0-9]+([.][0-9]+)?|[0-9]+([.][0-9]+)?\s*\+"
    r"|[0-9]+([.][0-9]+)?\s*([-–]|to)\s*[0-9]+([.][0-9]+)?|[0-9]+\s*(or|and)\s*(older|over|above)",
    re.IGNORECASE,
)


def units_of(path: Path, column: str) -> str | None:
    """Return the `Units` that the data dictionary beside a table gives a column.

    Parameters are those of `described`, errors too.
    """
    # BIDS writes "Units"; "units" says the same, and unread it would make months years.
    stated = {key.lower(): value for key, value in described(path, column).items()}
    units = stated.get("units")
    return units if isinstance(units, str) and not is_missing(units) else None


def _unit_in(words: str) -> str | None:
    found = {match.lastgroup for match in _WORDS.finditer(words.lower())}
    return found.pop() if len(found) == 1 else None


def ages_in_years(cells: pd.Series, *, path: Path, column: str) -> pd.Series:
    """Return age cells in years, as text, by what the dictionary or the column's name says.

    Parameters
    ----------
    cells : Series of str
        As the file has them; cells that are no number stay as they are.
    path : Path
        The table.
    column : str
        The column's name in the file.

    Raises
    ------
    TableError
        A unit that is none of years, months, weeks, days; a unit that contradicts the name.

    Warns
    -----
    BrainAgeWarning
        Ages were turned into years.
    """
    stated = units_of(path, column)
    named = _NAMED_UNIT.search(re.sub(r"[^a-z]", "", column.lower()))
    unit = _unit_in(stated) if stated else named[1] if named else "year"
    if unit is None:
        raise TableError(
            f"{path}: column '{column}': its data dictionary says Units '{stated}'; expected one "
            "of years, months, weeks, days."
        )
    if named and named[1] != unit:
        raise TableError(
            f"{path}: column '{column}' is named for another unit than its data dictionary states "
            f"(Units '{stated}'). Correct one of them."
        )
    a_year = _A_YEAR[unit]
    if a_year == 1:
        return cells
    warnings.warn(
        f"{path}: column '{column}' holds ages in {unit}s; they are read as years (divided by "
        f"{a_year:g}).",
        BrainAgeWarning,
        stacklevel=2,
    )
    return cells.map(lambda cell: _in_years(cell, a_year))


def _in_years(cell: str, a_year: float) -> str:
    number = number_of(cell)
    return cell if number is None else repr(number / a_year)


def capped_ages(cells: pd.Series) -> pd.Series:
    """Return which ages are capped or binned (``89+``, ``20-25``): a row without an age.

    Raises no error: the scan is left out with the age as its reason, and the others stay.
    """
    return ~missing_cells(cells) & cells.astype(str).str.strip().map(
        lambda cell: _CAPPED.fullmatch(cell) is not None
    )
