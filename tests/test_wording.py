"""Phrases of messages."""

import pytest

from brainage.wording import did_you_mean, listed, nearest, printable, scan_words


def test_a_near_name_is_offered_and_a_far_one_is_not():
    assert did_you_mean("participnt_id", ["participant_id", "age"]) == (
        " Did you mean 'participant_id'?"
    )
    assert did_you_mean("qqq", ["participant_id"]) == ""
    assert nearest("HRTT", ["CON", "HRT"]) == "HRT"


def test_a_long_list_says_how_many_names_were_left_off():
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg", most=2) == "a, b and 5 more"


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


def test_a_scan_is_named_by_the_entities_that_it_has():
    assert scan_words("R01", "n/a", "n/a") == "sub-R01"
    assert scan_words("R01", "1y") == "sub-R01 ses-1y"
    assert scan_words("R01", "n/a", "2") == "sub-R01 run-2"
