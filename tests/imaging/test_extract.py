"""One scan through the whole room: values, fingerprint, quality and the rules for missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nilearn.maskers import NiftiLabelsMasker

from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    LabelAtlas,
    Parcels,
    extract_parcel_series,
)
from brainage.imaging.cleaning.confounds import load_nuisance
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.scan import Scan

_SHAPE = (8, 7, 6, 80)
_AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
_LENIENT = ExclusionRules(min_retained_s=0.0)


@pytest.fixture
def study(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    write_nifti(tmp_path / "bold.nii.gz", rng.normal(1000, 50, _SHAPE), _AFFINE, t_r_s=2.0)
    labels = np.zeros(_SHAPE[:3])
    for i in range(4):
        labels[2 * i : 2 * i + 2] = i + 1
    write_nifti(tmp_path / "labels.nii.gz", labels, _AFFINE)
    mask = np.ones(_SHAPE[:3])
    mask[0], mask[2:4, :5] = 0, 0
    write_nifti(tmp_path / "mask.nii.gz", mask, _AFFINE, dtype="uint8")
    motion = pd.DataFrame(np.cumsum(rng.normal(0, 0.001, (80, 6)), axis=0))
    motion.to_csv(tmp_path / "motion.txt", sep=" ", header=False, index=False)
    return tmp_path


def an_atlas(folder: Path) -> LabelAtlas:
    return LabelAtlas(
        name="made",
        parcels=Parcels(("a", "b", "c", "d"), ("x", "x", None, "y")),
        space=None,
        content_hash="slabs",
        image=folder / "labels.nii.gz",
        label_values=np.arange(1, 5),
    )


def extract(folder: Path, *, mask: str | None = None, name="bold.nii.gz", **choices):
    scan = Scan(
        "01",
        "1y",
        "2",
        "rest",
        None,
        folder / name,
        folder / "motion.txt",
        None if mask is None else folder / mask,
    )
    cleaning = CleaningOptions(**({"motion_order": "fsl", "t_r_s": 2.0} | choices))
    return extract_parcel_series(
        scan, atlas=an_atlas(folder), cleaning=cleaning, exclusion=_LENIENT
    )


def test_default_cleaning_equals_nilearns_masker_given_the_same_confounds(study):
    series = extract(study)
    scan = Scan("01", "1y", "2", "rest", None, study / "bold.nii.gz", study / "motion.txt", None)
    cleaning = CleaningOptions(motion_order="fsl", t_r_s=2.0)
    nuisance = load_nuisance(scan, cleaning, n_volumes=80)
    assert nuisance.confounds.shape == (80, 24)
    expected = NiftiLabelsMasker(
        str(study / "labels.nii.gz"),
        standardize="zscore_sample",
        detrend=True,
        high_pass=0.01,
        low_pass=0.1,
        t_r=2.0,
    ).fit_transform(str(study / "bold.nii.gz"), confounds=nuisance.confounds)
    np.testing.assert_allclose(series.values, expected, atol=1e-6)
    assert (series.participant_id, series.session_id, series.run) == ("01", "1y", "2")


def test_a_parcel_under_the_smallest_coverage_is_missing_in_its_place(study):
    series = extract(study, mask="mask.nii.gz")
    np.testing.assert_allclose(series.quality.coverage, [1 / 2, 2 / 7, 1, 1], rtol=1e-9)
    assert series.missing.tolist() == [False, True, False, False]
    assert series.quality.missing_reasons == {"b": "coverage 0.286, under 0.5"}


def test_smoothing_uses_one_operator_for_the_grid_and_the_mask_measures_coverage(study):
    masked = extract(study, mask="mask.nii.gz", smoothing_fwhm_mm=5.0)
    unmasked = extract(study, smoothing_fwhm_mm=5.0)
    # The confounds are projected out of three columns or of four: the last bits may differ.
    np.testing.assert_allclose(
        masked.values[:, [0, 2, 3]], unmasked.values[:, [0, 2, 3]], atol=1e-10
    )
    np.testing.assert_allclose(masked.quality.coverage, [1 / 2, 2 / 7, 1, 1], rtol=1e-9)
    own = extract(study, mask="mask.nii.gz", smoothing_fwhm_mm=5.0, smoothing_mask="scan")
    assert np.abs(own.values[:, 0] - masked.values[:, 0]).max() > 0.01


def test_fingerprint_depends_on_what_is_done_and_not_on_files_or_folders(study, tmp_path_factory):
    import shutil

    first = extract(study).cleaning_fingerprint
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for file in study.iterdir():
        shutil.copy(file, elsewhere)
    assert extract(elsewhere).cleaning_fingerprint == first
    assert extract(study, low_pass_hz=0.08).cleaning_fingerprint != first
    assert extract(study, strategy="none").cleaning_fingerprint != first
    scan = Scan("02", "n/a", "n/a", "rest", None, study / "bold.nii.gz", study / "motion.txt", None)
    other = extract_parcel_series(
        scan,
        atlas=an_atlas(study),
        cleaning=CleaningOptions(motion_order="fsl", t_r_s=2.0),
        atlas_options=AtlasOptions(min_coverage=0.7),
    )
    assert other.cleaning_fingerprint != first


def test_extraction_is_repeatable_to_the_last_bit(study):
    np.testing.assert_array_equal(extract(study).values, extract(study).values)


def test_a_scan_that_breaks_a_rule_still_comes_with_its_series_and_the_reason(study):
    scan = Scan("01", "n/a", "n/a", "rest", None, study / "bold.nii.gz", study / "motion.txt", None)
    series = extract_parcel_series(
        scan,
        atlas=an_atlas(study),
        cleaning=CleaningOptions(motion_order="fsl", t_r_s=2.0),
        exclusion=ExclusionRules(min_retained_s=300.0),
    )
    assert series.quality.exclusion == "160 s kept, less than 300 s"
    assert np.isfinite(series.values).all()
