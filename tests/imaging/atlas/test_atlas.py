"""What every kind of atlas says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging import AtlasOptions, load_atlas
from brainage.imaging.atlas.atlas import MOST_PARCELS, Parcels, parcels_of
from brainage.imaging.reading.nifti import write_nifti


def test_parcels_without_networks_and_sides_have_none_of_each():
    parcels = Parcels(("a", "b"))
    assert parcels.networks == parcels.hemispheres == (None, None)


@pytest.mark.parametrize("n", [0, MOST_PARCELS + 1])
def test_none_and_too_many_parcels_are_refused(n):
    with pytest.raises(AtlasError, match=f"expected 1 to {MOST_PARCELS} parcels, found {n}"):
        Parcels(tuple(map(str, range(n))))


def test_a_problem_with_names_is_told_of_their_file(tmp_path):
    with pytest.raises(AtlasError, match=r"names\.tsv: expected unique names"):
        parcels_of(tmp_path / "names.tsv", ["a", "a"])


def test_every_kind_fits_on_a_screen_and_names_its_columns(tmp_path):
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    labels = np.arange(60).reshape(5, 4, 3) % 20
    write_nifti(tmp_path / "labels.nii", labels, affine)
    write_nifti(tmp_path / "maps.nii", np.ones((5, 4, 3, 2)), affine)
    (tmp_path / "a<b.tsv").write_text("x\ty\tz\tradius_mm\tname\n1\t2\t3\t5\t<i>\n")
    expected = {
        "labels.nii": ("LabelAtlas labels: 19 labels", ["label", "x_mm", "y_mm", "z_mm"]),
        "maps.nii": ("MapAtlas maps: 2 maps", []),
        "a<b.tsv": ("SphereAtlas a<b: 1 spheres", ["x_mm", "y_mm", "z_mm", "radius_mm"]),
    }
    for name, (start, columns) in expected.items():
        atlas = load_atlas(AtlasOptions(path=str(tmp_path / name)))
        assert repr(atlas).startswith(f"<{start}")
        assert len(repr(atlas)) < 250
        assert list(atlas.own_columns()) == columns
    assert "&lt;i&gt;" in atlas._repr_html_()
