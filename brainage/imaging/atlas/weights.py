"""What each kind of atlas weighs each voxel by, on a scan's grid.

Labels and spheres are means over voxels. Probabilistic maps are a least-squares fit: with maps M
(voxels x p) the signals of a volume v are ``(M'M)^-1 M'v``, so M' stays sparse and the small
``(M'M)^-1`` follows it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from nilearn.image.resampling import coord_transform, resample_img
from scipy.linalg import pinvh
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_array

from brainage.errors import AtlasError
from brainage.imaging.reading.nifti import Grid

if TYPE_CHECKING:
    from brainage.imaging.atlas.atlas import Atlas


@dataclass(frozen=True)
class Weights:
    """Weights on the whole grid.

    Parameters
    ----------
    matrix : csr_array of shape (p, n_voxels)
        Voxels in Fortran order. Rows of labels and spheres sum to 1, or are empty.
    coverage : ndarray of shape (p,)
        Share of the parcel inside the mask and the field of view.
    """

    matrix: csr_array
    coverage: np.ndarray


def atlas_weights(atlas: Atlas, grid: Grid, inside: np.ndarray | None) -> Weights:
    """Return an atlas's weights on a grid, before smoothing.

    Parameters
    ----------
    atlas : Atlas
        Labels, spheres or maps.
    grid : Grid
        Of the scan.
    inside : ndarray of shape grid.shape, bool, or None
        Restricts spheres while they are made (nilearn looks for a seed's own voxel among the
        masked ones); None: no restriction. Labels and maps are restricted afterwards.
    """
    if atlas.kind == "spheres":
        return _sphere_weights(atlas, grid, inside)
    return {"labels": _label_weights, "maps": _map_weights}[atlas.kind](atlas, grid)


def unmixing(matrix: csr_array) -> np.ndarray:
    """Return ``(M'M)^-1`` (p, p) of maps M', zero in the rows and columns of absent maps."""
    gram = (matrix @ matrix.T).toarray()
    # A pseudo-inverse: two maps that agree on the few voxels of a mask share the signal, as in
    # nilearn's least squares.
    return pinvh(gram)


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


def _smooth_one(own, values, shape, kernel):
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


def _label_weights(atlas: Atlas, grid: Grid) -> Weights:
    image = nib.load(atlas.image)
    original = np.rint(_finite(image)).astype(np.int64)
    labels = np.rint(resampled(image, grid, "nearest")).astype(np.int64).ravel(order="F")
    rows, columns = _members(labels, atlas.label_values)
    sizes = np.bincount(rows, minlength=len(atlas.label_values))
    matrix = csr_array(
        (1.0 / sizes[rows], (rows, columns)), shape=(len(atlas.label_values), grid.n_voxels)
    )
    seen = _in_view(image, grid)
    parcel, place = _members(original.ravel(order="F"), atlas.label_values)
    full = np.bincount(parcel, minlength=len(sizes))
    here = np.bincount(parcel[seen.ravel(order="F")[place]], minlength=len(sizes))
    # A parcel that resampling lost has no voxel, whatever was in view.
    return Weights(matrix, np.where(sizes > 0, here / np.maximum(full, 1), 0.0))


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


def _in_view(image, grid: Grid) -> np.ndarray:
    """Say of each voxel of an image whether its centre lies in the grid's field of view."""
    to_grid = np.linalg.inv(grid.affine) @ image.affine
    axes = [np.arange(n, dtype=float) for n in image.shape[:3]]
    seen = np.ones(image.shape[:3], dtype=bool)
    for row, length in zip(to_grid[:3], grid.shape, strict=True):
        at = row[0] * axes[0][:, None, None] + row[1] * axes[1][:, None] + row[2] * axes[2] + row[3]
        seen &= (at > -0.5 - 1e-6) & (at < length - 0.5 + 1e-6)
    return seen


def _sphere_weights(atlas: Atlas, grid: Grid, inside: np.ndarray | None) -> Weights:
    # Only a cold build needs scikit-learn: its search is nilearn's, ties at the radius included.
    from sklearn.neighbors import NearestNeighbors

    centres, radii = np.asarray(atlas.coordinates_mm, float), np.asarray(atlas.radii_mm, float)
    flat = np.arange(grid.n_voxels) if inside is None else np.flatnonzero(inside.ravel())
    if not len(flat):
        empty = csr_array((len(centres), grid.n_voxels), dtype=np.float64)
        return Weights(empty, np.zeros(len(centres)))
    index = np.unravel_index(flat, grid.shape)
    points = np.asarray(coord_transform(*index, grid.affine)).T
    columns_of_point = np.ravel_multi_index(index, grid.shape, order="F")
    own = _own_voxels(centres, points, flat, grid)
    rows, columns = [], []
    for radius in np.unique(radii):
        chosen = np.flatnonzero(radii == radius)
        search = NearestNeighbors(radius=radius).fit(points)
        for i, near in zip(
            chosen, search.radius_neighbors(centres[chosen], return_distance=False), strict=True
        ):
            found = np.union1d(near, own[i]).astype(np.int64)
            rows.append(np.full(len(found), i))
            columns.append(columns_of_point[found])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    sizes = np.bincount(rows, minlength=len(centres))
    matrix = csr_array((1.0 / sizes[rows], (rows, columns)), shape=(len(centres), grid.n_voxels))
    return Weights(matrix, np.minimum(1.0, sizes / _full_sizes(centres, radii, grid)))


def _own_voxels(centres, points, flat, grid: Grid) -> list[list[int]]:
    """Return the points that a sphere holds whatever its radius, by nilearn's two rules."""
    point_of_voxel = np.full(grid.n_voxels, -1)
    point_of_voxel[flat] = np.arange(len(flat))
    inverse = np.linalg.inv(grid.affine)
    nearest = np.round(np.asarray(coord_transform(*centres.T, inverse)).T).astype(int)
    in_grid = ((nearest >= 0) & (nearest < grid.shape)).all(axis=1)
    own = [[] for _ in centres]
    for i in np.flatnonzero(in_grid):
        point = point_of_voxel[np.ravel_multi_index(tuple(nearest[i]), grid.shape)]
        own[i] += [] if point < 0 else [int(point)]
    # The second rule compares millimetres cut to whole numbers, and takes the first that agrees.
    whole = points.astype(int)
    keys, first = np.unique(_packed(whole), return_index=True)
    wanted = _packed(centres.astype(int))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    for i in np.flatnonzero(keys[at] == wanted):
        own[i].append(int(first[at[i]]))
    return own


def _packed(whole: np.ndarray) -> np.ndarray:
    """Pack three whole numbers of millimetres (below a kilometre) into one."""
    return (whole.astype(np.int64) + 2**20) @ np.array([2**42, 2**21, 1])


def _full_sizes(centres, radii, grid: Grid) -> np.ndarray:
    """Count the lattice points of each sphere were the grid continued beyond its border."""
    affine = grid.affine[:3, :3]
    inverse = np.linalg.inv(grid.affine)
    reach = np.ceil(radii.max() * np.linalg.norm(inverse[:3, :3], axis=1)).astype(int) + 1
    axes = [np.arange(-r, r + 1) for r in reach]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    nearest = np.round(centres @ inverse[:3, :3].T + inverse[:3, 3])
    points = (nearest[:, None] + offsets) @ affine.T + grid.affine[:3, 3]
    within = np.linalg.norm(points - centres[:, None], axis=2) <= radii[:, None]
    return np.maximum(1, within.sum(axis=1))


def _map_weights(atlas: Atlas, grid: Grid) -> Weights:
    image = nib.load(atlas.image)
    if len(image.shape) != 4:
        raise AtlasError(f"{atlas.image}: expected maps in a 4-D image, found {image.shape}.")
    seen = _in_view(image, grid)
    rows, columns, data, shares = [], [], [], []
    # One map at a time: 1,024 maps on a scan's grid would be ten gigabytes.
    for i in range(image.shape[3]):
        # In the type they are stored in, because nilearn resamples them in that.
        values = np.asarray(image.dataobj[..., i])
        values = np.where(np.isfinite(values), values, values.dtype.type(0))
        one = nib.Nifti1Image(values, image.affine, dtype=values.dtype)
        total = np.abs(values).sum(dtype=np.float64)
        shares.append(np.abs(values[seen]).sum(dtype=np.float64) / total if total > 0 else 0.0)
        # nilearn 0.14's NiftiMapsMasker resamples maps linearly (its release notes; the older
        # cubic spline rang).
        flat = resampled(one, grid, "linear").ravel(order="F")
        places = np.flatnonzero(flat)
        rows.append(np.full(len(places), i))
        columns.append(places)
        data.append(flat[places])
    matrix = csr_array(
        (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))),
        shape=(image.shape[3], grid.n_voxels),
    )
    held = np.diff(matrix.indptr) > 0
    return Weights(matrix, np.where(held, shares, 0.0))


def _finite(image) -> np.ndarray:
    values = np.asarray(image.dataobj, dtype=np.float64)
    return np.where(np.isfinite(values), values, 0.0)


def resampled(image, grid: Grid, interpolation: str) -> np.ndarray:
    """Return a 3-D image's values on a grid, float64, exactly as nilearn's maskers move it.

    Parameters
    ----------
    image : nibabel image
        3-D, or 4-D with singletons.
    grid : Grid
        Target.
    interpolation : {"nearest", "linear"}
        For labels and masks, and for maps.
    """
    with warnings.catch_warnings():
        # nilearn tells of images without an sform and of 64-bit integers: neither changes values.
        warnings.simplefilter("ignore")
        moved = resample_img(
            image, target_affine=grid.affine, target_shape=grid.shape, interpolation=interpolation
        )
    return _finite(moved).reshape(grid.shape)
