"""One word for one sex: BIDS lets a table write it in ten ways, or in codes of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from brainage.tables.dictionary import described
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

    Examples
    --------
    >>> sex_levels(["female", "M", "n/a"]).tolist()
    ['F', 'M', None]
    """
    index = cells.index if isinstance(cells, pd.Series) else None
    return pd.Series([_level(cell) for cell in cells], index=index, dtype=object)


def stated_levels(cells: pd.Series, *, path: Path, column: str) -> pd.Series:
    """Return codes as the words that the dictionary's `Levels` give them, others as they are.

    Parameters
    ----------
    cells : Series of str
        As the file has them: ``1`` and ``2``, say.
    path : Path
        The table.
    column : str
        The column's name in the file.

    Raises
    ------
    TableError
        The dictionary beside the table is no JSON.
    """
    levels = described(path, column).get("Levels")
    words = levels if isinstance(levels, dict) else {}
    # BIDS allows a level's description in an object of its own.
    said = {
        code: word.get("Description") if isinstance(word, dict) else word
        for code, word in words.items()
    }
    known = {
        code: word
        for code, word in said.items()
        if isinstance(word, str) and word.strip().lower() in _WORDS
    }
    return cells.map(lambda cell: known.get(cell, cell))


def _level(cell: object) -> object:
    if is_missing(cell):
        return None
    return _WORDS.get(cell.strip().lower(), cell) if isinstance(cell, str) else cell
