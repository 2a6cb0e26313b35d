"""A parcellation as a linear operator on voxels: one sparse matrix (parcels x voxels).

Labels, spheres, probabilistic maps, a brain mask and Gaussian smoothing all become weights, so
extraction is one product a volume. Smoothing moves from the volumes onto the weights: with weights
W and smoothing G, ``W (G v) = (G' W')' v``, and nilearn's filter, which reflects at the border, is
symmetric, so filtering the weights the same way is exact.

Resampling and smoothing are done once for an (atlas, grid, smoothing) and kept on disk. A scan's
own mask is applied to that in memory, in milliseconds (with smoothing, in seconds: smoothing must
follow the mask); 40,000 masks would be 40,000 files of no use to anyone else.
"""

from __future__ import annotations

import functools
import hashlib
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csc_array, csr_array

from brainage.errors import ScanError
from brainage.files import atomic_path
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.moving import resampled
from brainage.imaging.atlas.product import VolumeProduct
from brainage.imaging.atlas.weights import smoothed, unmixing
from brainage.imaging.reading.nifti import Grid
from brainage.imaging.reading.volume import read_volume

_FORMAT = 6
#: How far a slope may leave a mask's value from its whole number.
_ROUNDING = 1e-3
#: What a kept operator consists of, in the order of its checksum.
_ARRAYS = ("data", "indices", "indptr", "shape", "voxels", "coverage", "empty", "unmix")


