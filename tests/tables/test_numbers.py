"""Numbers, cells meant as numbers, and categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import TableError
from brainage.tables import number_of, numbers_or_categories


def test_only_plain_finite_numbers_are_numbers():
    cells = ["1", "-.5", "1e3", "0.1", "1_000", "0x10", "١", "inf", "nan", "1,5", "", "1e999"]
    assert [number_of(cell) for cell in cells] == [1.0, -0.5, 1000.0, 0.1] + [None] * 8


def test_numbers_are_numbers_and_names_are_categories():
    numbers = numbers_or_categories(pd.Series(["1.5", "NA", "2"]), name="bmi", where="t")
    np.testing.assert_array_equal(numbers, [1.5, np.nan, 2.0])
    names = numbers_or_categories(pd.Series(["low", "n/a", "high"]), name="bmi", where="t")
    assert names.tolist() == ["low", None, "high"]


@pytest.mark.parametrize(
    "cells",
    [
        ["20.5", "21.5", ">40"],
        ["20,5", "21,5", "24,1"],
        ["20.5", "21,5"],
        ["20-25", "25-30"],
        ["20.5", "unknown"],
        ["1.234,5", "2.000,1"],
        ["45 %", "30 %"],
        ["20,5", "NA6,06"],
    ],
)
def test_cells_meant_as_numbers_never_become_one_category_a_person(cells):
    with pytest.raises(TableError, match="column 'bmi': expected numbers or categories"):
        numbers_or_categories(pd.Series(cells), name="bmi", where="t")


def test_dates_and_free_text_never_become_one_category_a_person():
    dates = pd.Series([f"2020-01-{day:02d}" for day in range(1, 9)])
    with pytest.raises(TableError, match="column 'scanned': .* 8 different texts in 8 rows"):
        numbers_or_categories(dates, name="scanned", where="t")
    sites = pd.Series(list("abcdefgh") * 3)
    assert numbers_or_categories(sites, name="site", where="t").tolist() == list("abcdefgh") * 3
