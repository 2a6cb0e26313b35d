"""What only imaging can draw for the page: which rows are drawn, and where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from brainage.config import study_from_mapping
from brainage.report import StudyResults, render_report
from brainage.series import ParcelSeries, ScanQuality, write_series
from brainage.stages.report_drawings import carpets, local_connectivity


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


def test_a_series_that_cannot_be_read_is_named_with_its_reason(tmp_path):
    folder = tmp_path / "out" / "extract" / "trial"
    scan = ParcelSeries(
        participant_id="0",
        session_id="1",
        run="1",
        task="rest",
        values=np.random.default_rng(0).standard_normal((60, 4)),
        parcel_names=tuple("abcd"),
        networks=("x",) * 4,
        kept_volumes=np.arange(60),
        t_r_s=2.0,
        atlas="aal",
        cleaning_fingerprint="0" * 16,
        quality=ScanQuality(0.1, 60, 60, 120.0, np.ones(4)),
        cleaning="none",
    )
    paths = [write_series(replace(scan, participant_id=name), folder) for name in "012"]
    paths[1].write_text("a\tb\tc\td\nnot\ta\tnumber\t1\n")
    paths[2].unlink()
    table = pd.DataFrame(
        {
            "participant_id": list("012"),
            "session_id": "1",
            "run": "1",
            "status": "done",
            "reason": None,
            "series": [path.relative_to(folder).as_posix() for path in paths],
            "retained_s": 120.0,
            "mean_fd_mm": [0.3, 0.2, 0.1],
            "n_kept": 60,
            "n_volumes": 60,
            "n_missing_parcels": 0,
        }
    )
    study = study_from_mapping({"paths": {"output": "out"}}, base=tmp_path)
    drawn, not_drawn = carpets(study, {"trial": table})
    assert set(drawn) == {"carpet_trial_1"}
    broken, gone = not_drawn
    assert paths[1].name in broken
    assert "sub-1" in broken
    assert "number" in broken
    assert paths[2].name in gone
    assert "gone" in gone
    assert not any(str(tmp_path) in line for line in not_drawn)
    results = StudyResults(title="t", scans={"trial": table}, not_drawn=not_drawn)
    page = render_report(results, tmp_path / "report.html", figure_files=()).read_text(
        encoding="utf-8"
    )
    assert paths[1].name in page
    assert "could not be drawn" in page
