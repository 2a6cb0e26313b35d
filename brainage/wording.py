"""Phrases that messages of every room share, and text from elsewhere made safe to show.

A table's cell may hold anything: escape sequences that move a terminal's cursor, line breaks that
forge a line of a log, marks that turn the reading direction round, halves of characters that no
file can hold. Here they become visible escapes; everything a person can read stays as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: Control characters, line and paragraph separators, marks of direction, halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def scan_words(participant_id: str, session_id: str, run: str | None = None) -> str:
    """Return how a scan is named to people: BIDS entities, without those that it lacks.

    Parameters
    ----------
    participant_id : str
        Without "sub-".
    session_id, run : str
        Without their keys; "n/a" where there is none.
    """
    entities = {"sub": participant_id, "ses": session_id, "run": run}
    return " ".join(
        f"{key}-{value}" for key, value in entities.items() if value not in (None, "n/a")
    )


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


def printable(text: object, *, keep: str = "") -> str:
    r"""Return text whose every character can be seen and written.

    Parameters
    ----------
    text : object
        Shown as ``str`` has it.
    keep : str, default=""
        Characters that stay although they cannot be seen (a message may have lines of its own:
        ``"\n"``).

    Returns
    -------
    shown : str
        With ``\x1b``, ``\n``, ``\u202e`` written out, and encodable as UTF-8.

    Examples
    --------
    >>> printable("HRT\x1b[2J")
    'HRT\\x1b[2J'
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), str(text))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
