"""Parts of scans: which volumes they keep, and that each is a scan of its own."""

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import Cut, build_features, build_part_features, take_volumes
from brainage.connectivity.parts import BURST_VOLUMES, cut_cleaned

from .toy import make_series

PEOPLE = pd.DataFrame(
    {"participant_id": [f"{i:02d}" for i in range(4)], "session_id": "n/a", "age_years": 40.0}
)
THIRD, BURSTS = Cut("c", "contiguous", 1 / 3), Cut("s", "scattered", 1 / 3)


def test_contiguous_parts_are_the_beginning_of_the_scan():
    assert THIRD.rows(60, "a").tolist() == list(range(20))


@pytest.mark.parametrize("share", [1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4])
@pytest.mark.parametrize("n_volumes", [61, 200, 234])
def test_scattered_parts_lose_bursts_and_keep_the_share(share, n_volumes):
    kept = Cut("s", "scattered", share).rows(n_volumes, "01_n/a_rest_1")
    assert len(kept) == round(share * n_volumes)
    lost = np.setdiff1d(np.arange(n_volumes), kept)
    of_burst = np.bincount(lost // BURST_VOLUMES)
    # Whole bursts, but for the last one drawn and the one that the scan's end cuts.
    assert np.sum((of_burst > 0) & (of_burst < BURST_VOLUMES)) <= 2


def test_bursts_fall_on_the_same_volumes_each_time_and_elsewhere_in_another_scan():
    np.testing.assert_array_equal(BURSTS.rows(200, "a"), BURSTS.rows(200, "a"))
    assert BURSTS.rows(200, "a").tolist() != BURSTS.rows(200, "b").tolist()


def test_parts_are_features_of_the_cut_series_at_the_rows_asked_for():
    series = [make_series(i) for i in (2, 0, 1)]
    whole = build_features(series, PEOPLE, kinds=("fisher_z", "lagged"))
    found = build_part_features(
        series, PEOPLE, whole, views=("fisher_z", "lagged"), cuts=(THIRD, BURSTS), scans=[2, 0]
    )
    for number, cut in enumerate((THIRD, BURSTS)):
        own = [cut_cleaned(series[i], (THIRD, BURSTS))[number] for i in (2, 0)]
        expected = build_features(own, PEOPLE, kinds=("fisher_z", "lagged"))
        for kind in ("fisher_z", "lagged"):
            np.testing.assert_array_equal(found.parts[cut.name][kind], expected[kind].values)
    assert found.usable("c").all()


def test_a_part_that_is_too_short_is_named_and_the_others_stay():
    series = [make_series(0), make_series(1, n_volumes=24)]
    whole = build_features(series, PEOPLE)
    cuts = (THIRD, Cut("most", "contiguous", 3 / 4))
    found = build_part_features(series, PEOPLE, whole, views=("fisher_z",), cuts=cuts)
    assert found.usable("c").tolist() == [True, False]
    assert found.usable("most").all()
    assert found.reasons[["participant_id", "part"]].to_numpy().tolist() == [["01", "c"]]


def test_a_part_of_standardised_series_is_standardised_again_and_another_is_not():
    scan = make_series(0)
    unit = (scan.values - scan.values.mean(axis=0)) / scan.values.std(axis=0, ddof=1)
    part = take_volumes(make_series(0, values=unit), np.arange(20))
    np.testing.assert_allclose(part.values.std(axis=0, ddof=1), 1, rtol=1e-12)
    raw = take_volumes(scan, np.arange(20))
    np.testing.assert_array_equal(raw.values, scan.values[:20])