@dataclass(frozen=True, eq=False)
class ParcelOperator:
    """Weights that turn a volume into parcel signals.

    Parameters
    ----------
    voxels : ndarray of shape (k,), int
        Voxels with a weight, in Fortran order of the grid, ascending.
    weights : csc_array of shape (p, k)
        By columns, because volumes come voxel by voxel.
    coverage : ndarray of shape (p,)
        Share of the parcel inside mask and field of view, 0 to 1.
    empty : ndarray of shape (p,), bool
        Parcels without a voxel.
    unmix : ndarray of shape (p, p) or None, default=None
        Follows the weights where signals are a least-squares fit of maps.
    """

    voxels: np.ndarray
    weights: csc_array
    coverage: np.ndarray
    empty: np.ndarray
    unmix: np.ndarray | None = None

    @functools.cached_property
    def _size(self) -> np.ndarray:
        # Only masks and values that are not finite need it: it takes as much memory as weights.
        return np.asarray(abs(self.weights).sum(axis=1)).ravel()

    def apply(
        self,
        blocks: Iterable[np.ndarray],
        n_volumes: int,
        *,
        slope: float = 1.0,
        intercept: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the parcel signals of volumes that come in blocks, summed in float64.

        Parameters
        ----------
        blocks : iterable of ndarray of shape (n_volumes_of_block, n_voxels)
            Stored values of any numeric type, voxels in Fortran order. A block is not used after
            the next one is asked for.
        n_volumes : int
            Of all blocks.
        slope, intercept : float
            Value = stored x slope + intercept.

        Returns
        -------
        signals : ndarray of shape (n_volumes, p), float64
            Values that are not finite count as 0, as in nilearn.
        not_finite : ndarray of shape (k,), int, or None
            In how many of the volumes a voxel was not finite; None where all were.
        """
        signals = np.empty((n_volumes, self.weights.shape[0]))
        product = VolumeProduct(self.voxels, self.weights, slope, intercept)
        product.signals(blocks, signals)
        if self.unmix is not None:
            signals = signals @ self.unmix
        return signals, product.not_finite

    def share_of(self, voxels: np.ndarray) -> np.ndarray:
        """Return the share (p,) of each parcel's weight that lies on `voxels` (k,), bool."""
        part = abs(self.weights) @ voxels.astype(np.float64)
        return part / np.where(self._size > 0, self._size, 1.0)

    def restricted(self, inside: np.ndarray) -> ParcelOperator:
        """Return the operator on a mask; this one must not be smoothed.

        Parameters
        ----------
        inside : ndarray of shape (n_voxels,), bool
            Mask in Fortran order.
        """
        kept = inside[self.voxels]
        lengths = np.diff(self.weights.indptr)
        entries = np.repeat(kept, lengths)
        rows, data = self.weights.indices[entries], self.weights.data[entries]
        left = np.bincount(rows, weights=np.abs(data), minlength=len(self._size))
        share = left / np.where(self._size > 0, self._size, 1.0)
        if self.unmix is None:
            # Still means: of the voxels that are left.
            data = data / left[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths[kept])]).astype(np.int32)
        weights = csc_array((data, rows, indptr), shape=(len(self._size), int(kept.sum())))
        unmix = None if self.unmix is None else unmixing(weights)
        empty = np.bincount(rows, minlength=len(self._size)) == 0
        return ParcelOperator(self.voxels[kept], weights, self.coverage * share, empty, unmix)


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
        Operators without a mask are kept there under the hash of everything that made them;
        workers may build the same one at once.

    Returns
    -------
    operator : ParcelOperator
        The same object for equal arguments within a process (the last four).
    """
    folder = None if cache_folder is None else str(cache_folder)
    request = _Request(atlas, grid, mask, smoothing_fwhm_mm, folder)
    return _remembered(request)


class _Request:
    """Arguments of `parcel_operator`, equal where their content is."""

    def __init__(
        self,
        atlas: Atlas,
        grid: Grid,
        mask: np.ndarray | None,
        smoothing_fwhm_mm: float | None,
        folder: str | None,
    ) -> None:
        self.atlas, self.grid, self.mask = atlas, grid, mask
        self.smoothing_fwhm_mm, self.folder = smoothing_fwhm_mm, folder
        self.key = self._key()

    def _key(self) -> str:
        digest = hashlib.sha256(f"{_FORMAT} {self.atlas.content_hash} ".encode())
        digest.update(f"{self.grid.shape} {self.smoothing_fwhm_mm} ".encode())
        digest.update(np.asarray(self.grid.affine, dtype="<f8").tobytes())
        digest.update(b"no mask" if self.mask is None else np.packbits(self.mask).tobytes())
        return digest.hexdigest()[:32]

    def __hash__(self) -> int:
        return hash((self.key, self.folder))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Request) and (self.key, self.folder) == (other.key, other.folder)


# Per process: a batch of scans on one grid loads its operator once.
@functools.lru_cache(maxsize=4)
def _remembered(request: _Request) -> ParcelOperator:
    if request.mask is not None:
        return _masked(request)
    if request.folder is None:
        return _build(request)
    path = Path(request.folder) / f"{request.key}.npz"
    found = _load(path, request.grid.n_voxels)
    if found is None:
        found = _build(request)
        _save(found, path)
    return found


def _masked(request: _Request) -> ParcelOperator:
    if request.mask is None or not request.atlas.restrictable:
        return _build(request)
    whole = _remembered(_Request(request.atlas, request.grid, None, None, request.folder))
    return _smoothed(whole.restricted(request.mask.ravel(order="F")), request)


def _build(request: _Request) -> ParcelOperator:
    made = request.atlas.weights(request.grid, request.mask)
    operator = _compact(made.matrix, made.coverage, made.unmix)
    return _smoothed(operator, request)


def _smoothed(operator: ParcelOperator, request: _Request) -> ParcelOperator:
    if request.smoothing_fwhm_mm is None:
        return operator
    small = operator.weights.tocsr()
    on_grid = csr_array(
        (small.data, operator.voxels[small.indices], small.indptr),
        shape=(small.shape[0], request.grid.n_voxels),
    )
    matrix = smoothed(on_grid, request.grid, request.smoothing_fwhm_mm)
    return _compact(matrix, operator.coverage, operator.unmix)


def _compact(matrix: csr_array, coverage: np.ndarray, unmix: np.ndarray | None) -> ParcelOperator:
    used = np.zeros(matrix.shape[1], dtype=bool)
    used[matrix.indices] = True
    voxels = np.flatnonzero(used)
    columns = (np.cumsum(used, dtype=np.int32) - 1)[matrix.indices]
    parts = (matrix.data.astype(np.float64), columns, matrix.indptr.astype(np.int32))
    weights = csr_array(parts, shape=(matrix.shape[0], len(voxels))).tocsc()
    empty = np.diff(matrix.indptr) == 0
    return ParcelOperator(voxels, weights, np.asarray(coverage, dtype=np.float64), empty, unmix)


def load_mask(path: str | Path, grid: Grid) -> np.ndarray:
    """Return a mask image on a grid, nearest neighbour.

    Parameters
    ----------
    path : str or Path
        3-D image of whole numbers; what is not 0 is inside.
    grid : Grid
        Of the scan; a mask on another grid is resampled.

    Returns
    -------
    inside : ndarray of shape grid.shape, bool

    Raises
    ------
    ScanError
        Not readable, not 3-D, fractions (a probability has no inside), or empty on the scan's
        grid.
    """
    try:
        header, stored = read_volume(path)
    except ScanError as error:
        raise ScanError(f"{error} (read as the scan's mask)") from error
    # Also of a slope alone: a probability may be stored as 0 to 255 and a slope of 1 / 255.
    values = stored
    if (header.slope, header.intercept) != (1.0, 0.0):
        values = stored.astype(np.float64) * header.slope + header.intercept
    finite = np.where(np.isfinite(values), values, 0)
    part = np.abs(finite - np.rint(finite)) > _ROUNDING
    if part.any():
        raise ScanError(
            f"{path}: expected a mask of whole numbers (0 outside, 1 inside), found values such as "
            f"{finite[part].flat[0]:.3g}. Where a probability begins to be inside is "
            "your choice: threshold it."
        )
    inside = resampled((np.rint(finite) != 0).view(np.uint8), header.grid, grid, "nearest") != 0
    if not inside.any():
        raise ScanError(f"{path}: an empty mask: no voxel of the scan's grid is inside.")
    return inside


def _load(path: Path, n_voxels: int | None = None) -> ParcelOperator | None:
    """Return a kept operator, None where it is absent or is not what was written."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_ARRAYS, "sha256")}
    # Absent, or damaged by a full disk: built again and replaced.
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError):
        return None
    except (zlib.error, MemoryError, OverflowError):
        return None
    if arrays.pop("sha256").tobytes() != _digest(arrays) or not _is_valid(arrays, n_voxels):
        return None
    weights = csc_array(
        (arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"])
    )
    unmix = arrays["unmix"] if arrays["unmix"].size else None
    return ParcelOperator(arrays["voxels"], weights, arrays["coverage"], arrays["empty"], unmix)


def _digest(arrays: dict[str, np.ndarray]) -> bytes:
    digest = hashlib.sha256()
    for name in _ARRAYS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.data.cast("B") if array.size else b"")
    return digest.digest()


