"""A parcellation as a linear operator on voxels: one sparse matrix (parcels x voxels).

Labels, spheres, probabilistic maps, a brain mask and Gaussian smoothing all become weights, so
extraction is one product a volume. Smoothing moves from the volumes onto the weights: with weights
W and smoothing G, ``W (G v) = (G' W')' v``, and nilearn's filter, which reflects at the border, is
symmetric, so filtering the weights the same way is exact.
"""

from __future__ import annotations

import functools
import hashlib
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.image import resample_img
from scipy.linalg import pinv
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from brainage.errors import AtlasError
from brainage.files import atomic_path
from brainage.imaging.atlas import Atlas
from brainage.imaging.nifti import Grid

#: Weights below this share of a parcel's largest are the far tail of a truncated Gaussian.
_NEGLIGIBLE = 0.0
_FORMAT = 1


@dataclass(frozen=True)
class ParcelOperator:
    """Weights that turn a volume into parcel signals.

    Parameters
    ----------
    voxels : ndarray of shape (k,), int
        Voxels with a weight, in Fortran order of the grid, ascending.
    weights : csr_array of shape (p, k)
        A missing parcel is an empty row.
    coverage : ndarray of shape (p,)
        Share of the parcel inside mask and field of view, 0 to 1.
    """

    voxels: np.ndarray
    weights: csr_array
    coverage: np.ndarray

    @property
    def empty(self) -> np.ndarray:
        """Boolean (p,): parcels without a voxel."""
        return np.diff(self.weights.indptr) == 0

    def apply(self, block: np.ndarray) -> np.ndarray:
        """Return parcel signals of a block of volumes.

        Parameters
        ----------
        block : ndarray of shape (n_volumes, n_voxels)
            Any numeric type, voxels in Fortran order.

        Returns
        -------
        signals : ndarray of shape (n_volumes, p), float64
        """
        # Only voxels with a weight are converted: most of a volume is not in any parcel.
        chosen = block[:, self.voxels].astype(np.float64)
        return (self.weights @ chosen.T).T


def parcel_operator(
    atlas: Atlas,
    grid: Grid,
    *,
    mask: np.ndarray | None = None,
    smoothing_fwhm_mm: float | None = None,
    cache_folder: str | Path | None = None,
) -> ParcelOperator:
    """Build the operator of an atlas on a scan's grid, or take it from memory or disk.

    Parameters
    ----------
    atlas : Atlas
        The parcellation.
    grid : Grid
        Of the scan.
    mask : ndarray of shape grid.shape, bool, or None, default=None
        Voxels that count; None: all.
    smoothing_fwhm_mm : float or None, default=None
        Gaussian smoothing of the volumes, full width at half maximum.
    cache_folder : str or Path or None, default=None
        Operators are kept there under the hash of everything that made them; workers may build
        the same one at once.

    Returns
    -------
    operator : ParcelOperator
    """
    key = _key(atlas, grid, mask, smoothing_fwhm_mm)
    folder = None if cache_folder is None else str(cache_folder)
    request = _Request(key, atlas, grid, mask, smoothing_fwhm_mm, folder)
    return _remembered(request)


@dataclass(frozen=True, eq=False)
class _Request:
    key: str
    atlas: Atlas
    grid: Grid
    mask: np.ndarray | None
    smoothing_fwhm_mm: float | None
    folder: str | None

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other) -> bool:
        return isinstance(other, _Request) and self.key == other.key


# Per process: a batch of scans on one grid loads its operator once.
@functools.lru_cache(maxsize=4)
def _remembered(request: _Request) -> ParcelOperator:
    path = None if request.folder is None else Path(request.folder) / f"{request.key}.npz"
    if path is not None and (found := _load(path)) is not None:
        return found
    operator = _build(request.atlas, request.grid, request.mask, request.smoothing_fwhm_mm)
    if path is not None:
        _save(operator, path)
    return operator


def _key(atlas: Atlas, grid: Grid, mask, smoothing_fwhm_mm) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {atlas.content_hash} {grid.shape} ".encode())
    digest.update(np.round(grid.affine, 6).tobytes())
    digest.update(b"no mask" if mask is None else np.packbits(mask).tobytes())
    digest.update(f" {smoothing_fwhm_mm}".encode())
    return digest.hexdigest()[:32]


