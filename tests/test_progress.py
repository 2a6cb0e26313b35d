"""Whoever asks for nothing is told nothing."""

from __future__ import annotations

from brainage.progress import silent, tell_nobody


def test_the_defaults_take_what_is_told_and_say_nothing(capsys):
    silent(1, 2, "scans")
    tell_nobody("a sentence")
    assert capsys.readouterr() == ("", "")
