"""A CIFTI file is opened only where its claims agree with one another and with its length."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, SeriesAxis

from brainage.errors import ScanError
from brainage.imaging.reading.cifti_file import is_cifti, open_cifti, structures_of


def _series(folder: Path) -> Path:
    axis = BrainModelAxis.from_mask(np.ones(12, bool), name="CIFTI_STRUCTURE_CORTEX_LEFT")
    values = np.arange(60.0, dtype="f4").reshape(5, 12)
    path = folder / "a_bold.dtseries.nii"
    nib.save(nib.Cifti2Image(values, (SeriesAxis(0, 2.0, 5, "SECOND"), axis)), path)
    return path


def test_a_whole_file_gives_its_axes_and_structures(tmp_path):
    path = _series(tmp_path)
    axes, image = open_cifti(path, ScanError)
    assert image.shape == (5, 12)
    ((name, where, places),) = structures_of(axes[1])
    assert (name, where) == ("CIFTI_STRUCTURE_CORTEX_LEFT", slice(0, 12))
    assert places.tolist() == list(range(12))
    assert is_cifti(path)
    assert not is_cifti(path.with_suffix(".gz"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'IndexCount="12"', b'IndexCount="900000000000"', "its XML describes 900000000000 places"),
        (b'NumberOfSeriesPoints="5"', b'NumberOfSeriesPoints="6"', "describes 6 places along axis"),
        (b" 3 4 5 ", b" 3 3 5 ", "has a vertex or voxel twice"),
        (b"<Matrix>", b"<Matrox>", "expected a CIFTI-2 file"),
    ],
)
def test_claims_that_disagree_are_refused(tmp_path, old, new, words):
    path = _series(tmp_path)
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))
    with pytest.raises(ScanError, match=words):
        open_cifti(path, ScanError)


def test_other_files_are_told_from_cifti(tmp_path):
    path = tmp_path / "a.dtseries.nii"
    for content in (b"", b"x" * 100, b"x" * 5000):
        path.write_bytes(content)
        with pytest.raises(ScanError, match="expected a CIFTI-2 file"):
            open_cifti(path, ScanError)
    with pytest.raises(ScanError, match="no such file"):
        open_cifti(tmp_path / "none.dtseries.nii", ScanError)


def test_a_length_of_the_xml_that_the_file_does_not_have_is_not_asked_for(tmp_path):
    path = _series(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[544:548] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(ScanError, match="a wrong header: it says 2147483647 bytes of XML, and"):
        open_cifti(path, ScanError)
