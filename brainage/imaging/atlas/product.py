"""Weights times volumes: some volumes at a time, some voxels at a time, summed in float64.

One volume at a time the weights would come from memory for each; with smoothing they are larger
than any cache, and that took longer than inflating the scan. So each volume's voxels are set aside
as they are stored, and a batch of them is multiplied tile by tile, tiles of voxels that fit into
the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.sparse import csc_array

#: Bytes of stored voxels set aside, and the most volumes: more of them gain little.
_BATCH_BYTES = 8 * 2**20
_MOST_VOLUMES = 16
_TILE_VOXELS = 8192


class VolumeProduct:
    """Multiplies volumes by weights as they come.

    Parameters
    ----------
    voxels : ndarray of shape (k,), int
        Voxels with a weight.
    weights : csc_array of shape (p, k)
        Their weights.
    slope, intercept : float
        Value = stored x slope + intercept.

    Attributes
    ----------
    not_finite : ndarray of shape (k,), int, or None
        In how many volumes so far a voxel was not finite (it counts as 0, as in nilearn); None
        where all were.
    """

    def __init__(
        self, voxels: np.ndarray, weights: csc_array, slope: float, intercept: float
    ) -> None:
        self._voxels, self._weights = voxels, weights
        self._slope, self._intercept = slope, intercept
        self._tiles = list(_tiles(weights))
        self.not_finite: np.ndarray | None = None

    def signals(self, blocks: Iterable[np.ndarray], out: np.ndarray) -> None:
        """Fill `out` (n_volumes, p) from blocks (n_volumes_of_block, n_voxels) of stored values."""
        aside: np.ndarray | None = None
        n_aside = done = 0
        for block in blocks:
            if aside is None:
                volume_bytes = max(1, len(self._voxels) * block.dtype.itemsize)
                n = min(_MOST_VOLUMES, max(1, _BATCH_BYTES // volume_bytes))
                aside = np.empty((min(n, len(out)), len(self._voxels)), dtype=block.dtype)
            for volume in block:
                np.take(volume, self._voxels, out=aside[n_aside], mode="clip")
                n_aside += 1
                if n_aside == len(aside):
                    out[done : done + n_aside] = self._multiplied(aside)
                    done, n_aside = done + n_aside, 0
        if n_aside and aside is not None:
            out[done : done + n_aside] = self._multiplied(aside[:n_aside])

    def _multiplied(self, stored: np.ndarray) -> np.ndarray:
        if self.not_finite is None:
            signals = self._product(stored)
            if np.isfinite(signals).all():
                return signals.T
            # From here on every value is looked at: where one volume holds NaN, most do.
            self.not_finite = np.zeros(len(self._voxels), dtype=int)
        return self._product(stored).T

    def _product(self, stored: np.ndarray) -> np.ndarray:
        signals = np.zeros((self._weights.shape[0], len(stored)))
        buffer = np.empty(_TILE_VOXELS * len(stored))
        for low, high, weights in self._tiles:
            values = buffer[: (high - low) * len(stored)].reshape(high - low, len(stored))
            values[:] = stored[:, low:high].T
            if (self._slope, self._intercept) != (1.0, 0.0):
                values *= self._slope
                values += self._intercept
            counted = self.not_finite
            if counted is not None:
                bad = ~np.isfinite(values)
                counted[low:high] += bad.sum(axis=1)
                values[bad] = 0.0
            signals += weights @ values
        return signals


def _tiles(weights: csc_array) -> Iterator[tuple[int, int, csc_array]]:
    """Yield (first voxel, end, weights of those voxels), without copying the weights."""
    p, k = weights.shape
    for low in range(0, k, _TILE_VOXELS):
        high = min(k, low + _TILE_VOXELS)
        start, end = weights.indptr[low], weights.indptr[high]
        tile = csc_array((p, high - low))
        # Set, and not handed to the constructor, which copies what is a part of something larger.
        tile.data, tile.indices = weights.data[start:end], weights.indices[start:end]
        tile.indptr = weights.indptr[low : high + 1] - start
        yield low, high, tile
