"""Our own series files come back as they were, and are found without being opened."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.errors import SeriesError
from brainage.series import ParcelSeries, ScanQuality, find_series, read_series, write_series


def _series(**changes) -> ParcelSeries:
    values = np.random.default_rng(0).normal(size=(6, 3))
    values[:, 1] = np.nan
    fields = {
        "participant_id": "01",
        "session_id": "1y",
        "run": "n/a",
        "task": "rest",
        "values": values,
        "parcel_names": ("a", "b", "c"),
        "networks": ("Vis", None, "Vis"),
        "kept_volumes": np.array([2, 3, 4, 7, 8, 9]),
        "t_r_s": 2.5,
        "atlas": "mine 3",
        "cleaning_fingerprint": "0123",
        "cleaning": "24P",
        "quality": ScanQuality(
            0.12,
            10,
            6,
            15.0,
            np.array([1.0, 0.2, 0.9]),
            missing_reasons={"b": "coverage 0.2, under 0.5"},
        ),
    }
    return ParcelSeries(**(fields | changes))


def test_a_series_comes_back_as_it_was(tmp_path):
    series = _series()
    path = write_series(series, tmp_path)
    assert path.name == "sub-01_ses-1y_task-rest_atlas-mine3_timeseries.tsv"
    back = read_series(path)
    # Eight digits are written.
    np.testing.assert_allclose(back.values, series.values, rtol=1e-7)
    for field in (
        "participant_id",
        "session_id",
        "run",
        "task",
        "parcel_names",
        "networks",
        "t_r_s",
        "atlas",
        "cleaning_fingerprint",
        "cleaning",
    ):
        assert getattr(back, field) == getattr(series, field), field
    assert list(back.kept_volumes) == list(series.kept_volumes)
    assert (back.quality.mean_fd_mm, back.quality.retained_s) == (0.12, 15.0)
    np.testing.assert_allclose(back.quality.coverage, series.quality.coverage)
    assert back.quality.missing_reasons == {"b": "coverage 0.2, under 0.5"}


def test_one_line_of_pandas_opens_a_series(tmp_path):
    path = write_series(_series(), tmp_path)
    frame = pd.read_csv(path, sep="\t")
    assert list(frame) == ["a", "b", "c"]
    assert frame["b"].isna().all()


def test_a_run_in_two_atlases_is_refused_until_one_is_chosen(tmp_path):
    write_series(_series(), tmp_path)
    write_series(_series(atlas="other"), tmp_path)
    with pytest.raises(SeriesError, match="one run in several forms"):
        find_series(tmp_path)
    (file,) = find_series(tmp_path, atlas="other")
    assert (file.participant_id, file.session_id, file.task) == ("01", "1y", "rest")
    with pytest.raises(SeriesError, match="no series of atlas third; there are mine3, other"):
        find_series(tmp_path, atlas="third")


def test_rows_that_the_sidecar_contradicts_are_refused(tmp_path):
    path = write_series(_series(), tmp_path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(SeriesError, match="5 rows, but its sidecar lists 6"):
        read_series(path)


def test_a_broken_sidecar_is_named(tmp_path):
    path = write_series(_series(), tmp_path)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(SeriesError, match="expected JSON"):
        read_series(path)
    path.with_suffix(".json").write_text(json.dumps({"CleaningFingerprint": "x"}))
    with pytest.raises(SeriesError, match="RepetitionTime"):
        read_series(path)
