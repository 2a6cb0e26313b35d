"""Atlases of maps: with maps M (voxels x p) a volume v has the signals ``(M'M)^-1 M'v``.

M' stays sparse, and the small ``(M'M)^-1`` follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from brainage.errors import AtlasError
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.moving import in_view, resampled, slabs
from brainage.imaging.atlas.weights import Weights, unmixing
from brainage.imaging.reading.nifti import Grid, ScanHeader
from brainage.imaging.reading.stream import VolumeStream


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MapAtlas(Atlas):
    """An atlas of maps that may overlap.

    Parameters
    ----------
    image : Path
        4-D NIfTI, one map a volume.

    Examples
    --------
    >>> from brainage.imaging import write_nifti
    >>> maps = np.random.default_rng(0).random((4, 4, 4, 2))
    >>> write_nifti(folder / "maps.nii.gz", maps, np.eye(4), dtype="float32")
    >>> atlas = ba.load_atlas(ba.AtlasOptions(name="own", path=str(folder / "maps.nii.gz")))
    >>> type(atlas).__name__, atlas.n_parcels
    ('MapAtlas', 2)
    """

    image: Path
    what = "maps"
    signal_words = "the least-squares loadings on the maps"

    def weights(self, grid: Grid, inside: np.ndarray | None = None) -> Weights:
        """Return the maps on a grid, and what unmixes them; see `Atlas.weights`."""
        rows, columns, data, shares = [], [], [], []
        # One map at a time: 1,024 maps on a scan's grid would be ten gigabytes.
        with VolumeStream(self.image, n_threads=1, series=False) as stream:
            header = stream.header
            if header.n_volumes != self.n_parcels:
                raise AtlasError(
                    f"{self.image}: expected {self.n_parcels} maps, found {header.n_volumes}."
                )
            for first, block in stream.blocks():
                for i, stored in enumerate(block, start=first):
                    values = _finite(stored.reshape(header.grid.shape, order="F"), header)
                    shares.append(_share_in_view(values, header.grid, grid))
                    # nilearn 0.14's NiftiMapsMasker resamples maps linearly (its release notes;
                    # the older cubic spline rang).
                    moved = resampled(values, header.grid, grid, "linear")
                    flat = moved.astype(np.float64).ravel(order="F")
                    places = np.flatnonzero(flat)
                    rows.append(np.full(len(places), i))
                    columns.append(places)
                    data.append(flat[places])
        matrix = csr_array(
            (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))),
            shape=(self.n_parcels, grid.n_voxels),
        )
        held = np.diff(matrix.indptr) > 0
        return Weights(matrix, np.where(held, shares, 0.0), unmixing(matrix))


def _finite(stored: np.ndarray, header: ScanHeader) -> np.ndarray:
    """Return a map's values, 0 where they are not finite, in the type that nilearn moves them in.

    That is the one they are stored in, or float64 where the header scales them.
    """
    if (header.slope, header.intercept) != (1.0, 0.0):
        # Not in single precision: maps that are much alike would lose what tells them apart.
        stored = stored.astype(np.float64) * header.slope + header.intercept
    # Nothing moves images of more than 64 bits a voxel.
    wide = stored.dtype.itemsize > 8
    native = stored.astype(np.float64 if wide else stored.dtype.newbyteorder("="))
    return np.where(np.isfinite(native), native, native.dtype.type(0))


def _share_in_view(values: np.ndarray, own: Grid, grid: Grid) -> float:
    total = seen = 0.0
    for slab in slabs(own.shape):
        part = np.abs(values[..., slab]).astype(np.float64)
        total += part.sum()
        seen += part[in_view(own, grid, slab)].sum()
    return seen / total if total > 0 else 0.0