def _build(atlas: Atlas, grid: Grid, mask, smoothing_fwhm_mm) -> ParcelOperator:
    inside = np.ones(grid.shape, dtype=bool) if mask is None else mask
    builders = {"labels": _label_weights, "spheres": _sphere_weights, "maps": _map_weights}
    weights, coverage = builders[atlas.kind](atlas, grid, inside)
    if smoothing_fwhm_mm is not None:
        weights = _smoothed(weights, grid, smoothing_fwhm_mm)
    weights = weights.tocsr()
    weights.eliminate_zeros()
    voxels = np.unique(weights.indices)
    return ParcelOperator(voxels, csr_array(weights[:, voxels]), coverage)


def _label_weights(atlas: Atlas, grid: Grid, inside: np.ndarray):
    image = nib.load(atlas.image)
    labels = _resampled(image, grid, "nearest")
    labels = np.rint(labels).astype(np.int64)
    values = np.asarray(atlas.label_values)
    order = np.argsort(values)
    flat = labels.ravel(order="F")
    position = np.minimum(np.searchsorted(values[order], flat), len(values) - 1)
    known = values[order][position] == flat
    counted = known & inside.ravel(order="F")
    rows, columns = order[position[counted]], np.flatnonzero(counted)
    sizes = np.bincount(rows, minlength=len(values))
    weights = csr_array((1.0 / sizes[rows], (rows, columns)), shape=(len(values), grid.n_voxels))
    return weights, _label_coverage(image, values, labels, sizes, grid)


def _label_coverage(image, values, labels, sizes, grid: Grid) -> np.ndarray:
    """Share of each parcel's volume in the atlas that lies in the mask and the field of view."""
    original = np.asarray(image.dataobj)
    original = np.rint(original).astype(np.int64).ravel()
    full = np.array([np.count_nonzero(original == v) for v in values], dtype=float)
    voxel_ratio = abs(np.linalg.det(grid.affine[:3, :3]) / np.linalg.det(image.affine[:3, :3]))
    on_grid = np.array([np.count_nonzero(labels == v) for v in values], dtype=float)
    # Resampling changes a parcel's voxel count by rounding alone; only what the field of view
    # cuts off makes it much smaller than its volume.
    expected = np.maximum(on_grid, full / voxel_ratio * 0.98)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(expected > 0, sizes / expected, 0.0), 0, 1)


def _sphere_weights(atlas: Atlas, grid: Grid, inside: np.ndarray):
    centres, radii = np.asarray(atlas.coordinates_mm, float), np.asarray(atlas.radii_mm, float)
    index = np.argwhere(inside)
    points = index @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    tree = KDTree(points)
    position = np.full(grid.shape, -1)
    position[tuple(index.T)] = np.arange(len(index))
    columns_of_point = np.ravel_multi_index(tuple(index.T), grid.shape, order="F")
    inverse = np.linalg.inv(grid.affine)
    rows, columns = [], []
    for i, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        # nilearn's rule: voxels whose centre is within the radius, and always the nearest one.
        found = set(tree.query_ball_point(centre, radius * (1 + 1e-12)))
        nearest = np.round(inverse[:3, :3] @ centre + inverse[:3, 3]).astype(int)
        if (nearest >= 0).all() and (nearest < grid.shape).all() and position[tuple(nearest)] >= 0:
            found.add(int(position[tuple(nearest)]))
        rows += [i] * len(found)
        columns += columns_of_point[sorted(found)].tolist()
    sizes = np.bincount(rows, minlength=len(centres))
    weights = csr_array((1.0 / sizes[rows], (rows, columns)), shape=(len(centres), grid.n_voxels))
    return weights, _sphere_coverage(centres, radii, sizes, grid)


def _sphere_coverage(centres, radii, sizes, grid: Grid) -> np.ndarray:
    """Share of each sphere's lattice points, continued beyond the grid, that count."""
    affine = grid.affine[:3, :3]
    inverse = np.linalg.inv(grid.affine)
    reach = np.ceil(radii.max() * np.linalg.norm(np.linalg.inv(affine), axis=1)).astype(int) + 1
    offsets = np.stack(
        np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1
    ).reshape(-1, 3)
    shares = np.zeros(len(centres))
    for i, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        nearest = np.round(inverse[:3, :3] @ centre + inverse[:3, 3]).astype(int)
        points = (nearest + offsets) @ affine.T + grid.affine[:3, 3]
        full = max(1, np.count_nonzero(np.linalg.norm(points - centre, axis=1) <= radius))
        shares[i] = min(1.0, sizes[i] / full)
    return shares


