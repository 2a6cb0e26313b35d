"""The types that leave imaging and enter connectivity."""

from __future__ import annotations

import numpy as np

from brainage.series import ParcelSeries, ScanQuality


def test_a_parcel_is_missing_where_no_volume_has_it():
    values = np.array([[1.0, np.nan, np.nan], [2.0, np.nan, 3.0]])
    quality = ScanQuality(None, 2, 2, None, None)
    series = ParcelSeries(
        "1",
        "n/a",
        "n/a",
        "rest",
        values,
        ("a", "b", "c"),
        (None,) * 3,
        np.arange(2),
        None,
        "x",
        "c",
        quality,
    )
    assert series.missing.tolist() == [False, True, False]
    assert series.n_parcels == 3
