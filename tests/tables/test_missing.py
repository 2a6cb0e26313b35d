"""One list of words for a missing value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.tables import is_missing, missing_cells


def test_words_none_and_nan_are_missing_and_values_are_not():
    for cell in ("", " ", "n/a", "NA", "NaN", "null", "None", "#N/A", ".", None, np.nan, pd.NaT):
        assert is_missing(cell)
    for cell in ("0", "no", 0, False, "Nan Smith", [1]):
        assert not is_missing(cell)


def test_missing_cells_keep_the_index():
    found = missing_cells(pd.Series(["NA", "x"], index=[7, 3]))
    assert found.to_dict() == {7: True, 3: False}
