"""Tables are whole at every width."""

from __future__ import annotations

import pytest

from brainage.cli.text_table import TextColumn, table_lines

COLUMNS = [
    TextColumn("arm", ("CON", "HRT")),
    TextColumn("visit", ("average over visits", "2 years")),
    TextColumn("years", ("-0.40", "+12.31"), numeric=True),
    TextColumn("95 % interval", ("-1.20 to +0.40", "n/a"), numeric=True),
    TextColumn("plan", ("primary, prespecified", "post hoc")),
]


@pytest.mark.parametrize("width", [20, 40, 52, 60, 80, 200])
def test_every_cell_stands_whole_within_the_width(width):
    lines = table_lines(COLUMNS, width=width)
    assert max(map(len, lines)) <= max(width, 40)
    words = " ".join(lines).split()
    for column in COLUMNS:
        for cell in column.cells:
            assert all(word in words for word in cell.split()), (width, cell)


def test_numbers_end_at_one_place_and_words_begin_at_one():
    heading, rule, first, second = table_lines(COLUMNS, width=100)
    assert first.index("-0.40") + 5 == second.index("+12.31") + 6 == heading.index("years") + 5
    assert first.index("average") == second.index("2 years") == heading.index("visit")
    assert set(rule) == {"─", " "}


def test_a_narrow_table_wraps_words_and_a_narrower_one_stands_in_blocks():
    wrapped = table_lines(COLUMNS, width=62)
    assert any("average over" in line and "visits" not in line for line in wrapped)
    stacked = table_lines(COLUMNS, width=40)
    assert stacked[0].split() == ["arm", "CON"]
    assert stacked[len(COLUMNS)] == ""


def test_headings_break_at_blanks_only():
    lines = table_lines([TextColumn("mean framewise displacement", ("0.2",), True)], width=20)
    assert [line.strip() for line in lines[:2]] == ["mean framewise", "displacement"]


def test_wide_characters_take_their_two_cells():
    lines = table_lines([TextColumn("arm", ("年年", "ab")), TextColumn("n", ("1", "2"))], width=40)
    assert lines[2] == "年年  1"
    assert lines[3] == "ab    2"
