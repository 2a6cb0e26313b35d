"""Images move to a grid by where their voxels are, by whole voxels too."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.imaging.atlas.moving import in_view, resampled, slabs
from brainage.imaging.reading.nifti import Grid

_AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def _values() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 9, (9, 8, 7)).astype(np.int32)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("shift", [(2, 0, 0), (3, 2, 1), (-2, 0, 1), (0, 0, 0)])
def test_a_grid_that_begins_inside_the_image_sees_the_part_that_lies_there(interpolation, shift):
    values = _values()
    affine = _AFFINE.copy()
    affine[:3, 3] = 2.0 * np.array(shift)
    moved = resampled(values, Grid(values.shape, _AFFINE), Grid((5, 5, 5), affine), interpolation)
    expected = np.zeros((5, 5, 5))
    for index in np.ndindex(5, 5, 5):
        source = np.add(index, shift)
        if (source >= 0).all() and (source < values.shape).all():
            expected[index] = values[tuple(source)]
    np.testing.assert_array_equal(moved, expected)


def test_an_image_that_does_not_reach_the_grid_is_zero_there():
    affine = _AFFINE.copy()
    affine[0, 3] = 1e4
    moved = resampled(_values(), Grid((9, 8, 7), _AFFINE), Grid((4, 4, 4), affine), "nearest")
    assert not moved.any()


def test_the_slabs_of_an_image_are_all_of_it_once():
    shape = (300, 300, 301)
    covered = np.concatenate([np.arange(301)[slab] for slab in slabs(shape)])
    assert covered.tolist() == list(range(301))
    assert len(list(slabs(shape))) > 1


def test_voxels_are_in_view_where_their_centres_lie_in_the_grid():
    affine = _AFFINE.copy()
    affine[0, 3] = 6.0
    seen = in_view(Grid((9, 8, 7), _AFFINE), Grid((2, 8, 7), affine), slice(2, 5))
    assert seen.shape == (9, 8, 3)
    assert np.flatnonzero(seen[:, 0, 0]).tolist() == [3, 4]
