"""Atlases of labels: an image of whole numbers, a parcel the mean of the voxels of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from brainage.errors import AtlasError
from brainage.imaging.atlas.atlas import MOST_PARCELS, Atlas
from brainage.imaging.atlas.moving import in_view, resampled, slabs
from brainage.imaging.atlas.weights import Weights
from brainage.imaging.reading.nifti import Grid
from brainage.imaging.reading.volume import read_volume

_LARGEST_LABEL = 2**31 - 1
#: How far rounding in a file may leave a label from its whole number.
_ROUNDING = 1e-3


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class LabelAtlas(Atlas):
    """An atlas of labels.

    Parameters
    ----------
    image : Path
        NIfTI of whole numbers, 0 the background.
    label_values : ndarray of shape (p,), int
        Of each parcel.
    centroids_mm : ndarray of shape (p, 3) or None, default=None
        Mean place of each parcel's voxels, NaN for a label that the image lacks.

    Examples
    --------
    >>> from brainage.imaging import write_nifti
    >>> labels = np.zeros((4, 4, 4), dtype=int)
    >>> labels[0], labels[3] = 1, 2
    >>> write_nifti(folder / "own.nii.gz", labels, np.eye(4), dtype="int16")
    >>> atlas = ba.load_atlas(ba.AtlasOptions(name="own", path=str(folder / "own.nii.gz")))
    >>> type(atlas).__name__, atlas.n_parcels
    ('LabelAtlas', 2)
    """

    image: Path
    label_values: np.ndarray
    centroids_mm: np.ndarray | None = None
    what = "labels"
    signal_words = "the means of the voxels"

    @property
    def centres_mm(self) -> np.ndarray | None:
        """Centre of each parcel (p, 3): the mean of its voxels."""
        return self.centroids_mm

    def own_columns(self) -> dict[str, np.ndarray]:
        """Return each parcel's label and centre."""
        return {"label": self.label_values, **super().own_columns()}

    def weights(self, grid: Grid, inside: np.ndarray | None = None) -> Weights:
        """Return means over the voxels of each label; see `Atlas.weights`."""
        own, original = read_labels(self.image)
        labels = resampled(original, own, grid, "nearest").ravel(order="F")
        rows, columns = _members(labels, self.label_values)
        p = self.n_parcels
        sizes = np.bincount(rows, minlength=p)
        matrix = csr_array((1.0 / sizes[rows], (rows, columns)), shape=(p, grid.n_voxels))
        full, seen = np.zeros(p), np.zeros(p)
        for slab in slabs(own.shape):
            parcel, place = _members(original[..., slab].ravel(order="F"), self.label_values)
            full += np.bincount(parcel, minlength=p)
            visible = in_view(own, grid, slab).ravel(order="F")[place]
            seen += np.bincount(parcel[visible], minlength=p)
        # A parcel that resampling lost has no voxel, whatever was in view.
        return Weights(matrix, np.where(sizes > 0, seen / np.maximum(full, 1), 0.0))


def read_labels(path: Path) -> tuple[Grid, np.ndarray]:
    """Read an image of labels as whole numbers; what is not finite is background.

    Returns
    -------
    grid : Grid
    labels : ndarray of shape grid.shape, int32, Fortran order

    Raises
    ------
    ScanError
        Not such an image, truncated, corrupt, or larger than what is read.
    AtlasError
        Values that are not whole.
    """
    header, stored = read_volume(path)
    shape = header.grid.shape
    labels = np.zeros(shape, dtype=np.int32, order="F")
    for slab in slabs(shape):
        values = stored[..., slab].astype(np.float64)
        values *= header.slope
        values += header.intercept
        values[~np.isfinite(values)] = 0.0
        whole = np.rint(values)
        odd = np.abs(values - whole) > _ROUNDING
        if odd.any():
            raise AtlasError(
                f"{path}: expected whole numbers as labels, found values such as "
                f"{values[odd][0]:g}. A 4-D image is read as maps."
            )
        if np.abs(whole).max() > _LARGEST_LABEL:
            raise AtlasError(f"{path}: expected labels under 2^31, found {np.abs(whole).max():g}.")
        labels[..., slab] = whole
    return header.grid, labels


def present_labels(path: Path, labels: np.ndarray) -> np.ndarray:
    """Return the labels of an image in rising order, without the background 0."""
    present = np.unique([0])
    for slab in slabs(labels.shape):
        present = np.union1d(present, np.unique(labels[..., slab]))
        if len(present) > MOST_PARCELS:
            raise AtlasError(
                f"{path}: more than {MOST_PARCELS} different values: this is no image of labels."
            )
    present = present[present != 0]
    if not len(present):
        raise AtlasError(f"{path}: expected labels above the background 0, found none.")
    return present


def centroids_of(grid: Grid, labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean place (p, 3) of each label's voxels in mm, NaN where it has none."""
    total, sizes = np.zeros((len(values), 3)), np.zeros(len(values))
    for slab in slabs(grid.shape):
        part = labels[..., slab]
        parcel, place = _members(part.ravel(order="F"), values)
        at = np.unravel_index(place, part.shape, order="F")
        sizes += np.bincount(parcel, minlength=len(values))
        for axis, offset in enumerate((0, 0, slab.start)):
            total[:, axis] += np.bincount(parcel, weights=at[axis] + offset, minlength=len(values))
    middles = total / np.where(sizes > 0, sizes, np.nan)[:, None]
    return middles @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _members(labels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the parcel and the place of every voxel that belongs to one of `values`."""
    values = np.asarray(values)
    order = np.argsort(values)
    places = np.flatnonzero(labels)
    if (values == 0).any():
        places = np.arange(len(labels))
    found = labels[places]
    position = np.minimum(np.searchsorted(values[order], found), len(values) - 1)
    known = values[order][position] == found
    return order[position[known]], places[known]
