"""Weights of parcels on a grid: what every kind of atlas makes, and their smoothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import pinvh
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_array, diags_array

from brainage.imaging.reading.nifti import Grid


@dataclass(frozen=True)
class Weights:
    """Weights on the whole grid.

    Parameters
    ----------
    matrix : csr_array of shape (p, n_voxels)
        Voxels in Fortran order. Rows of labels and spheres sum to 1, or are empty.
    coverage : ndarray of shape (p,)
        Share of the parcel inside the mask and the field of view.
    unmix : ndarray of shape (p, p) or None, default=None
        Follows the matrix where signals are a least-squares fit.
    """

    matrix: csr_array
    coverage: np.ndarray
    unmix: np.ndarray | None = None


def unmixing(matrix: csr_array) -> np.ndarray:
    """Return ``(M'M)^-1`` (p, p) of maps M', zero in the rows and columns of absent maps."""
    # Each of length one: beside a map of large numbers one of small numbers would count as none.
    largest = abs(matrix).max(axis=1).toarray().ravel()
    present = largest > 0
    sizes = np.where(present, largest, 1.0)
    even = diags_array(1 / sizes) @ matrix
    lengths = np.sqrt(np.asarray((even * even).sum(axis=1)).ravel())
    sizes *= np.where(present, lengths, 1.0)
    even = diags_array(1 / sizes) @ matrix
    inverse, rank = pinvh((even @ even.T).toarray(), return_rank=True)
    if rank == present.sum():
        return inverse / sizes / sizes[:, None]
    # Two maps that agree on the few voxels of a mask share the signal, as in nilearn's least
    # squares of the maps as they are.
    return pinvh((matrix @ matrix.T).toarray())


def smoothed(matrix: csr_array, grid: Grid, fwhm_mm: float) -> csr_array:
    """Return weights that do to a volume what smoothing it and then weighing it would do.

    Parameters
    ----------
    matrix : csr_array of shape (p, n_voxels)
        Weights in Fortran order.
    grid : Grid
        Of the scan.
    fwhm_mm : float
        Full width at half maximum, as in nilearn's ``smooth_img``.
    """
    voxel_mm = np.sqrt(np.sum(grid.affine[:3, :3] ** 2, axis=0))
    sigma = fwhm_mm / (np.sqrt(8 * np.log(2)) * voxel_mm)
    # As scipy's gaussian_filter1d truncates: at four standard deviations.
    reach = (4.0 * sigma + 0.5).astype(int)
    data, indices, lengths = [], [], []
    for low, high in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        own, values = matrix.indices[low:high], matrix.data[low:high]
        columns, smooth = own, values
        if len(own):
            columns, smooth = _smooth_one(own, values, grid.shape, (sigma, reach))
        indices.append(columns)
        data.append(smooth)
        lengths.append(len(columns))
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=matrix.shape)


def _smooth_one(
    own: np.ndarray,
    values: np.ndarray,
    shape: tuple[int, int, int],
    kernel: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    sigma, reach = kernel
    at = np.stack(np.unravel_index(own, shape, order="F"))
    # Where the image's border is within reach the box ends there, because the filter reflects at
    # it; elsewhere a second reach of zeros keeps the box's own border from mattering.
    low = np.maximum(at.min(axis=1) - 2 * reach, 0)
    high = np.minimum(at.max(axis=1) + 2 * reach + 1, shape)
    box = np.zeros(high - low)
    box[tuple(at - low[:, None])] = values
    for axis in range(3):
        gaussian_filter1d(box, sigma[axis], output=box, axis=axis)
    inside = np.nonzero(box)
    # Every tail is kept: in a parcel outside the brain the tails are all the signal there is.
    absolute = tuple(index + start for index, start in zip(inside, low, strict=True))
    columns = np.ravel_multi_index(absolute, shape, order="F")
    order = np.argsort(columns)
    return columns[order], box[inside][order]
