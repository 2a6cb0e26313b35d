"""Values of parcels as a picture of the brain: every voxel of a parcel holds its parcel's value."""

from __future__ import annotations

import numpy as np

from brainage.errors import AtlasError
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.labels import LabelAtlas, read_labels
from brainage.imaging.atlas.spheres import SphereAtlas
from brainage.imaging.reading.nifti import Grid

#: MNI152NLin2009cAsym at 2 mm, as templateflow has it: where spheres are painted.
_MNI_2MM = Grid(
    (97, 115, 97),
    np.array([[2.0, 0, 0, -96], [0, 2.0, 0, -132], [0, 0, 2.0, -78], [0, 0, 0, 1]]),
)


def paint_parcels(atlas: Atlas, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fill each parcel with its value.

    Parameters
    ----------
    atlas : Atlas
        Of labels (painted on the label image's own grid) or spheres (painted at 2 mm in MNI space).
    values : ndarray of shape (p,) or (n, p)
        One a parcel, in the atlas's order; NaN: not measured, and NaN in the picture too. Of n
        pictures at once the parcels' voxels are looked up once.

    Returns
    -------
    picture : ndarray of shape (x, y, z) or (n, x, y, z), float32
        0 outside of the parcels. Where spheres overlap, the mean of their values.
    affine : ndarray of shape (4, 4)
        Voxel index to millimetres.

    Raises
    ------
    AtlasError
        Another number of values, or an atlas whose parcels are no sets of voxels (maps overlap
        everywhere; grayordinates are no voxels).

    Examples
    --------
    >>> atlas = ba.load_atlas(ba.AtlasOptions(name="seitzman300"))
    >>> picture, affine = paint_parcels(atlas, np.linspace(-1.0, 1.0, atlas.n_parcels))
    >>> picture.shape
    (97, 115, 97)
    """
    values = np.asarray(values, dtype=float)
    if values.shape[-1] != atlas.n_parcels:
        raise AtlasError(
            f"atlas {atlas.name}: expected a value for each of {atlas.n_parcels} parcels, found "
            f"{values.shape[-1]}."
        )
    if isinstance(atlas, LabelAtlas):
        grid, _ = read_labels(atlas.image)
    elif isinstance(atlas, SphereAtlas):
        grid = _MNI_2MM
    else:
        raise AtlasError(
            f"atlas {atlas.name}: its parcels are {atlas.what}, which are no sets of voxels to "
            "fill; plot the table by parcel."
        )
    matrix = atlas.weights(grid).matrix.tocoo()
    parcel, voxel = matrix.coords
    held = np.maximum(np.bincount(voxel, minlength=grid.n_voxels), 1)
    pictures = [
        _picture(np.bincount(voxel, weights=each[parcel], minlength=grid.n_voxels) / held, grid)
        for each in np.atleast_2d(values)
    ]
    return (pictures[0] if values.ndim == 1 else np.stack(pictures)), grid.affine


def _picture(voxels: np.ndarray, grid: Grid) -> np.ndarray:
    return voxels.astype(np.float32).reshape(grid.shape, order="F")