def _map_weights(atlas: Atlas, grid: Grid, inside: np.ndarray):
    image = nib.load(atlas.image)
    maps = _resampled(image, grid, "continuous")
    maps = maps.reshape(-1, maps.shape[3], order="F")
    total = np.abs(maps).sum(axis=0)
    maps = np.where(inside.ravel(order="F")[:, None], maps, 0.0)
    used = np.flatnonzero((maps != 0).any(axis=1))
    left = np.abs(maps).sum(axis=0)
    present = left > 0
    if not present.any():
        raise AtlasError(f"{atlas.name}: no map has a voxel on the scan's grid and in its mask.")
    # Least squares over all maps at once, as nilearn's NiftiMapsMasker.
    solution = pinv(maps[used][:, present])
    rows = np.repeat(np.flatnonzero(present), len(used))
    weights = csr_array(
        (solution.ravel(), (rows, np.tile(used, present.sum()))),
        shape=(maps.shape[1], grid.n_voxels),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = np.where(total > 0, left / total, 0.0)
    return weights, coverage


def _resampled(image, grid: Grid, interpolation: str) -> np.ndarray:
    if image.shape[:3] == grid.shape and np.allclose(image.affine, grid.affine):
        return np.asarray(image.dataobj, dtype=np.float64)
    with warnings.catch_warnings():
        # nilearn tells of float labels and int64 types; labels are rounded by us.
        warnings.simplefilter("ignore")
        moved = resample_img(
            image, target_affine=grid.affine, target_shape=grid.shape,
            interpolation=interpolation, copy_header=True, force_resample=True,
        )  # fmt: skip
    return np.asarray(moved.dataobj, dtype=np.float64)


def resample_mask(image, grid: Grid) -> np.ndarray:
    """Return a mask image on a grid as booleans, nearest neighbour."""
    return _resampled(image, grid, "nearest").reshape(grid.shape) != 0


def _smoothed(weights: csr_array, grid: Grid, fwhm_mm: float) -> csr_array:
    voxel_mm = np.sqrt(np.sum(grid.affine[:3, :3] ** 2, axis=0))
    sigma = fwhm_mm / (np.sqrt(8 * np.log(2)) * voxel_mm)
    # As scipy's gaussian_filter1d truncates: at four standard deviations.
    reach = (4.0 * sigma + 0.5).astype(int)
    data, indices, indptr = [], [], [0]
    for row in range(weights.shape[0]):
        own = weights.indices[weights.indptr[row] : weights.indptr[row + 1]]
        values = weights.data[weights.indptr[row] : weights.indptr[row + 1]]
        if len(own):
            columns, smooth = _smooth_one(own, values, grid.shape, sigma, reach)
            indices.append(columns)
            data.append(smooth)
        indptr.append(indptr[-1] + (len(indices[-1]) if len(own) else 0))
    if not data:
        return weights
    return csr_array(
        (np.concatenate(data), np.concatenate(indices), np.array(indptr)), shape=weights.shape
    )


def _smooth_one(own, values, shape, sigma, reach):
    at = np.stack(np.unravel_index(own, shape, order="F"))
    # The box must reach the border exactly where the border is near, because the filter reflects
    # there; elsewhere zeros beyond the box are what the full image holds as well.
    low = np.maximum(at.min(axis=1) - 2 * reach, 0)
    high = np.minimum(at.max(axis=1) + 2 * reach + 1, shape)
    box = np.zeros(high - low)
    box[tuple(at - low[:, None])] = values
    for axis in range(3):
        gaussian_filter1d(box, sigma[axis], output=box, axis=axis)
    inside = np.nonzero(box)
    absolute = tuple(index + start for index, start in zip(inside, low, strict=True))
    columns = np.ravel_multi_index(absolute, shape, order="F")
    order = np.argsort(columns)
    return columns[order], box[inside][order]


def _load(path: Path) -> ParcelOperator | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            weights = csr_array(
                (stored["data"], stored["indices"], stored["indptr"]), shape=tuple(stored["shape"])
            )
            return ParcelOperator(stored["voxels"], weights, stored["coverage"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        # Absent, or damaged by a full disk: built again and replaced.
        return None


def _save(operator: ParcelOperator, path: Path) -> None:
    weights = operator.weights
    with atomic_path(path) as temporary:
        np.savez(
            temporary, data=weights.data, indices=weights.indices, indptr=weights.indptr,
            shape=np.array(weights.shape), voxels=operator.voxels, coverage=operator.coverage,
        )  # fmt: skip
