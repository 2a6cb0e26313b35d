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
    values : ndarray of shape (p,)
        One a parcel, in the atlas's order; NaN: not measured, and NaN in the picture too.

    Returns
    -------
    picture : ndarray of shape (x, y, z), float32
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
    if len(values) != atlas.n_parcels:
        raise AtlasError(
            f"atlas {atlas.name}: expected a value for each of {atlas.n_parcels} parcels, found "
            f"{len(values)}."
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
    held = np.bincount(voxel, minlength=grid.n_voxels)
    total = np.bincount(voxel, weights=np.asarray(values, float)[parcel], minlength=grid.n_voxels)
    picture = (total / np.maximum(held, 1)).astype(np.float32)
    return picture.reshape(grid.shape, order="F"), grid.affine
