"""Halves of scans: each the features of a scan of its own, in the order of the whole scans."""

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import build_features, build_half_features
from brainage.connectivity.halves import halve
from brainage.connectivity.matrices import ParcelMatrix
from brainage.errors import SeriesError

from .toy import make_series

PEOPLE = pd.DataFrame(
    {"participant_id": [f"{i:02d}" for i in range(4)], "session_id": "n/a", "age_years": 40.0}
)
KINDS = ("fisher_z", "log_correlation")


def test_halves_are_features_of_the_cut_series():
    series = [make_series(i) for i in (2, 0, 1)]
    whole = build_features(series, PEOPLE, kinds=KINDS)
    halves = build_half_features(series, PEOPLE, whole, views=KINDS)
    for side, views in enumerate((halves.first, halves.second)):
        expected = build_features([halve(one)[side] for one in series], PEOPLE, kinds=KINDS)
        for kind in KINDS:
            np.testing.assert_array_equal(views[kind], expected[kind].values)
    assert halves.usable.all()


def test_halves_on_disk_are_those_in_memory_of_the_scans_that_were_named(tmp_path):
    series = [*(make_series(i) for i in (2, 0, 1)), make_series(3, n_volumes=18)]
    whole = build_features(series, PEOPLE, kinds=KINDS)
    in_memory = build_half_features(series, PEOPLE, whole, views=KINDS)
    scans = np.array([1, 2, len(whole) - 1])
    on_disk = build_half_features(series, PEOPLE, whole, views=KINDS, scans=scans, folder=tmp_path)
    for kind in KINDS:
        for found, peer in ((on_disk.first, in_memory.first), (on_disk.second, in_memory.second)):
            assert isinstance(found[kind], np.memmap)
            np.testing.assert_array_equal(found[kind], peer[kind][scans])
    np.testing.assert_array_equal(on_disk.usable, in_memory.usable[scans])


def test_volumes_of_the_halves_are_those_of_the_scan():
    scan = make_series(0, n_volumes=61)
    first, second = halve(scan)
    np.testing.assert_array_equal(np.vstack([first.values, second.values]), scan.values)
    assert (len(first.values), len(second.values)) == (30, 31)
    assert first.quality.retained_s + second.quality.retained_s == pytest.approx(
        scan.quality.retained_s
    )


def test_a_scan_too_short_to_halve_is_named():
    series = [make_series(0), make_series(1, n_volumes=18)]
    whole = build_features(series, PEOPLE, kinds=("fisher_z",))
    halves = build_half_features(series, PEOPLE, whole, views=("fisher_z",))
    assert halves.usable.tolist() == [True, False]
    assert halves.reasons["participant_id"].tolist() == ["01"]
    assert "at least 10 kept volumes" in halves.reasons["reason"][0]


def test_matrices_cannot_be_cut():
    series = [make_series(0), make_series(1)]
    whole = build_features(series, PEOPLE, kinds=("fisher_z",))
    matrix = ParcelMatrix.__new__(ParcelMatrix)
    with pytest.raises(SeriesError, match="cannot be cut in time"):
        build_half_features([matrix], PEOPLE, whole, views=("fisher_z",))
