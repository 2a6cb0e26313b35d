"""What is censored leaves no trace, and the rest is nilearn's to the last digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nilearn.signal import clean

from brainage.imaging.cleaning.confounds import Nuisance
from brainage.imaging.extract import clean_signals
from brainage.imaging.options import CleaningOptions
from brainage.imaging.reading.scan import Scan

N, T_R_S = 120, 2.0
SCAN = Scan("01", "n/a", "n/a", "n/a", None, Path("bold.nii.gz"), None, None)
FILTER = {
    "t_r": T_R_S,
    "detrend": True,
    "standardize": "zscore_sample",
    "filter": "butterworth",
    "high_pass": 0.01,
    "low_pass": 0.1,
}


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)).cumsum(axis=0), rng.normal(size=(N, 4))


def _ours(raw: np.ndarray, confounds: np.ndarray, kept: np.ndarray, **choices) -> np.ndarray:
    nuisance = Nuisance(confounds, kept, None, "")
    return clean_signals(raw, nuisance, CleaningOptions(**choices), T_R_S, SCAN)


@pytest.mark.parametrize("censored", [[], [0, 1, 2, 3], [30], [30, 31, 50], [0, 1, 30, 70, 71]])
def test_where_nilearn_masks_rightly_the_numbers_are_its_own(censored):
    raw, confounds = _data()
    kept = np.setdiff1d(np.arange(N), censored)
    theirs = clean(raw.copy(), confounds=confounds.copy(), sample_mask=kept.copy(), **FILTER)
    np.testing.assert_allclose(_ours(raw, confounds, kept), theirs, atol=1e-9)


@pytest.mark.parametrize("censored", [[30], [30, N - 1 - 30], [0, 1, N - 2, N - 1], [0, 60, N - 1]])
def test_a_spike_in_a_censored_volume_changes_nothing(censored):
    raw, confounds = _data()
    kept = np.setdiff1d(np.arange(N), censored)
    spiked = raw.copy()
    spiked[censored] += 1000.0
    clean_one, spiked_one = _ours(raw, confounds, kept), _ours(spiked, confounds, kept)
    assert clean_one.shape == (len(kept), 3)
    np.testing.assert_array_equal(clean_one, spiked_one)


def test_censoring_both_ends_equals_a_shorter_run():
    raw, confounds = _data()
    ours = _ours(raw, confounds, np.arange(4, N - 3))
    shorter = clean(raw[4 : N - 3].copy(), confounds=confounds[4 : N - 3].copy(), **FILTER)
    np.testing.assert_allclose(ours, shorter, atol=1e-9)


def test_without_a_filter_censored_volumes_are_dropped_before_everything():
    raw, confounds = _data()
    kept = np.setdiff1d(np.arange(N), [0, 1, 40, N - 1])
    ours = _ours(raw, confounds, kept, high_pass_hz=None, low_pass_hz=None)
    theirs = clean(
        raw.copy(),
        confounds=confounds.copy(),
        sample_mask=kept.copy(),
        t_r=T_R_S,
        detrend=True,
        standardize="zscore_sample",
        filter=False,
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_inputs_are_left_as_they_were():
    raw, confounds = _data()
    kept = np.setdiff1d(np.arange(N), [0, 1, 40])
    copies = raw.copy(), confounds.copy(), kept.copy()
    _ours(raw, confounds, kept)
    for value, copy in zip((raw, confounds, kept), copies, strict=True):
        np.testing.assert_array_equal(value, copy)


def test_parcels_cleaned_some_at_a_time_equal_all_at_once_and_missing_ones_stay_missing(
    monkeypatch,
):
    from brainage.imaging import extract

    rng = np.random.default_rng(3)
    raw = np.cumsum(rng.normal(size=(150, 23)), axis=0) + 1000
    nuisance = Nuisance(rng.normal(size=(150, 4)), np.r_[2:40, 43:150], None, "four")
    whole = clean_signals(raw, nuisance, CleaningOptions(), T_R_S, SCAN)
    missing = np.arange(23) % 5 == 1
    raw[:, missing] = np.nan
    monkeypatch.setattr(extract, "_CLEANED_BYTES", 150 * 8 * 4)
    parts = clean_signals(raw, nuisance, CleaningOptions(), T_R_S, SCAN, missing=missing)
    assert np.isnan(parts[:, missing]).all()
    np.testing.assert_allclose(parts[:, ~missing], whole[:, ~missing], rtol=0, atol=1e-9)
