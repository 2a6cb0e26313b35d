"""What cannot be seen is written out; what can be read stays."""

from __future__ import annotations

import pytest

from brainage.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("HRT", "HRT"),
        ("Ångström 年 $x$ <b>", "Ångström 年 $x$ <b>"),
        ("a\x1b]0;T\x07", "a\\x1b]0;T\\x07"),
        ("one\ntwo\tthree\r", "one\\ntwo\\tthree\\r"),
        ("\u202egnp.exe\u2069", "\\u202egnp.exe\\u2069"),
        ("half \udc80", "half \\udc80"),
        ("\x9b31m", "\\x9b31m"),
        (7, "7"),
    ],
)
def test_only_what_cannot_be_seen_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(text).encode("utf-8")


def test_a_message_may_keep_its_lines():
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
