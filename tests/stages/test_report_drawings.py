"""What only imaging can draw for the page: which rows are drawn, and where."""

from __future__ import annotations

import pandas as pd

from brainage.stages.report_drawings import local_connectivity


def test_local_connectivity_of_the_primary_contrast_is_drawn_as_brain_and_as_matrix():
    rows = [
        ("parcel", "p1", "HRT", "2 years", 0.1, 10.0, 20.0, 30.0),
        ("parcel", "p2", "HRT", "2 years", -0.2, -10.0, 20.0, 30.0),
        ("parcel", "p3", "MIT", "2 years", 9.0, 0.0, 0.0, 0.0),
        ("network", "A - B", "HRT", "2 years", 0.3, None, None, None),
        ("network", "A - A", "HRT", "2 years", 0.4, None, None, None),
    ]
    names = ["level", "region", "arm", "visit", "difference_in_view_units", "x_mm", "y_mm", "z_mm"]
    primary = pd.Series({"arm": "HRT", "versus": "CON", "visit": "2 years"})
    drawn = local_connectivity(pd.DataFrame(rows, columns=names), primary)
    assert set(drawn) == {"local_brain", "local_matrix"}
    figure, caption = drawn["local_matrix"]
    assert "HRT minus CON, 2 years" in caption
    assert figure.axes[0].images[0].get_array().shape == (2, 2)
    assert local_connectivity(None, primary) == {}
