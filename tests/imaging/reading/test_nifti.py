"""Headers are believed only where they make sense, and equal arguments write equal bytes."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from brainage.errors import ScanError
from brainage.imaging.reading.nifti import parse_header, write_nifti

_AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -120], [0, 0, 2.5, -70], [0, 0, 0, 1]])


def header_of(tmp_path, change=lambda header: None):
    image = nib.Nifti1Image(np.zeros((4, 5, 6, 7), "i2"), _AFFINE, dtype="i2")
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((2, 2, 2.5, 1.5))
    image.header.set_data_offset(352)
    change(image.header)
    start = image.header.binaryblock + b"\0" * 200
    return parse_header(start, tmp_path / "made.nii")


def test_written_image_comes_back_with_its_values_affine_and_time_step(tmp_path):
    data = np.random.default_rng(0).normal(100, 20, (4, 5, 6, 7))
    write_nifti(tmp_path / "a.nii.gz", data, _AFFINE, t_r_s=1.35)
    image = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(image.get_fdata(), np.rint(data))
    np.testing.assert_array_equal(image.affine, _AFFINE)
    assert image.header.get_zooms()[3] == pytest.approx(1.35)
    assert image.header.get_xyzt_units() == ("mm", "sec")


def test_equal_arguments_give_equal_bytes_whatever_the_name(tmp_path):
    data = np.random.default_rng(0).normal(size=(4, 5, 6, 7))
    for name in ("one.nii.gz", "two.nii.gz"):
        write_nifti(tmp_path / name, data, _AFFINE, dtype="float32")
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()


@pytest.mark.parametrize(
    ("unit", "step", "seconds"),
    [
        ("sec", 2.0, 2.0),
        ("msec", 2000.0, 2.0),
        ("usec", 2e6, 2.0),
        ("unknown", 2.0, None),
        ("sec", 0.0, None),
        ("hz", 2.0, None),
    ],
)
def test_time_step_is_known_only_with_a_unit_of_time(tmp_path, unit, step, seconds):
    def change(header):
        header.set_zooms((2, 2, 2.5, step))
        header.set_xyzt_units("mm", unit)

    assert header_of(tmp_path, change).t_r_s == seconds


@pytest.mark.parametrize(
    ("shape", "steps", "seconds"),
    [
        ((4, 5, 6, 7, 1), (2.0, 1.0), 2.0),
        ((4, 5, 6, 7, 1), (2.0, 0.0), 2.0),
        ((4, 5, 6, 1, 7), (2.0, 1.0), 2.0),
        ((4, 5, 6, 1, 7), (1.0, 2.5), 2.5),
        ((4, 5, 6, 1, 7), (0.0, 1.0), None),
        ((4, 5, 6, 7, 1), (1.0, 2.5), 1.0),
    ],
)
def test_a_fifth_dimension_does_not_take_the_time_step_away(tmp_path, shape, steps, seconds):
    def change(header):
        header.set_data_shape(shape)
        header.set_zooms((2, 2, 2.5, *steps))

    header = header_of(tmp_path, change)
    assert (header.t_r_s, header.n_volumes) == (seconds, 7)


@pytest.mark.parametrize("unit", ["msec", "usec"])
def test_one_millisecond_is_a_time_step_that_was_lost(tmp_path, unit):
    def change(header):
        header.set_zooms((2, 2, 2.5, 1.0))
        header.set_xyzt_units("mm", unit)

    assert header_of(tmp_path, change).t_r_s is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.set_data_shape((4, 5, 6)), "expected a 4-D image"),
        (lambda h: h.set_data_shape((4, 5, 6, 2, 3)), "expected a 4-D image"),
        (lambda h: h["dim"].__setitem__(1, 0), "impossible shape"),
        (lambda h: h["dim"].__setitem__(1, -4), "impossible shape"),
        (lambda h: h.set_data_dtype("c8"), "integers or floats, found complex numbers"),
        (lambda h: h.set_sform(np.diag([0, 0, 0, 1.0]), code=2), "affine cannot be inverted"),
        (lambda h: h.set_data_offset(0), "no byte behind the header"),
        (lambda h: h["magic"].__setitem__(..., b"ni1"), "NIfTI"),
        (
            lambda h: h["sizeof_hdr"].__setitem__(..., 100),
            "says that it is 100 bytes long, expected 3",
        ),
        (lambda h: h["datatype"].__setitem__(..., 77), "NIfTI header with errors"),
        (lambda h: h["xyzt_units"].__setitem__(..., 7), "xyzt_units 7 are units that NIfTI does"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused_with_what_was_found(tmp_path, change, words):
    with pytest.raises(ScanError, match=words) as caught:
        header_of(tmp_path, change)
    assert "made.nii" in str(caught.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "found an empty file"),
        (b"/annex/objects/MD5E-s91--ab.nii.gz\n", "not fetched yet.*datalad get"),
        (b"version https://git-lfs.github.com/spec/v1\n" * 20, "git lfs pull"),
    ],
)
def test_what_stands_where_an_image_should_be_is_named(tmp_path, start, words):
    with pytest.raises(ScanError, match=words):
        parse_header(start, tmp_path / "a.nii.gz")
