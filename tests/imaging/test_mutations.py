"""Images damaged at random are the same series, another image's, or one clear error.

A small part of what was run by hand: 1,200 damaged files, none crashed.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, LabelAxis, SeriesAxis

from brainage.errors import BrainAgeError
from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    extract_parcel_series,
    load_atlas,
)
from brainage.imaging.reading.nifti import write_nifti

_SHAPE, _AFFINE = (10, 9, 8), np.diag([3.0, 3.0, 3.0, 1.0])
_ROLES = {
    "b.nii": "bold",
    "b.nii.gz": "bold",
    "m.nii.gz": "mask",
    "l.nii.gz": "atlas",
    "l.nii": "atlas",
    "p.nii.gz": "atlas",
    "s_bold.dtseries.nii": "bold",
    "a.dlabel.nii": "atlas",
}
_N_EACH = 12


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(0)
    for name in ("b.nii", "b.nii.gz"):
        write_nifti(folder / name, rng.normal(1000, 50, (*_SHAPE, 60)), _AFFINE, t_r_s=2.0)
    labels = np.ones(_SHAPE)
    labels[5:] = 2
    for name in ("l.nii", "l.nii.gz"):
        write_nifti(folder / name, labels, _AFFINE)
    write_nifti(folder / "m.nii.gz", labels > 0, _AFFINE, dtype="uint8")
    maps = np.abs(rng.normal(size=(*_SHAPE, 3)))
    write_nifti(folder / "p.nii.gz", maps, _AFFINE, dtype="float32")
    axis = BrainModelAxis.from_mask(np.ones(60, bool), name="CIFTI_STRUCTURE_CORTEX_LEFT")
    keys = np.repeat([1, 2], 30)[None].astype("f4")
    table = {k: (f"p{k}", (0, 0, 0, 0)) for k in range(3)}
    atlas = nib.Cifti2Image(keys, (LabelAxis(["m"], [table]), axis))
    nib.save(atlas, folder / "a.dlabel.nii")
    series = rng.normal(size=(60, 60)).astype("f4")
    image = nib.Cifti2Image(series, (SeriesAxis(0, 2.0, 60, "SECOND"), axis))
    nib.save(image, folder / "s_bold.dtseries.nii")
    return folder


def _extract(images: Path, name: str, path: Path):
    of_surfaces = name in ("s_bold.dtseries.nii", "a.dlabel.nii")
    files = {
        "bold": images / ("s_bold.dtseries.nii" if of_surfaces else "b.nii.gz"),
        "atlas": images / ("a.dlabel.nii" if of_surfaces else "l.nii.gz"),
        "mask": None,
        _ROLES[name]: path,
    }
    scan = Scan("01", "n/a", "n/a", "rest", None, files["bold"], None, files["mask"], 2.0)
    return extract_parcel_series(
        scan,
        atlas=load_atlas(AtlasOptions(name="made", path=str(files["atlas"]))),
        cleaning=CleaningOptions(strategy="none"),
        exclusion=ExclusionRules(min_retained_s=0),
        n_threads=1,
    )


def _damaged(raw: bytes, name: str, rng: np.random.Generator) -> tuple[bytes, str]:
    """Return damaged bytes, and whether the damage is in the file's "wire" or its "content"."""
    zipped = name.endswith(".gz")
    how = rng.choice(["wire", "cut", "header", "size"])
    if how in ("wire", "cut"):
        place = int(rng.integers(len(raw)))
        changed = bytearray(raw)
        changed[place] ^= 1 << int(rng.integers(8))
        return (bytes(changed) if how == "wire" else raw[:place]), "wire" if zipped else "content"
    body = bytearray(gzip.decompress(raw) if zipped else raw)
    if how == "header":
        for _ in range(2):
            body[int(rng.integers(348))] ^= 1 << int(rng.integers(8))
    elif name.endswith((".dtseries.nii", ".dlabel.nii")):
        place = 16 + 8 * int(rng.integers(8))
        struct.pack_into("<q", body, place, int(rng.choice([0, -1, 61, 10**6, 2**40, 2**62])))
    else:
        place = 40 + 2 * int(rng.integers(8))
        struct.pack_into("<h", body, place, int(rng.choice([0, -1, 3, 61, 400, 5000, 32767])))
    return (gzip.compress(bytes(body), 1) if zipped else bytes(body)), "content"


@pytest.mark.parametrize("name", _ROLES)
def test_damage_is_an_error_that_names_the_file_or_a_series_of_the_right_form(
    images, tmp_path, name
):
    whole = _extract(images, name, images / name)
    rng = np.random.default_rng(list(_ROLES).index(name))
    for _ in range(_N_EACH):
        content, where = _damaged((images / name).read_bytes(), name, rng)
        path = tmp_path / name
        path.write_bytes(content)
        try:
            found = _extract(images, name, path)
        except BrainAgeError as error:
            assert str(tmp_path) in str(error) or str(images) in str(error)  # noqa: PT017
            continue
        assert found.values.shape[1] == len(found.parcel_names)
        assert len(found.quality.coverage) == len(found.parcel_names)
        if where == "wire":
            # A checksum stands over what gzip packs: what is accepted is what was written.
            np.testing.assert_allclose(found.values, whole.values, rtol=0, atol=1e-9)
