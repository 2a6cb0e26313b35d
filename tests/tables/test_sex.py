"""BIDS' words for one sex."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.tables import sex_levels


def test_synonyms_are_one_level_and_codes_stay():
    cells = pd.Series(
        ["FEMALE", " f", "Male", "other", "2", 2, None, np.nan, "NA"], index=range(9, 0, -1)
    )
    found = sex_levels(cells)
    assert found.tolist() == ["F", "F", "M", "O", "2", 2, None, None, None]
    assert found.index.equals(cells.index)
