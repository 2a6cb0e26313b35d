"""Numbers as people write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.number_words import cell, interval, p_equals, p_words, plain, signed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2.1e-9, "< .001"),
        (0.00099, "< .001"),
        (0.0244, ".024"),
        (0.31, ".31"),
        (0.9999, "1.00"),
        (float("nan"), "n/a"),
    ],
)
def test_p_values_have_no_exponent_and_no_leading_zero(value, words):
    assert p_words(value) == words


def test_a_p_value_in_a_sentence():
    assert p_equals(1e-7) == "p < .001"
    assert p_equals(0.04) == "p = .040"


def test_what_rounds_to_nothing_has_no_sign_and_no_exponent():
    assert signed(-3.6e-17) == "0.00"
    assert plain(-0.001) == "0.00"
    assert cell(-3.6e-17) == "0.000"
    assert signed(-0.3) == "-0.30"
    assert interval(-2.1, 0.3) == "-2.10 to +0.30"
    assert interval(np.nan, 0.3) == "n/a"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (pd.NA, "n/a"),
        (pd.NaT, "n/a"),
        (None, "n/a"),
        (40_000, "40,000"),
        (np.int64(7), "7"),
        (1234.56, "1,235"),
        (12.345, "12.35"),
        (2.0, "2"),
        (float("inf"), "∞"),
        ({"a": 1, "b": [2.5, None]}, "a: 1; b: 2.500, n/a"),
        ("x\x1b[2J", "x\\x1b[2J"),
    ],
)
def test_a_cell_holds_no_raw_value(value, shown):
    assert cell(value) == shown
