"""Which words of a table say that a value is missing: one list for every table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

#: BIDS' own word, and what R, pandas, SAS, SPSS and spreadsheets write; in small letters.
MISSING_WORDS = frozenset(
    {"", "n/a", "na", "n.a.", "nan", "-nan", "nat", "null", "none", "<na>", "#n/a", "#na", "."}
)


def is_missing(cell: object) -> bool:
    """Return whether a cell holds no value: None, NaN, or one of `MISSING_WORDS`.

    Examples
    --------
    >>> is_missing("n/a"), is_missing(""), is_missing("none of it"), is_missing(0.0)
    (True, True, False, False)
    """
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING_WORDS
    return bool(pd.isna(cell)) if pd.api.types.is_scalar(cell) else False


def missing_cells(cells: Iterable[object]) -> pd.Series:
    """Return which cells hold no value, with the cells' own index.

    Examples
    --------
    >>> missing_cells(["n/a", "12", None]).tolist()
    [True, False, True]
    """
    index = cells.index if isinstance(cells, pd.Series) else None
    return pd.Series([is_missing(cell) for cell in cells], index=index, dtype=bool)
