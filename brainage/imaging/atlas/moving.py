"""Images moved to a scan's grid, exactly as nilearn's maskers move them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import nibabel as nib
import numpy as np
from nilearn.image.resampling import BoundingBoxError, resample_img

from brainage.imaging.reading.nifti import Grid

#: Voxels looked at together, so that a fine template takes little more memory than its file.
_SLAB_VOXELS = 2**21


def resampled(values: np.ndarray, own: Grid, grid: Grid, interpolation: str) -> np.ndarray:
    """Return a 3-D image's values on another grid.

    Parameters
    ----------
    values : ndarray of shape own.shape
        Finite.
    own : Grid
        The image's.
    grid : Grid
        Target.
    interpolation : {"nearest", "linear"}
        For labels and masks, and for maps.

    Returns
    -------
    moved : ndarray of shape grid.shape
        0 where the image does not reach.
    """
    if own.shape == grid.shape and np.array_equal(own.affine, grid.affine):
        return values
    image = nib.Nifti1Image(values, own.affine, dtype=values.dtype)
    with warnings.catch_warnings():
        # nilearn tells of 64-bit integers: that changes no value.
        warnings.simplefilter("ignore")
        try:
            # Forced: of grids that differ by whole voxels nilearn 0.14.1 would copy a block, and
            # the wrong one where the image begins before the grid.
            moved = resample_img(
                image,
                target_affine=grid.affine,
                target_shape=grid.shape,
                interpolation=interpolation,
                force_resample=True,
                copy_header=True,
            )
        except BoundingBoxError:
            return np.zeros(grid.shape, dtype=values.dtype)
    return np.asarray(moved.dataobj).reshape(grid.shape)


def slabs(shape: tuple[int, int, int]) -> Iterator[slice]:
    """Yield slices of an image's last axis that hold some voxels at a time."""
    n_together = max(1, _SLAB_VOXELS // (shape[0] * shape[1]))
    for low in range(0, shape[2], n_together):
        yield slice(low, min(low + n_together, shape[2]))


def in_view(own: Grid, grid: Grid, slab: slice) -> np.ndarray:
    """Say of each voxel of a slab of an image whether its centre lies in the grid's field of view.

    Returns
    -------
    seen : ndarray of shape (x, y, slab), bool
    """
    to_grid = np.linalg.inv(grid.affine) @ own.affine
    x, y, z = (np.arange(n, dtype=float) for n in own.shape)
    z = z[slab]
    seen = np.ones((len(x), len(y), len(z)), dtype=bool)
    for row, length in zip(to_grid[:3], grid.shape, strict=True):
        at = row[0] * x[:, None, None] + row[1] * y[:, None] + row[2] * z + row[3]
        seen &= (at > -0.5 - 1e-6) & (at < length - 0.5 + 1e-6)
    return seen
