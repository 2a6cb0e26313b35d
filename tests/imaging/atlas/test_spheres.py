"""Spheres hold the voxels within their radius, wherever the rest of the grid is."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.imaging import Parcels, SphereAtlas, load_atlas
from brainage.imaging.reading.nifti import Grid

_OBLIQUE = np.array(
    [[-2.9, 0.4, 0.1, 60], [0.3, 2.8, 0.5, -70], [0.2, -0.6, 3.1, -40], [0, 0, 0, 1]]
)


def _atlas(centres: np.ndarray, radii: np.ndarray) -> SphereAtlas:
    return SphereAtlas(
        name="made",
        parcels=Parcels(tuple(f"p{i}" for i in range(len(centres)))),
        space=None,
        content_hash="made",
        coordinates_mm=centres,
        radii_mm=radii,
    )


@pytest.mark.parametrize("affine", [np.diag([3.0, 3.0, 3.0, 1.0]), _OBLIQUE])
def test_a_sphere_holds_every_voxel_centre_within_its_radius_and_no_other(affine):
    grid = Grid((40, 44, 36), affine)
    rng = np.random.default_rng(1)
    inside = rng.uniform(2, np.array(grid.shape) - 3, (25, 3))
    centres = inside @ affine[:3, :3].T + affine[:3, 3]
    radii = rng.choice([5.0, 8.0, 12.5], 25)
    matrix = _atlas(centres, radii).weights(grid).matrix
    index = np.stack(np.unravel_index(np.arange(grid.n_voxels), grid.shape, order="F"))
    places = affine[:3, :3] @ index + affine[:3, 3:]
    for i, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        within = np.flatnonzero(np.linalg.norm(places.T - centre, axis=1) <= radius)
        mine = np.sort(matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]])
        # nilearn adds the first voxel with the centre's whole millimetres.
        assert set(within) <= set(mine)
        extra = np.setdiff1d(mine, within)
        assert all((places[:, voxel].astype(int) == centre.astype(int)).all() for voxel in extra)


def test_a_sphere_beyond_the_grid_is_empty_and_covered_by_nothing():
    grid = Grid((10, 10, 10), np.diag([3.0, 3.0, 3.0, 1.0]))
    made = _atlas(np.array([[15.0, 15.0, 15.0], [900.0, 0, 0]]), np.array([5.0, 5.0])).weights(grid)
    assert np.diff(made.matrix.indptr)[1] == 0
    assert made.coverage.tolist() == [1.0, 0.0]


def test_a_repr_fits_on_a_screen_and_a_notebook_sees_parcels_and_networks():
    atlas = load_atlas("seitzman300")
    assert len(repr(atlas)) < 200
    assert "300 spheres" in repr(atlas)
    page = atlas._repr_html_()
    assert "and 290 more" in page
    assert len(page) < 2000
