"""One word for one sex: BIDS lets a table write it in ten ways."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from brainage.tables.missing import is_missing

#: Column names whose levels are sexes, without signs and in small letters.
SEX_COLUMNS = frozenset({"sex", "gender"})
#: BIDS 1.10, participants.tsv: these are one level each.
_WORDS = {
    "f": "F",
    "female": "F",
    "w": "F",
    "woman": "F",
    "m": "M",
    "male": "M",
    "man": "M",
    "o": "O",
    "other": "O",
}


def sex_levels(cells: Iterable[object]) -> pd.Series:
    """Return sexes with BIDS' synonyms made one level each: "F", "M", "O".

    Parameters
    ----------
    cells : iterable of str or None
        As recorded. Other codes (``1``, ``2``) are kept as they are: what they mean is not stated.

    Returns
    -------
    levels : Series of object
        None where missing; the index of `cells` where they have one.
    """
    index = cells.index if isinstance(cells, pd.Series) else None
    return pd.Series([_level(cell) for cell in cells], index=index, dtype=object)


def _level(cell: object) -> object:
    if is_missing(cell):
        return None
    return _WORDS.get(cell.strip().lower(), cell) if isinstance(cell, str) else cell
