"""Maps are fitted by least squares, however they are stored."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging import AtlasOptions, MapAtlas, Parcels, load_atlas
from brainage.imaging.reading.nifti import Grid, write_nifti

_AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
_GRID = Grid((6, 5, 4), _AFFINE)


def _maps() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, (*_GRID.shape, 3)).astype(float)


def _fit(path) -> np.ndarray:
    made = load_atlas(AtlasOptions(path=str(path))).weights(_GRID)
    volume = (_maps() @ [1.0, -2.0, 0.5]).ravel(order="F")
    return (made.matrix @ volume) @ made.unmix


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_loadings_are_those_that_mixed_the_maps(tmp_path, dtype):
    write_nifti(tmp_path / "maps.nii.gz", _maps(), _AFFINE, dtype=dtype)
    np.testing.assert_allclose(_fit(tmp_path / "maps.nii.gz"), [1, -2, 0.5], rtol=1e-9)


def test_maps_are_what_the_header_makes_of_them_and_not_finite_is_nothing(tmp_path):
    stored = _maps().astype("f4")
    stored[0, 0, 0] = np.nan
    image = nib.Nifti1Image(stored, _AFFINE)
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([0.5, 353.0], dtype="<f4").tobytes()
    (tmp_path / "maps.nii").write_bytes(raw)
    made = load_atlas(AtlasOptions(path=str(tmp_path / "maps.nii"))).weights(_GRID)
    # In double precision, as nilearn's masker sees them.
    expected = np.nan_to_num(stored.astype(float) * 0.5 + 353.0).reshape(-1, 3, order="F").T
    np.testing.assert_allclose(made.matrix.toarray(), expected, rtol=1e-12)


def test_a_file_that_lost_maps_since_it_was_loaded_is_refused(tmp_path):
    write_nifti(tmp_path / "maps.nii.gz", _maps(), _AFFINE)
    atlas = MapAtlas(
        name="made",
        parcels=Parcels(("a", "b")),
        space=None,
        content_hash="x",
        image=tmp_path / "maps.nii.gz",
    )
    with pytest.raises(AtlasError, match="expected 2 maps, found 3"):
        atlas.weights(_GRID)
