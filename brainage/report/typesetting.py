"""Where lines may end: what of a text stays together, and how a table is set on paper."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: A cell of fewer letters stands on one line.
SHORT = 14
_NO_BREAK = "\N{NO-BREAK SPACE}"
#: Between a p-value and its sign, a number and its unit, the ends of an interval.
_TOGETHER = (
    re.compile(r"(?<=\bp) (?=[<=])"),
    re.compile(r"(?<=[<=]) (?=[-+.\d])"),
    re.compile(r"(?<=\d) (?=(?:%|years?|mm|Hz|s|min)(?!\w))"),
    re.compile(r"(?<=\d) (?=to [-+.\d])"),
    re.compile(r"(?<=\d.to) (?=[-+.\d])"),
)
#: How a table is set on paper, and how many letters a line of it then holds (a column's margins
#: counted as letters): points of type on an A4 or letter page upright, or on its side.
_LETTERS = {
    "fits-7": 134,
    "fits-6": 156,
    "side side-7": 196,
    "side side-6": 229,
    "side side-5": 275,
}
_MARGIN = 1.6
#: A column of sentences is no column of single words.
_SENTENCE = 24


def unbroken(text: str) -> str:
    """Return text in which no line ends between a number and its unit, sign or other end.

    Parameters
    ----------
    text : str
        A sentence, a caption, a cell.

    Examples
    --------
    >>> unbroken("2.1 years (p < .001) in 3 scans").replace("\\N{NO-BREAK SPACE}", "~")
    '2.1~years (p~<~.001) in 3 scans'
    """
    for place in _TOGETHER:
        text = place.sub(_NO_BREAK, text)
    return text


def setting_on_paper(table: Mapping) -> str:
    """Return how a table is set on paper: in the largest letters in which no word of it breaks.

    Parameters
    ----------
    table : mapping
        As a summary holds it: columns, rows, numeric, code.

    Returns
    -------
    classes : str
        Of the style sheet: points of type, and ``side`` where the page is on its side.
        ``side fits-not``: in no size; it is broken rather than cut.

    Examples
    --------
    >>> table = {"columns": ["arm", "n"], "rows": [["HRT", "5"]], "numeric": [False, True]}
    >>> setting_on_paper(table)
    'fits-7'
    """
    code = table.get("code") or [False] * len(table["columns"])
    need = 0.0
    for i, column in enumerate(table["columns"]):
        # A header breaks between words; a number and a short cell do not; code breaks anywhere.
        longest = max(map(len, column.split()), default=1)
        for row in table["rows"] if not code[i] else ():
            words = max(map(len, row[i].split()), default=0)
            whole = table["numeric"][i] or len(row[i]) < SHORT
            longest = max(
                longest, len(row[i]) if whole else max(words, min(_SENTENCE, len(row[i])))
            )
        need += longest + _MARGIN
    return next((how for how, letters in _LETTERS.items() if need <= letters), "side fits-not")
