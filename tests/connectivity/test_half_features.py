"""Halves of scans go with their scans; one that lacks a half is not usable."""

import numpy as np
import pandas as pd

from brainage.connectivity import HalfFeatures

FIRST = {"a": np.arange(6.0).reshape(3, 2), "b": np.ones((3, 1))}
REASONS = pd.DataFrame({"participant_id": ["02"]})


def test_scan_is_usable_where_every_view_of_both_halves_is_there():
    second = {"a": FIRST["a"] + 1, "b": np.array([[1.0], [np.nan], [1.0]])}
    first = {**FIRST, "a": np.where(np.arange(3)[:, None] == 2, [np.nan, 3.0], FIRST["a"])}
    # One edge alone is missing in the third: a parcel without a signal, and not a half.
    assert HalfFeatures(first, second, REASONS).usable.tolist() == [True, False, True]


def test_chosen_scans_keep_their_halves_in_the_order_given():
    halves = HalfFeatures(FIRST, {name: -view for name, view in FIRST.items()}, REASONS, "cut")
    found = halves.select(np.array([2, 0]))
    np.testing.assert_array_equal(found.first["a"], [[4, 5], [0, 1]])
    np.testing.assert_array_equal(found.second["a"], [[-4, -5], [0, -1]])
    assert (found.cut, found.reasons is REASONS) == ("cut", True)
