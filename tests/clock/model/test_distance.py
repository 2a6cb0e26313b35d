"""Distance from the reference: honest percentiles, the same for a scan alone and in a batch."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from brainage.clock.model.distance import ReferenceDistance
from brainage.errors import BrainAgeError


def _cohort(n, p=600, *, seed=0):
    """Scans with eight strong common directions and noise, many more features than scans."""
    axes = np.random.default_rng(99).normal(size=(8, p))
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 8)) * np.linspace(3, 0.5, 8) @ axes / 8 + rng.normal(size=(n, p))


@pytest.fixture(scope="module")
def fitted():
    return ReferenceDistance().fit(_cohort(300))


def test_percentiles_of_new_scans_like_the_reference_are_uniform(fitted):
    percentile = fitted.percentile(_cohort(400, seed=7))
    # In-sample distances would put nearly all of these above 95.
    assert np.mean(percentile > 95) == pytest.approx(0.05, abs=0.035)
    assert np.mean(percentile > 50) == pytest.approx(0.5, abs=0.08)


def test_scans_off_the_known_axes_or_far_along_them_are_far(fitted):
    new = _cohort(20, seed=8)
    rng = np.random.default_rng(1)
    noisy = new + rng.normal(0, 1.0, new.shape)
    along = new + 40 * fitted.axes_[0]
    assert fitted.percentile(noisy).min() > 99
    assert fitted.percentile(along).min() > 99


def test_distance_equals_the_documented_formula(fitted):
    X = _cohort(300)
    new = _cohort(5, seed=3)
    centred = X - X.mean(axis=0)
    _, s, vt = np.linalg.svd(centred, full_matrices=False)
    q = len(fitted.variances_)
    assert q == 20
    rho = (np.sum(centred**2) - np.sum(s[:q] ** 2)) / len(X)
    offset = new - X.mean(axis=0)
    scores = offset @ vt[:q].T
    residual = np.sum(offset**2, axis=1) - np.sum(scores**2, axis=1)
    expected = np.sqrt(np.mean(scores**2 / (s[:q] ** 2 / len(X)), axis=1) + residual / rho)
    # float32 mean and axes are what the clock file holds.
    np.testing.assert_allclose(fitted.distance(new), expected, rtol=1e-5)


def test_out_of_fold_distances_equal_those_of_a_summary_of_the_other_folds():
    X = _cohort(60)
    fitted = ReferenceDistance(n_folds=3).fit(X)
    expected = []
    for train, test in KFold(3, shuffle=True, random_state=0).split(X):
        # 40 training scans allow four axes; fitting on them alone must give the same distances.
        expected.extend(ReferenceDistance(4, n_folds=2).fit(X[train]).distance(X[test]))
    np.testing.assert_allclose(fitted.reference_distances_, np.sort(expected), rtol=1e-5)


def test_distance_of_one_scan_equals_its_row_in_a_batch_to_the_last_bit(fitted):
    new = _cohort(30, seed=4).astype(np.float32)
    batch = fitted.distance(new)
    alone = np.array([fitted.distance(new[i : i + 1])[0] for i in range(30)])
    np.testing.assert_array_equal(alone, batch)


def test_chunks_of_columns_do_not_change_the_summary(fitted, monkeypatch):
    monkeypatch.setattr("brainage.blocks.BLOCK_VALUES", 300 * 70)
    parts = ReferenceDistance().fit(_cohort(300))
    np.testing.assert_allclose(parts.axes_, fitted.axes_, atol=1e-6)
    np.testing.assert_allclose(parts.reference_distances_, fitted.reference_distances_, rtol=1e-9)


def test_a_large_cohort_is_summarised_by_a_seeded_sample_with_the_same_percentiles():
    X = _cohort(600, p=200)
    sample = ReferenceDistance(max_scans=250).fit(X)
    again = ReferenceDistance(max_scans=250).fit(X)
    np.testing.assert_array_equal(sample.axes_, again.axes_)
    assert len(sample.reference_distances_) == 250
    percentile = sample.percentile(_cohort(300, p=200, seed=9))
    assert np.mean(percentile > 90) == pytest.approx(0.1, abs=0.06)


def test_repeated_scans_of_a_person_do_not_make_the_reference_look_near():
    people = np.repeat(np.arange(60), 2)
    X = np.repeat(_cohort(60), 2, axis=0) + np.random.default_rng(0).normal(0, 0.05, (120, 600))
    apart = ReferenceDistance(10).fit(X, groups=people).reference_distances_
    mixed = ReferenceDistance(10).fit(X).reference_distances_
    assert np.median(apart) > np.median(mixed)


def test_arrays_round_trip_and_hold_fewer_numbers_than_the_cohort(fitted):
    arrays = fitted.to_arrays()
    again = ReferenceDistance.from_arrays(arrays, len(fitted.mean_))
    new = _cohort(10, seed=5)
    np.testing.assert_array_equal(again.percentile(new), fitted.percentile(new))
    assert sum(a.size for a in arrays.values()) < 0.1 * _cohort(300).size


def test_a_small_cohort_has_no_axis_per_person():
    assert len(ReferenceDistance().fit(_cohort(30)).variances_) == 3


def test_missing_values_and_foreign_features_are_refused(fitted):
    X = _cohort(30)
    X[3, 5] = np.nan
    with pytest.raises(BrainAgeError, match="missing values"):
        ReferenceDistance().fit(X)
    with pytest.raises(ValueError, match="expected 600 features"):
        fitted.distance(np.zeros((2, 599)))
    with pytest.raises(BrainAgeError, match="at least 10 scans"):
        ReferenceDistance().fit(X[:9])
