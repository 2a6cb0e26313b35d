"""Every voxel of a parcel holds the parcel's value, wherever the atlas puts it."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging import AtlasOptions, LabelAtlas, load_atlas, paint_parcels, write_nifti
from brainage.imaging.atlas.spheres import make_spheres

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])


def test_labels_are_filled_on_their_own_grid_and_what_was_not_measured_is_nan(tmp_path):
    labels = np.zeros((4, 3, 2))
    labels[0], labels[1, 0], labels[2, :, 1] = 7, 2, 5
    write_nifti(tmp_path / "atlas.nii.gz", labels, AFFINE)
    atlas = load_atlas(AtlasOptions(path=str(tmp_path / "atlas.nii.gz"), space="M"))
    assert isinstance(atlas, LabelAtlas)
    by_label = {2: -1.5, 5: 0.25, 7: np.nan}
    values = np.array([by_label[int(label)] for label in atlas.label_values])
    picture, affine = paint_parcels(atlas, values)
    expected = np.zeros(labels.shape)
    for label, value in by_label.items():
        expected[labels == label] = value
    np.testing.assert_allclose(picture, expected, rtol=1e-6)
    np.testing.assert_array_equal(affine, AFFINE)


def test_spheres_are_filled_around_their_centres_and_share_what_they_share():
    centres = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0]])
    spheres = make_spheres(
        "two", ["a", "b"], [None, None], coordinates_mm=centres, radii_mm=np.array([5.0, 5.0])
    )
    picture, affine = paint_parcels(spheres, np.array([2.0, -1.0]))
    place = np.argwhere(picture != 0) @ affine[:3, :3].T + affine[:3, 3]
    near = [np.linalg.norm(place - centre, axis=1) <= 5.0 for centre in centres]
    found = picture[picture != 0]
    np.testing.assert_allclose(found[near[0] & ~near[1]], 2.0)
    np.testing.assert_allclose(found[near[1] & ~near[0]], -1.0)
    np.testing.assert_allclose(found[near[0] & near[1]], 0.5)
    assert (near[0] & near[1]).any()
    together, _ = paint_parcels(spheres, np.array([[1.0, 1.0], [2.0, -1.0]]))
    np.testing.assert_array_equal(together[1], picture)


def test_another_number_of_values_is_refused():
    sphere = make_spheres(
        "one", ["a"], [None], coordinates_mm=np.zeros((1, 3)), radii_mm=np.array([5.0])
    )
    with pytest.raises(AtlasError, match="a value for each of 1 parcels, found 2"):
        paint_parcels(sphere, np.zeros(2))


def test_maps_are_no_sets_of_voxels(tmp_path):
    maps = np.random.default_rng(0).random((4, 3, 2, 3))
    write_nifti(tmp_path / "maps.nii.gz", maps, AFFINE, dtype="float32")
    atlas = load_atlas(AtlasOptions(path=str(tmp_path / "maps.nii.gz"), space="M"))
    with pytest.raises(AtlasError, match="no sets of voxels to fill"):
        paint_parcels(atlas, np.zeros(3))
