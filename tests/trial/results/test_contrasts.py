"""Rows of a table and contrasts are the same thing."""

from __future__ import annotations

import pandas as pd

from brainage.trial import Contrast, as_contrasts
from brainage.trial.results.contrasts import contrast_table


def test_contrast_rows_are_contrast_objects(compared):
    *_, result = compared
    rows = as_contrasts(result.contrasts)
    assert all(isinstance(row, Contrast) for row in rows)
    assert isinstance(rows[0].primary, bool)
    assert isinstance(rows[0].n_model, int)


def test_rows_made_contrasts_and_rows_again_are_the_same_table(compared):
    *_, result = compared
    again = contrast_table(as_contrasts(result.contrasts))
    pd.testing.assert_frame_equal(again, result.contrasts, check_dtype=False, check_exact=True)
