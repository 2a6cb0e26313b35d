"""Blocks of a page are plain values, with headings in words."""

from __future__ import annotations

import json

import pandas as pd

from brainage.report.content import Section, Summary, pairs, table_of


def test_a_table_shows_its_first_rows_and_counts_the_rest():
    table = table_of(pd.DataFrame({"mean_fd_mm": [0.1] * 7}), "Motion", most=5)
    assert len(table.rows) == 5
    assert table.n_left_off == 2
    assert table.numeric == (True,)
    assert table.columns == ("mean FD (mm)",)


def test_a_summary_can_be_written_as_json():
    section = Section("card", "Card", (pairs([("clock", "abc")], "The card"),))
    summary = Summary("A trial", ("No.",), (("p", "0.2"),), (section,), "0.1.0")
    assert '"abc"' in json.dumps(summary.as_json())
