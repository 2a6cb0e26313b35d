"""Labels are whole numbers however they are stored; anything else is refused in words."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from brainage.errors import AtlasError, ScanError
from brainage.imaging import AtlasOptions, CleaningOptions, Scan, extract_parcel_series, load_atlas
from brainage.imaging.atlas.operator import load_mask
from brainage.imaging.reading.nifti import Grid, write_nifti

_AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
_SHAPE = (6, 5, 4)


def _labels() -> np.ndarray:
    labels = np.zeros(_SHAPE)
    labels[:2], labels[2:4], labels[5, 0, 0] = 1, 7, 30
    return labels


def _load(path: Path):
    return load_atlas(AtlasOptions(path=str(path)))


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i4", "uint32", "int64", "f4", "f8"])
def test_every_storage_of_the_same_labels_gives_the_same_weights(tmp_path, dtype):
    write_nifti(tmp_path / "plain.nii", _labels(), _AFFINE)
    header = nib.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
    image = nib.Nifti1Image(_labels().astype(dtype), _AFFINE, header, dtype=dtype)
    image.to_filename(tmp_path / "other.nii.gz")
    grid = Grid((7, 6, 4), np.diag([2.5, 2.5, 3.0, 1.0]))
    plain, other = (_load(tmp_path / name) for name in ("plain.nii", "other.nii.gz"))
    assert plain.label_values.tolist() == other.label_values.tolist() == [1, 7, 30]
    difference = plain.weights(grid).matrix - other.weights(grid).matrix
    assert difference.nnz == 0


def test_scaled_labels_are_what_the_header_makes_of_them(tmp_path):
    image = nib.Nifti1Image(_labels().astype("i2"), _AFFINE)
    image.header.set_slope_inter(2.0, 0.0)
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([2.0, 0.0], dtype="<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    assert _load(tmp_path / "a.nii").label_values.tolist() == [2, 14, 60]


def test_a_label_that_is_not_finite_is_background(tmp_path):
    labels = _labels()
    labels[5, 0, 0] = np.nan
    write_nifti(tmp_path / "a.nii", labels, _AFFINE, dtype="float32")
    assert _load(tmp_path / "a.nii").label_values.tolist() == [1, 7]


def test_centres_are_the_means_of_the_voxels_and_nan_where_the_image_lacks_the_label(tmp_path):
    write_nifti(tmp_path / "a.nii", _labels(), _AFFINE)
    (tmp_path / "a.tsv").write_text("index\tname\n30\tthree\n1\tone\n7\tseven\n8\tabsent\n")
    atlas = load_atlas(AtlasOptions(path=str(tmp_path / "a.nii"), labels=str(tmp_path / "a.tsv")))
    expected = [[15, 0, 0], [1.5, 6, 4.5], [7.5, 6, 4.5], [np.nan] * 3]
    np.testing.assert_allclose(atlas.centres_mm, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d + 0.5, "expected whole numbers as labels, found values such as 1.5"),
        (lambda d: d * 2.0**31, "expected labels under 2"),
        (lambda d: d * 0, "expected labels above the background"),
    ],
)
def test_values_that_are_no_labels_are_refused(tmp_path, change, words):
    write_nifti(tmp_path / "a.nii", change(_labels()), _AFFINE, dtype="float64")
    with pytest.raises(AtlasError, match=words) as caught:
        _load(tmp_path / "a.nii")
    assert "a.nii" in str(caught.value)


def test_an_anatomical_image_is_no_atlas(tmp_path):
    values = np.arange(30 * 30 * 30).reshape(30, 30, 30)
    write_nifti(tmp_path / "t1.nii", values, _AFFINE)
    with pytest.raises(AtlasError, match="more than 10000 different values"):
        _load(tmp_path / "t1.nii")


def _rgb(folder: Path) -> Path:
    pixels = np.zeros(_SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(pixels, _AFFINE), folder / "odd.nii.gz")
    return folder / "odd.nii.gz"


def _rgba(folder: Path) -> Path:
    pixels = np.zeros(_SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
    nib.save(nib.Nifti1Image(pixels, _AFFINE), folder / "odd.nii.gz")
    return folder / "odd.nii.gz"


def _complex(folder: Path) -> Path:
    nib.save(nib.Nifti1Image(np.ones(_SHAPE, "c8"), _AFFINE), folder / "odd.nii.gz")
    return folder / "odd.nii.gz"


def _nowhere(folder: Path) -> Path:
    nib.save(nib.Nifti1Image(np.ones(_SHAPE, "i2"), None), folder / "odd.nii.gz")
    return folder / "odd.nii.gz"


def _of_metres(folder: Path) -> Path:
    image = nib.Nifti1Image(np.ones(_SHAPE, "i2"), _AFFINE)
    image.header.set_xyzt_units("meter")
    nib.save(image, folder / "odd.nii.gz")
    return folder / "odd.nii.gz"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_rgb, "found colours"),
        (_rgba, "found colours"),
        (_complex, "found complex numbers"),
        (_nowhere, "sform_code and qform_code are both 0"),
        (_of_metres, "unit of length is 'meter'"),
    ],
)
def test_atlases_masks_and_scans_that_say_no_number_or_no_place_are_refused(tmp_path, make, words):
    path = make(tmp_path)
    with pytest.raises(AtlasError, match=words) as caught:
        _load(path)
    assert "odd.nii.gz" in str(caught.value)
    with pytest.raises(ScanError, match=words):
        load_mask(path, Grid(_SHAPE, _AFFINE))
    image = nib.load(path)
    many = np.repeat(np.asarray(image.dataobj)[..., None], 30, axis=3)
    nib.save(nib.Nifti1Image(many, None if make is _nowhere else _AFFINE, image.header), path)
    write_nifti(tmp_path / "a.nii", _labels(), _AFFINE)
    with pytest.raises(ScanError, match=words):
        _extract(path, tmp_path / "a.nii")


def _extract(bold: Path, atlas: Path):
    scan = Scan("01", "n/a", "n/a", "rest", None, bold, None, None, 2.0)
    cleaning = CleaningOptions(strategy="none", high_pass_hz=None, low_pass_hz=None)
    return extract_parcel_series(scan, atlas=_load(atlas), cleaning=cleaning)


def test_a_scan_that_an_atlas_does_not_meet_is_a_scan_error(tmp_path):
    far = _AFFINE.copy()
    far[0, 3] = 1e4
    write_nifti(tmp_path / "b.nii", np.random.default_rng(0).normal(size=(*_SHAPE, 30)), far)
    write_nifti(tmp_path / "a.nii", _labels(), _AFFINE)
    with pytest.raises(ScanError, match="no parcel has a voxel in the mask and field of view"):
        _extract(tmp_path / "b.nii", tmp_path / "a.nii")
    write_nifti(tmp_path / "m.nii", np.ones(_SHAPE), _AFFINE)
    with pytest.raises(ScanError, match=r"m\.nii: an empty mask"):
        load_mask(tmp_path / "m.nii", Grid(_SHAPE, far))
