"""Records show shapes and ends, in lines that fit a screen, and escaped in notebooks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.options import Options
from brainage.showing import LINE, MOST_LINES, WIDTH, Shown, as_lines, as_table, in_brief


@dataclass(frozen=True, repr=False)
class Measured(Shown):
    values: np.ndarray
    table: pd.DataFrame
    names: tuple[str, ...]
    inner: object = None
    _hidden: int = 0


def test_an_array_is_its_shape_and_a_table_its_columns():
    table = pd.DataFrame({"age_years": [1.0, 2.0], "sex": "F"})
    shown = repr(Measured(np.zeros((3, 4), np.float32), table, ("a", "b")))
    assert "values: float32 3 x 4" in shown
    assert "table: table, 2 rows: age_years, sex" in shown
    assert "names: a, b" in shown
    assert "_hidden" not in shown


def test_a_long_list_shows_number_ends_and_fits():
    names = tuple(f"parcel{i}" for i in range(400))
    shown = in_brief(names)
    assert shown.startswith("400: parcel0, parcel1")
    assert shown.endswith("..., parcel399")
    assert len(shown) <= WIDTH


def test_a_record_in_a_record_is_one_line():
    inside = Measured(
        np.zeros(2), pd.DataFrame(), (), inner=Measured(np.ones(5), pd.DataFrame(), ())
    )
    shown = repr(inside).splitlines()
    assert [line for line in shown if line.startswith("  inner: Measured(values: float64 5")]
    assert max(map(len, shown)) <= LINE


def test_too_many_lines_are_counted_not_shown():
    shown = as_lines("Many", [(f"key{i}", "x") for i in range(50)]).splitlines()
    assert len(shown) == MOST_LINES + 1
    assert shown[-1] == "  and 19 more"


def test_text_cannot_move_a_cursor_or_run_in_a_notebook():
    hostile = "<script>\x1b[2J"
    assert "\x1b" not in in_brief(hostile)
    assert "<script>" not in as_table([("name", hostile)])


class Choices(Options):
    """Choices of a test.

    Parameters
    ----------
    first, second : tuple of str
        Words.
    """

    first: tuple[str, ...] = ("a",)
    second: tuple[str, ...] = ()


def test_options_show_what_differs_from_the_defaults():
    assert repr(Choices()) == "Choices()"
    assert repr(Choices(second=("b",))) == "Choices(second=('b',))"
    long = repr(Choices(second=tuple("word" * 5 for _ in range(40)))).splitlines()
    assert long[0] == "Choices"
    assert long[1].startswith("  second: 40: wordword")
    assert max(map(len, long)) <= LINE