def _is_valid(arrays: dict[str, np.ndarray], n_voxels: int | None) -> bool:
    """Say whether arrays make a matrix: SciPy believes its indices and would read anywhere."""
    if arrays["shape"].shape != (2,):
        return False
    p, k = (int(n) for n in arrays["shape"])
    data, indices, indptr = arrays["data"], arrays["indices"], arrays["indptr"]
    voxels, unmix = arrays["voxels"], arrays["unmix"]
    lengths = (len(indptr) == k + 1) and (len(data) == len(indices)) and (len(voxels) == k)
    lengths = lengths and arrays["coverage"].shape == arrays["empty"].shape == (p,)
    if not lengths or unmix.shape not in ((0,), (p, p)) or p < 1:
        return False
    ordered = indptr[0] == 0 and indptr[-1] == len(data) and (np.diff(indptr) >= 0).all()
    inside = not len(indices) or (indices.min() >= 0 and indices.max() < p)
    seen = not k or (voxels[0] >= 0 and (np.diff(voxels) > 0).all())
    if k and n_voxels is not None:
        seen = seen and voxels[-1] < n_voxels
    return bool(ordered and inside and seen)


def _save(operator: ParcelOperator, path: Path) -> None:
    weights = operator.weights
    arrays = {
        "data": weights.data,
        "indices": weights.indices,
        "indptr": weights.indptr,
        "shape": np.array(weights.shape),
        "voxels": operator.voxels,
        "coverage": operator.coverage,
        "empty": operator.empty,
        "unmix": np.empty(0) if operator.unmix is None else operator.unmix,
    }
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays, sha256=np.frombuffer(_digest(arrays), dtype=np.uint8))
