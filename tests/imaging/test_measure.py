"""A part of a measured run is cleaned as a scan that held no more than that part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brainage.imaging import (
    CleaningOptions,
    ExclusionRules,
    LabelAtlas,
    Parcels,
    clean_measured,
    extract_parcel_series,
    measure_scan,
    write_nifti,
)
from brainage.imaging.reading.scan import Scan

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
LENIENT = ExclusionRules(min_retained_s=0.0)
CLEANING = CleaningOptions(motion_order="fsl", t_r_s=2.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Write a run of 80 volumes, and the same run ended after 50."""
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    voxels = rng.normal(1000, 50, (4, 3, 3, 80))
    motion = pd.DataFrame(np.cumsum(rng.normal(0, 0.001, (80, 6)), axis=0))
    labels = np.ones((4, 3, 3))
    labels[2:] = 2
    write_nifti(folder / "labels.nii.gz", labels, AFFINE)
    scans = []
    for name, n_volumes in (("whole", 80), ("short", 50)):
        write_nifti(
            folder / f"{name}.nii", voxels[..., :n_volumes], AFFINE, t_r_s=2.0, dtype="float32"
        )
        motion[:n_volumes].to_csv(folder / f"{name}.txt", sep=" ", header=False, index=False)
        scans.append(
            Scan(
                "01",
                "1y",
                "n/a",
                "rest",
                None,
                folder / f"{name}.nii",
                folder / f"{name}.txt",
                None,
            )
        )
    atlas = LabelAtlas(
        name="made",
        parcels=Parcels(("a", "b"), (None, None)),
        space=None,
        content_hash="slabs",
        image=folder / "labels.nii.gz",
        label_values=np.arange(1, 3),
    )
    return scans, atlas


def test_the_beginning_of_a_run_is_the_run_that_ended_there(run):
    (whole, short), atlas = run
    measured = measure_scan(whole, atlas=atlas, cleaning=CLEANING)
    part = clean_measured(measured, exclusion=LENIENT, kept_volumes=np.arange(50))
    expected = extract_parcel_series(short, atlas=atlas, cleaning=CLEANING, exclusion=LENIENT)
    np.testing.assert_allclose(part.values, expected.values, rtol=1e-9, atol=1e-9)
    assert part.quality.retained_s == expected.quality.retained_s == 100.0
    assert part.cleaning_fingerprint == expected.cleaning_fingerprint


def test_lost_bursts_are_censored_and_not_cut_from_what_was_filtered(run):
    (whole, _), atlas = run
    measured = measure_scan(whole, atlas=atlas, cleaning=CLEANING)
    kept = np.setdiff1d(np.arange(80), [*range(20, 25), *range(50, 55)])
    part = clean_measured(measured, exclusion=LENIENT, kept_volumes=kept)
    as_censored = replace(measured, nuisance=replace(measured.nuisance, kept_volumes=kept))
    expected = clean_measured(as_censored, exclusion=LENIENT)
    np.testing.assert_array_equal(part.values, expected.values)
    np.testing.assert_array_equal(part.kept_volumes, kept)
    filtered = extract_parcel_series(whole, atlas=atlas, cleaning=CLEANING, exclusion=LENIENT)
    assert np.abs(part.values - filtered.values[kept]).max() > 0.01
