"""Phrases that messages of every room share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the one of `known` that was probably meant by `name`; None: none is near.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What there is.
    cutoff : float, default=0.6
        Least similarity, 0 to 1, as `difflib.get_close_matches` has it.
    """
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=cutoff)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return " Did you mean 'X'?" to put behind a message, or "" where nothing is near."""
    near = nearest(name, known, cutoff=cutoff)
    return "" if near is None else f" Did you mean '{near}'?"


def listed(names: Iterable[object], *, most: int = 5) -> str:
    """Return "a, b, c and 4 more": the first `most` names and how many were left off."""
    words = [str(name) for name in names]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
