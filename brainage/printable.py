"""Text from elsewhere (ids, labels, file names, reasons), made safe to show.

A table's cell may hold anything: escape sequences that move a terminal's cursor, line breaks that
forge a line of a log, marks that turn the reading direction round, halves of characters that no
file can hold. Here they become visible escapes; everything a person can read stays as it is.
"""

from __future__ import annotations

import re

#: Control characters, line and paragraph separators, marks of direction, halves of characters.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


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
