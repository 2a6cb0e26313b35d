"""Numbers as people write them: on the page, in figures and on the terminal."""

from __future__ import annotations

import math
import numbers as kinds
import re
from collections.abc import Iterable

import numpy as np

from brainage.wording import printable

MISSING = "n/a"
#: What `signed`, `plain`, `interval`, `p_words` and `cell` make of numbers.
_NUMBER = re.compile(
    r"(< ?)?[-+]?[\d.,∞]+(e[-+]\d+)?( to [-+]?[\d.,]+)?( ?%)?|n/a",
)


def are_numbers(cells: Iterable[str]) -> bool:
    """Return whether written cells are all numbers, or missing, and at least one is a number."""
    cells = list(cells)
    return all(map(_NUMBER.fullmatch, cells)) and any(cell != MISSING for cell in cells)


def is_missing(value: object) -> bool:
    """Return whether a cell holds nothing (None, NaN, NaT, ``pandas.NA``)."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:
        # pandas.NA is neither true nor false.
        return True


def p_words(value: float) -> str:
    """Return a p-value: "< .001", ".024", ".31"; "n/a" where there is none.

    Parameters
    ----------
    value : float
        0 to 1.
    """
    if is_missing(value):
        return MISSING
    if value < 0.001:
        return "< .001"
    text = f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    return text if text.startswith("1") else text[1:]


def p_equals(value: float) -> str:
    """Return a p-value as in a sentence: "p < .001", "p = .024"."""
    words = p_words(value)
    return f"p {words}" if words.startswith("<") else f"p = {words}"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign ("+1.25", "-0.30"); what rounds to nothing has none."""
    if is_missing(value):
        return MISSING
    rounded = round(float(value), digits)
    return f"{0.0:.{digits}f}" if rounded == 0 else f"{rounded:+.{digits}f}"


def plain(value: float, digits: int = 2) -> str:
    """Return a number to so many decimals; what rounds to nothing has no sign."""
    if is_missing(value):
        return MISSING
    rounded = round(float(value), digits)
    return f"{abs(rounded) if rounded == 0 else rounded:,.{digits}f}"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Return an interval: "-2.10 to +0.30"; "n/a" where an end is missing."""
    if is_missing(low) or is_missing(high):
        return MISSING
    return f"{signed(low, digits)} to {signed(high, digits)}"


def cell(value: object) -> str:
    """Return any value as a table shows it: truth as yes and no, three digits, no exponents."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, kinds.Integral):
        return f"{int(value):,}" if abs(int(value)) >= 10_000 else str(int(value))
    if isinstance(value, kinds.Real):
        return _real(float(value))
    if isinstance(value, dict):
        return "; ".join(f"{printable(key)}: {cell(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell(inner) for inner in value)
    return printable(value)


def _real(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 0.0005:
        return "0.000"
    digits = 3 if abs(value) < 10 else 1 if abs(value) >= 100 else 2
    return f"{value:.{digits}f}"
