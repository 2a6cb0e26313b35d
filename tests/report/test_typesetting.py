"""What stays on one line, and tables on paper without a broken word."""

from __future__ import annotations

import pytest

from brainage.report.typesetting import setting_on_paper, unbroken


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("by 9.89 years", "by 9.89~years"),
        ("(95 % interval -13.49 to -6.29; p < .001)", "(95~% interval -13.49~to~-6.29; p~<~.001)"),
        ("p = .03 in 12 scans", "p~=~.03 in 12 scans"),
        ("0.5 mm above 3 sessions", "0.5~mm above 3 sessions"),
        ("up to 5 people", "up to 5 people"),
    ],
)
def test_a_number_keeps_its_unit_its_sign_and_its_other_end(text, joined):
    assert unbroken(text).replace("\N{NO-BREAK SPACE}", "~") == joined


def _table(*cells: str) -> dict:
    return {"columns": ["a"] * len(cells), "rows": [cells], "numeric": [False] * len(cells)}


def test_a_table_is_set_as_large_as_its_words_allow():
    word = "prespecified"
    settings = [setting_on_paper(_table(*[word] * n)) for n in (5, 10, 14, 16, 20, 40)]
    assert settings[0] == "fits-7"
    assert settings[-1] == "side fits-not"
    assert len(set(settings)) == len(settings)


def test_a_sentence_asks_for_less_than_its_length_and_code_for_nothing():
    assert setting_on_paper(_table("many words " * 60)) == "fits-7"
    assert setting_on_paper(_table("x" * 400) | {"code": [True]}) == "fits-7"
    assert setting_on_paper(_table("x" * 400)) == "side fits-not"
