"""A mask or an atlas is read to its last byte, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import ScanError
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.volume import read_volume


def test_a_single_volume_is_read_to_its_last_byte(tmp_path):
    values = np.random.default_rng(0).integers(0, 9, (5, 6, 7))
    write_nifti(tmp_path / "one.nii.gz", values, np.eye(4), dtype="uint8")
    header, stored = read_volume(tmp_path / "one.nii.gz")
    np.testing.assert_array_equal(stored, values)
    assert header.t_r_s is None
    raw = (tmp_path / "one.nii.gz").read_bytes()
    (tmp_path / "one.nii.gz").write_bytes(raw[:-6] + b"\0\0" + raw[-4:])
    with pytest.raises(ScanError, match="corrupt gzip"):
        read_volume(tmp_path / "one.nii.gz")


def test_several_volumes_are_no_mask(tmp_path):
    write_nifti(tmp_path / "many.nii", np.ones((3, 4, 5, 2)), np.eye(4))
    with pytest.raises(ScanError, match="expected a 3-D image, found 2 volumes"):
        read_volume(tmp_path / "many.nii")
