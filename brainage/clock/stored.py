"""Values of a clock file, read one by one: each says what it must be, or the file is no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from brainage.errors import ClockFileError

#: No weight, age or distance of a true clock is larger: beyond, scores are no ages.
MOST = 1e12
#: As the tables of people have it.
MAX_AGE_YEARS = 120.0


def record(value: Any, where: str, names: Iterable[str], *, optional: Iterable[str] = ()) -> dict:
    """Return a JSON object that has just these keys.

    Raises
    ------
    ClockFileError
        Another kind of value, a key too many or too few.
    """
    names, optional = set(names), set(optional)
    if not isinstance(value, dict) or not names <= set(value) <= names | optional:
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise ClockFileError(f"{where}: expected the keys {sorted(names)}, found {found!r:.300}")
    return value


def number(value: Any, where: str, *, low: float = -MOST, high: float = MOST) -> float:
    """Return a JSON number within bounds; text and yes/no are none.

    Examples
    --------
    >>> number(3, "age", low=0)
    3.0
    """
    if type(value) not in (int, float) or not low <= value <= high:
        raise ClockFileError(
            f"{where}: expected a number from {low:g} to {high:g}, found {value!r:.80}"
        )
    return float(value)


def whole(value: Any, where: str, *, low: int = 0, high: int = 2**31) -> int:
    """Return a JSON integer within bounds."""
    if type(value) is not int or not low <= value <= high:
        raise ClockFileError(
            f"{where}: expected a whole number from {low} to {high}, found {value!r:.80}"
        )
    return value


def text(value: Any, where: str, *, among: Iterable[str] | None = None) -> str:
    """Return text, one of `among` where that is given."""
    known = None if among is None else tuple(among)
    if not isinstance(value, str) or (known is not None and value not in known):
        expected = "text" if known is None else f"one of {known}"
        raise ClockFileError(f"{where}: expected {expected}, found {value!r:.80}")
    return value


def texts(value: Any, where: str) -> list[str]:
    """Return a list of different texts."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ClockFileError(f"{where}: expected a list of texts, found {value!r:.80}")
    if len(set(value)) < len(value):
        raise ClockFileError(f"{where}: expected each name once, found {value!r:.200}")
    return value


def flag(value: Any, where: str) -> bool:
    """Return a JSON true or false."""
    if not isinstance(value, bool):
        raise ClockFileError(f"{where}: expected true or false, found {value!r:.80}")
    return value


def array(
    arrays: Mapping[str, np.ndarray],
    name: str,
    shape: tuple[int | None, ...],
    *,
    low: float = -MOST,
    high: float = MOST,
    kind: str = "f",
) -> np.ndarray:
    """Return an array of a shape (None: any size), kind of number and bounds, both included.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of a clock file, whose reader has refused values that are not finite.
    name : str
        Which.
    shape : tuple of (int or None)
        Of each dimension.
    low, high : float
        Bounds of every value.
    kind : {"f", "i"}, default="f"
        Floating point or integers.

    Raises
    ------
    ClockFileError
        Absent, or other than that.
    """
    if name not in arrays:
        raise ClockFileError(f"array '{name}': expected, but not in the file")
    values = arrays[name]
    fits = len(values.shape) == len(shape) and all(
        size is None or size == have for size, have in zip(shape, values.shape, strict=True)
    )
    if not fits or values.dtype.kind != kind:
        wanted = tuple("any" if size is None else size for size in shape)
        raise ClockFileError(
            f"array '{name}': expected shape {wanted} of kind '{kind}', found {values.shape} of "
            f"{values.dtype}"
        )
    if values.size and not (low <= values.min() and values.max() <= high):
        raise ClockFileError(
            f"array '{name}': expected values from {low:g} to {high:g}, found "
            f"{values.min():g} to {values.max():g}"
        )
    return values


def ascending(values: np.ndarray, where: str, *, strictly: bool = False) -> np.ndarray:
    """Return values that are sorted; `strictly`: no two equal."""
    steps = np.diff(values)
    if len(steps) and (steps.min() < 0 or (strictly and steps.min() <= 0)):
        raise ClockFileError(f"{where}: expected ascending values, found some that are not")
    return values


def only(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names that nothing reads."""
    extra = sorted(set(names) - set(known))
    if extra:
        raise ClockFileError(f"{where}: expected nothing else, found {extra!r:.300}")


def optional_number(value: Any, where: str) -> float:
    """Return a JSON number, or NaN for null."""
    return math.nan if value is None else number(value, where)


#: Smallest value of what must be above 0.
ABOVE_ZERO = float(np.nextafter(0.0, 1.0))
