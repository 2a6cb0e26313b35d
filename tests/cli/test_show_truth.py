"""What a synthetic study planted is shown in sentences and one table."""

from __future__ import annotations

import pandas as pd

from brainage.cli.show_truth import show_synthetic, show_truth
from brainage.stages.synthesize import Made


class Told:
    """Collects what is shown."""

    def __init__(self):
        self.lines, self.tables = [], []

    def line(self, text):
        self.lines.append(text)

    def table(self, frame, *, title):
        self.tables.append((title, len(frame)))


def test_what_was_planted_is_told_line_by_line(tmp_path):
    told = Told()
    show_synthetic(told, Made(("seed 3", "three arms"), tmp_path))
    assert told.lines == ["seed 3", "three arms"]


def test_the_truth_is_one_table():
    told = Told()
    show_truth(told, pd.DataFrame({"arm": ["CON", "HRT"]}))
    assert told.tables == [("planted effect and its clock-scale truth", 2)]
