"""Series of all scans in one array: which side has the parcels is known or asked for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import SeriesError
from brainage.series import find_series, read_series

REAL = Path(os.environ.get("BRAINAGE_REAL_DATA", "../shared/data"))
VALUES = np.random.default_rng(0).normal(size=(3, 4, 12))
IDS = {"ids": ["sub-1", "1", "2"], "session": ["ses-a", "b", "a"]}


def test_an_array_with_parcels_in_rows_gives_each_scan_its_series(tmp_path):
    np.savez(tmp_path / "t.npz", values=VALUES, **IDS)
    files = find_series(tmp_path / "t.npz", parcels_in="rows", atlas="x")
    assert [(f.participant_id, f.session_id) for f in files] == [("1", "a"), ("1", "b"), ("2", "a")]
    for file, expected in zip(files, VALUES, strict=True):
        series = read_series(file)
        np.testing.assert_array_equal(series.values, expected.T)
        assert (series.atlas, series.n_parcels, series.t_r_s) == ("x", 4, None)


def test_an_array_that_does_not_say_where_its_parcels_are_is_asked(tmp_path):
    np.savez(tmp_path / "t.npz", values=VALUES, **IDS)
    with pytest.raises(SeriesError, match="3 x 4 x 12: .*State it: paths.<cohort>.parcels_in"):
        read_series(find_series(tmp_path / "t.npz")[0])


@pytest.mark.parametrize("turned", [False, True])
def test_names_of_parcels_leave_no_doubt(tmp_path, turned):
    values = VALUES.transpose(0, 2, 1) if turned else VALUES
    np.savez(tmp_path / "t.npz", values=values, parcels=list("ABCD"), **IDS)
    series = read_series(find_series(tmp_path / "t.npz")[0])
    assert series.parcel_names == tuple("ABCD")
    np.testing.assert_array_equal(series.values, VALUES[0].T)


def test_missing_parcels_and_censored_volumes_of_an_array_are_told_apart(tmp_path):
    values = VALUES.copy()
    values[0, 2] = np.nan
    values[0, :, 5] = np.nan
    values[1, 1, 3] = np.nan
    np.savez(tmp_path / "t.npz", values=values, **IDS)
    files = find_series(tmp_path / "t.npz", parcels_in="rows")
    series = read_series(files[0])
    assert series.missing.tolist() == [False, False, True, False]
    assert series.kept_volumes.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    with pytest.raises(SeriesError, match=r"scan 2 \(participant 1\).*no value of 1 parcel"):
        read_series(files[1])


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "stages_trial").is_dir(), reason="no BRAINAGE_REAL_DATA")
def test_the_stages_trial_opens_as_92_scans_of_419_parcels():
    files = find_series(REAL / "stages_trial" / "timeseries.npz", parcels_in="rows")
    assert len(files) == 92
    assert read_series(files[0]).values.shape == (234, 419)
