"""Motion and minutes are drawn at their medians, arm beside arm."""

from __future__ import annotations

import pandas as pd
import pytest

import brainage as ba


def test_medians_stand_at_their_visits_with_the_quartiles_around_them():
    quality = pd.DataFrame(
        {
            "arm": ["CON", "CON", "HRT", "HRT"],
            "visit": ["baseline", "1 year"] * 2,
            "fd_mm_median": [0.1, 0.2, 0.3, 0.4],
            "fd_mm_low": [0.05, 0.15, 0.2, 0.3],
            "fd_mm_high": [0.2, 0.3, 0.5, 0.8],
        }
    )
    axes = ba.plot_quality(quality, what="fd_mm")
    points = [c.lines[0] for c in axes.containers]
    assert [line.get_ydata().tolist() for line in points] == [[0.1, 0.2], [0.3, 0.4]]
    # Side by side around the visit's place.
    middle = (points[0].get_xdata() + points[1].get_xdata()) / 2
    assert middle == pytest.approx([0, 1])
    ends = axes.containers[1].lines[2][0].get_segments()
    assert [segment[:, 1].tolist() for segment in ends] == [
        pytest.approx([0.2, 0.5]),
        pytest.approx([0.3, 0.8]),
    ]
    assert axes.get_ylabel().startswith("mean framewise displacement (mm)")
