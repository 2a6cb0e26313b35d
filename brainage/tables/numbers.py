"""Cells as numbers: what is a number, what was meant as one, and what is a category.

A point is the decimal mark. A decimal comma is refused and not turned: ``1,234`` is a thousand in
one country and one and a quarter in another.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from brainage.errors import TableError
from brainage.tables.missing import missing_cells
from brainage.wording import listed

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
#: ``24,1``, ``>40``, ``89+``, ``20-25``, ``~30``, ``45 %``: meant as numbers and none.
_MEANT = re.compile(r"[<>=≤≥~±]*\s*[-+]?[0-9]+([.,][0-9]+)*\s*([+%]|[-–][0-9]+([.,][0-9]+)?)?")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+([eE][-+]?[0-9]+)?")

#: A column of as many texts or fewer is one of categories, however few people are in each.
_FEW_LEVELS = 6


def number_of(cell: str) -> float | None:
    """Return a cell's number, to the last bit what was written; None: it is no finite number.

    Examples
    --------
    >>> number_of("1e-3"), number_of("12 mm"), number_of("inf")
    (0.001, None, None)
    """
    if not _NUMBER.fullmatch(cell):
        return None
    number = float(cell)
    return number if np.isfinite(number) else None


def has_decimal_comma(cell: str) -> bool:
    """Return whether a cell is a number but for its decimal mark."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def numbers_or_categories(cells: pd.Series, *, name: str, where: str) -> pd.Series:
    """Return a text column as numbers where all its values are, as text where none is.

    Parameters
    ----------
    cells : Series of str
        Of a covariate, whose kind nobody stated.
    name : str
        The column, for the message.
    where : str
        The file, for the message.

    Returns
    -------
    values : Series of float or of object
        Missing cells are NaN, or None among text.

    Raises
    ------
    TableError
        Some values are numbers and others are not (``>40``, a decimal comma), or most levels
        are one person's (dates, free text): taken for categories they would be one level a
        person.

    Examples
    --------
    >>> doses = pd.Series(["1.5", "2"])
    >>> numbers_or_categories(doses, name="dose", where="allocation.tsv").tolist()
    [1.5, 2.0]
    >>> strata = pd.Series(["low", "high"])
    >>> numbers_or_categories(strata, name="stratum", where="allocation.tsv").tolist()
    ['low', 'high']
    """
    missing = missing_cells(cells)
    present = cells[~missing].astype(str).str.strip()
    numbers = pd.Series([number_of(cell) for cell in present], index=present.index, dtype=object)
    is_number = numbers.notna()
    if is_number.all():
        return numbers.astype(float).reindex(cells.index)
    strange = present[~is_number]
    if is_number.any() or any(map(_MEANT.fullmatch, strange)):
        has_comma = any(map(has_decimal_comma, strange))
        comma = " Write a point as the decimal mark." if has_comma else ""
        shown = listed([repr(cell) for cell in dict.fromkeys(strange)])
        raise TableError(
            f"{where}: column '{name}': expected numbers or categories, found "
            f"{int(is_number.sum())} numbers beside {len(strange)} cell(s) that are none: {shown}."
            f"{comma} For categories give every level a name that begins with a letter."
        )
    counts = present.value_counts()
    if len(counts) > _FEW_LEVELS and 2 * (counts == 1).sum() > len(present):
        shown = listed([repr(cell) for cell in dict.fromkeys(present)])
        raise TableError(
            f"{where}: column '{name}': expected numbers or categories, found {len(counts)} "
            f"different texts in {len(present)} rows: {shown}. Dates and free text are no "
            "covariates: give numbers (such as days since the first), or fewer levels."
        )
    return cells.astype(object).where(~missing, None)
