"""Claims about turning series and people into features."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from nilearn.connectome import ConnectivityMeasure
from sklearn.covariance import LedoitWolf

from brainage.connectivity import FeatureTable, build_features, edge_indices
from brainage.connectivity.covariance import standardize
from brainage.errors import BrainAgeWarning, SeriesError, TableError
from brainage.series import align_parcels, find_series, write_series

from .toy import ALL_KINDS, N_PARCELS, make_people, make_quality, make_series, without_signal

SERIES = [make_series(i) for i in range(10)]
PEOPLE = make_people(range(10))


@pytest.fixture(scope="module")
def features() -> FeatureTable:
    return build_features(SERIES, PEOPLE, kinds=ALL_KINDS)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_one_scan_alone_gives_its_row_in_a_batch(features, kind):
    alone = build_features([SERIES[4]], PEOPLE, kinds=ALL_KINDS)
    # float32 rounds what matrix products of other shapes or threads differ in.
    ours, theirs = alone[kind].values[0], features[kind].values[4]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_workers_and_folder_change_nothing(features, tmp_path):
    spread = build_features(SERIES, PEOPLE, kinds=ALL_KINDS, n_jobs=2, folder=tmp_path)
    for kind in ALL_KINDS:
        np.testing.assert_allclose(spread[kind].values, features[kind].values, rtol=1e-6, atol=1e-7)
        assert spread[kind].spec == features[kind].spec
        assert isinstance(spread[kind].values, np.memmap)
    pd.testing.assert_frame_equal(spread.rows, features.rows)


@pytest.mark.parametrize(
    ("kind", "theirs"), [("pearson", "correlation"), ("partial", "partial correlation")]
)
def test_views_equal_nilearns_connectivity_measure(features, kind, theirs):
    # Runs are standardised before the covariance is shrunk, in nilearn by standardize.
    signals = [(s.values - s.values.mean(0)) / s.values.std(0) for s in SERIES]
    estimator = LedoitWolf() if kind == "partial" else None
    arguments = {} if estimator is None else {"cov_estimator": estimator}
    if kind == "pearson":
        expected = np.array([np.corrcoef(s.T) for s in signals])
    else:
        measure = ConnectivityMeasure(kind=theirs, standardize=False, **arguments)
        expected = measure.fit_transform(signals)
    rows, columns = edge_indices(features[kind].spec)
    np.testing.assert_allclose(features[kind].values, expected[:, rows, columns], atol=2e-7)


def test_no_column_of_people_but_the_named_ones_is_read(features):
    other = PEOPLE.assign(arm="CON", mmse=3)
    again = build_features(SERIES, other, kinds=("fisher_z",))
    pd.testing.assert_frame_equal(again.rows, features.rows)
    assert "arm" not in features.rows


def test_sessions_not_used_are_rows_with_their_reason():
    series = [
        replace(SERIES[0], quality=make_quality(exclusion="mean FD 0.9 mm above 0.5 mm")),
        make_series(1, n_volumes=6),
        make_series(77),
        *SERIES[2:4],
    ]
    people = make_people(range(4))
    people.loc[people["participant_id"] == "03", "age_years"] = np.nan
    table = build_features(series, people)
    assert table.rows["participant_id"].tolist() == ["02"]
    reasons = table.excluded.set_index("participant_id")["reason"]
    assert reasons["00"] == "mean FD 0.9 mm above 0.5 mm"
    assert "expected at least 10 kept volumes, found 6" in reasons["01"]
    assert "no row for this participant" in reasons["77"]
    assert "no age" in reasons["03"]


def test_a_person_row_stands_for_sessions_without_their_own():
    series = [replace(SERIES[0], session_id=label) for label in ("bl", "1y")]
    people = pd.concat([make_people([0]), make_people([0]).assign(session_id="1y", age_years=21.5)])
    table = build_features(series, people)
    assert table.rows["age_years"].tolist() == [20.0, 21.5]
    only = build_features(series, people[people["session_id"] == "1y"])
    assert "no row for session 'bl'" in only.excluded["reason"].iloc[0]


def test_joined_runs_are_each_standardised_first():
    first, second = SERIES[0], make_series(5)
    shifted = 50.0 * second.values - 1e4
    runs = [replace(first, run="1"), replace(second, participant_id="00", run="2", values=shifted)]
    plain = [runs[0], replace(runs[1], values=second.values)]
    kinds = tuple(kind for kind in ALL_KINDS if kind != "covariance")
    found = build_features(runs, PEOPLE, kinds=kinds)
    expected = build_features(plain, PEOPLE, kinds=kinds)
    for kind in kinds:
        np.testing.assert_allclose(found[kind].values, expected[kind].values, atol=2e-5)
    assert found.rows["retained_s"].tolist() == [240.0]


def test_a_missing_parcel_is_nan_in_its_edges_only_and_other_edges_are_as_without_it():
    series = replace(SERIES[3], values=without_signal(SERIES[3], 2, 5.0))
    found = build_features([series], PEOPLE, kinds=ALL_KINDS)
    keep = [i for i in range(N_PARCELS) if i != 2]
    others = [f"P{i}" for i in keep]
    expected = build_features([SERIES[3]], PEOPLE, kinds=ALL_KINDS, parcels=others)
    for kind in ALL_KINDS:
        rows, columns = edge_indices(found[kind].spec)
        touched = (rows == 2) | (columns == 2)
        np.testing.assert_array_equal(np.isnan(found[kind].values[0]), touched)
        np.testing.assert_allclose(
            found[kind].values[0][~touched], expected[kind].values[0], rtol=1e-6, atol=1e-7
        )


def test_presence_rule_drops_rare_parcels_then_incomplete_scans():
    series = list(SERIES)
    for i in (0, 1, 2):
        series[i] = replace(series[i], values=without_signal(series[i], 7, np.nan))
    series[4] = replace(series[4], values=without_signal(series[4], 1, 0.0))
    table = build_features(series, PEOPLE, parcel_presence=0.85, incomplete_scans="exclude")
    assert table.dropped_parcels == ("P7",)
    assert table.excluded["participant_id"].tolist() == ["04"]
    assert "no signal in 1 parcel(s): P1" in table.excluded["reason"].iloc[0]
    assert len(table) == 9
    imputed = build_features(series, PEOPLE, parcel_presence=0.85)
    assert len(imputed) == 10
    assert np.isnan(imputed["fisher_z"].values[4]).sum() == N_PARCELS - 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cleaning_fingerprint": "other"}, "cleaning fingerprint: clean and other"),
        ({"atlas": "aal"}, "atlas: toy and aal"),
        ({"parcel_names": ("Q0", *SERIES[0].parcel_names[1:])}, "lacking P0; unexpected Q0"),
        ({"networks": ("B", *SERIES[0].networks[1:])}, "assigned to other networks"),
    ],
)
def test_series_of_another_making_are_refused_and_the_difference_named(change, words):
    with pytest.raises(SeriesError, match=words):
        build_features([SERIES[0], replace(SERIES[1], **change)], PEOPLE)


def test_parcels_in_another_order_are_matched_by_name_and_said_to_be(features):
    order = (3, 0, 8, 1, 2, 7, 4, 6, 5)
    turned = [align_parcels(s, tuple(f"P{i}" for i in order)) for s in SERIES[1::2]]
    mixed = [s for pair in zip(SERIES[::2], turned, strict=True) for s in pair]
    with pytest.warns(BrainAgeWarning, match="5 series list their 9 parcels in another order"):
        table = build_features(mixed, PEOPLE, kinds=("fisher_z",))
    assert table["fisher_z"].spec == features["fisher_z"].spec
    np.testing.assert_array_equal(table["fisher_z"].values, features["fisher_z"].values)


def test_two_runs_of_a_session_in_two_orders_are_joined_by_name():
    runs = [replace(make_series(i), participant_id="00", run=str(i)) for i in range(2)]
    expected = build_features(runs, PEOPLE)
    turned = align_parcels(runs[1], runs[1].parcel_names[::-1])
    with pytest.warns(BrainAgeWarning, match="1 series list"):
        table = build_features([runs[0], turned], PEOPLE)
    np.testing.assert_allclose(
        table["fisher_z"].values, expected["fisher_z"].values, rtol=1e-6, atol=1e-7
    )


def test_a_clock_s_parcels_are_taken_by_name_and_an_absent_one_is_refused(features):
    parcels = ("P5", "P1", "P3")
    table = build_features(SERIES, PEOPLE, kinds=("pearson",), parcels=parcels)
    assert table["pearson"].spec.parcel_names == parcels
    whole = features["pearson"]
    rows, columns = edge_indices(whole.spec)
    edge = np.flatnonzero((rows == 1) & (columns == 5))[0]
    np.testing.assert_allclose(table["pearson"].values[:, 0], whole.values[:, edge], rtol=1e-6)
    with pytest.raises(SeriesError, match="lacking Z9"):
        build_features(SERIES, PEOPLE, parcels=("P1", "Z9"))


def test_the_same_run_twice_and_two_rows_for_a_person_are_refused():
    with pytest.raises(SeriesError, match="expected one series, found two"):
        build_features([SERIES[0], SERIES[0]], PEOPLE)
    with pytest.raises(TableError, match="two or more for participant '00'"):
        build_features(SERIES, pd.concat([PEOPLE, PEOPLE.iloc[:1]]))
    with pytest.raises(SeriesError, match="none of 1 sessions can be used"):
        build_features([make_series(99)], PEOPLE)


def test_unshrunk_inverse_needs_more_volumes_than_parcels():
    table = build_features(
        [make_series(1, n_volumes=11), make_series(2)],
        PEOPLE,
        kinds=("partial",),
        shrinkage="none",
    )
    assert table.rows["participant_id"].tolist() == ["01", "02"]
    short = [make_series(1, n_volumes=11), make_series(2)]
    short[0] = replace(short[0], values=short[0].values[:9], kept_volumes=np.arange(9))
    few = build_features([*short], PEOPLE, kinds=("partial",), shrinkage="none")
    assert few.excluded["participant_id"].tolist() == ["01"]


def test_series_files_give_the_features_of_the_series(features, tmp_path):
    for one in SERIES:
        write_series(one, tmp_path)
    read = build_features(find_series(tmp_path), PEOPLE, kinds=("fisher_z",))
    np.testing.assert_allclose(read["fisher_z"].values, features["fisher_z"].values, atol=1e-6)


def test_standardised_series_are_said_to_hold_no_amplitude():
    flat = [replace(run, values=standardize(run.values)) for run in SERIES[:4]]
    kinds = ("amplitude", "fisher_z")
    with pytest.warns(BrainAgeWarning, match="4 of 4 sessions hold no amplitude.*no weight"):
        table = build_features(flat, PEOPLE, kinds=kinds)
    np.testing.assert_array_equal(table["amplitude"].values, 0.0)
    with pytest.warns(BrainAgeWarning, match="1 of 4 sessions hold no amplitude.*for age"):
        build_features([*SERIES[:3], flat[3]], PEOPLE, kinds=kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("error", BrainAgeWarning)
        build_features(SERIES[:4], PEOPLE, kinds=kinds)
        build_features(flat, PEOPLE, kinds=("fisher_z",))


def test_lagged_pairs_of_several_repetition_times_are_told():
    runs = [replace(run, t_r_s=t_r_s) for run, t_r_s in zip(SERIES, (2.0, 0.8, None), strict=False)]
    with pytest.warns(BrainAgeWarning, match="one volume later is 0.8 s .* and 2 s in others"):
        build_features(runs, PEOPLE, kinds=("lagged",))
    with warnings.catch_warnings():
        warnings.simplefilter("error", BrainAgeWarning)
        build_features(runs, PEOPLE, kinds=("fisher_z",))
        build_features(runs[1:], PEOPLE, kinds=("lagged",))
