"""Atlases of spheres: a parcel is the mean of the voxels whose centres lie within a radius."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nilearn.image.resampling import coord_transform
from scipy.sparse import csr_array

from brainage.imaging.atlas.atlas import Atlas, Parcels
from brainage.imaging.atlas.weights import Weights
from brainage.imaging.reading.nifti import Grid

#: The published spheres are in "MNI space"; at their radius the variants of MNI152 agree.
SPHERE_SPACE = "MNI"
#: Below this radius nilearn may add a voxel outside a sphere that depends on the mask.
_RESTRICTABLE_RADIUS_MM = 3.5
#: nilearn adds to a sphere the first voxel with its centre's whole millimetres.
_ADDED_WITHIN_MM = 2.0


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SphereAtlas(Atlas):
    """An atlas of spheres that may overlap.

    Parameters
    ----------
    coordinates_mm : ndarray of shape (p, 3)
        Centres.
    radii_mm : ndarray of shape (p,)
        Radii.

    Examples
    --------
    >>> atlas = ba.load_atlas("dosenbach160")
    >>> type(atlas).__name__, atlas.coordinates_mm.shape
    ('SphereAtlas', (160, 3))
    """

    coordinates_mm: np.ndarray
    radii_mm: np.ndarray
    what = "spheres"
    signal_words = "the means of the voxels in the spheres"

    @property
    def centres_mm(self) -> np.ndarray | None:
        """Centre of each sphere (p, 3)."""
        return self.coordinates_mm

    @property
    def restrictable(self) -> bool:
        """Whether weights on a mask follow from those on the whole grid."""
        return bool(np.min(self.radii_mm) >= _RESTRICTABLE_RADIUS_MM)

    def own_columns(self) -> dict[str, np.ndarray]:
        """Return each sphere's centre and radius."""
        return {**super().own_columns(), "radius_mm": self.radii_mm}

    def weights(self, grid: Grid, inside: np.ndarray | None = None) -> Weights:
        """Return means over the voxels of each sphere, restricted while they are looked for.

        See `Atlas.weights`. nilearn looks for a seed's own voxel among the masked ones.
        """
        # Only a cold build needs scikit-learn: its search is nilearn's, ties at the radius too.
        from sklearn.neighbors import NearestNeighbors

        centres = np.asarray(self.coordinates_mm, float)
        radii = np.asarray(self.radii_mm, float)
        near = _near(centres, radii, grid)
        flat = np.flatnonzero(near if inside is None else near & inside.ravel())
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
            found = search.radius_neighbors(centres[chosen], return_distance=False)
            for i, within in zip(chosen, found, strict=True):
                members = np.union1d(within, own[i]).astype(np.int64)
                rows.append(np.full(len(members), i))
                columns.append(columns_of_point[members])
        parcel, voxel = np.concatenate(rows), np.concatenate(columns)
        sizes = np.bincount(parcel, minlength=len(centres))
        shape = (len(centres), grid.n_voxels)
        matrix = csr_array((1.0 / sizes[parcel], (parcel, voxel)), shape=shape)
        full = _full_sizes(centres, radii, grid, sizes > 0)
        return Weights(matrix, np.minimum(1.0, sizes / full))


def make_spheres(
    name: str,
    names: Sequence[str],
    networks: Sequence[str | None],
    *,
    coordinates_mm: np.ndarray,
    radii_mm: np.ndarray,
) -> SphereAtlas:
    """Make an atlas of spheres; sides follow from x, "unassigned" is no network."""
    digest = hashlib.sha256(b"spheres" + coordinates_mm.tobytes() + radii_mm.tobytes())
    digest.update("\t".join(names).encode())
    sides = tuple("L" if x < 0 else "R" if x > 0 else None for x in coordinates_mm[:, 0])
    known = tuple(None if n in (None, "unassigned") else n for n in networks)
    return SphereAtlas(
        name=name,
        parcels=Parcels(tuple(names), known, sides),
        space=SPHERE_SPACE,
        content_hash=digest.hexdigest()[:32],
        coordinates_mm=coordinates_mm,
        radii_mm=radii_mm,
    )


def _near(centres: np.ndarray, radii: np.ndarray, grid: Grid) -> np.ndarray:
    """Mark the voxels in a box around each sphere (n_voxels,), C order: no other can be in one."""
    near = np.zeros(grid.shape, dtype=bool)
    inverse = np.linalg.inv(grid.affine)
    middles = centres @ inverse[:3, :3].T + inverse[:3, 3]
    # A box of millimetres is a box of voxels with these half widths, obliquely placed or not.
    reach = np.abs(inverse[:3, :3]).sum(axis=1)
    for middle, radius in zip(middles, radii, strict=True):
        half = (radius + _ADDED_WITHIN_MM) * reach + 1
        low = np.clip(np.floor(middle - half), 0, grid.shape).astype(int)
        high = np.clip(np.ceil(middle + half) + 1, 0, grid.shape).astype(int)
        near[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return near.ravel()


def _own_voxels(
    centres: np.ndarray, points: np.ndarray, flat: np.ndarray, grid: Grid
) -> list[list[int]]:
    """Return the points that a sphere holds whatever its radius, by nilearn's two rules."""
    inverse = np.linalg.inv(grid.affine)
    nearest = np.round(np.asarray(coord_transform(*centres.T, inverse)).T).astype(int)
    in_grid = ((nearest >= 0) & (nearest < grid.shape)).all(axis=1)
    own: list[list[int]] = [[] for _ in centres]
    for i in np.flatnonzero(in_grid):
        voxel = np.ravel_multi_index(tuple(nearest[i]), grid.shape)
        at = int(np.searchsorted(flat, voxel))
        if at < len(flat) and flat[at] == voxel:
            own[i].append(at)
    # The second rule compares millimetres cut to whole numbers, and takes the first that agrees.
    keys, first = np.unique(_packed(points.astype(int)), return_index=True)
    wanted = _packed(centres.astype(int))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    for i in np.flatnonzero(keys[place] == wanted):
        own[i].append(int(first[place[i]]))
    return own


def _packed(whole: np.ndarray) -> np.ndarray:
    """Pack three whole numbers of millimetres (below a kilometre) into one."""
    return (whole.astype(np.int64) + 2**20) @ np.array([2**42, 2**21, 1])


def _full_sizes(
    centres: np.ndarray, radii: np.ndarray, grid: Grid, wanted: np.ndarray
) -> np.ndarray:
    """Count the lattice points of the wanted spheres were the grid continued beyond its border."""
    affine = grid.affine[:3, :3]
    inverse = np.linalg.inv(grid.affine)
    lengths = np.linalg.norm(inverse[:3, :3], axis=1)
    nearest = np.round(centres @ inverse[:3, :3].T + inverse[:3, 3])
    sizes = np.ones(len(centres))
    offsets: dict[float, np.ndarray] = {}
    for i in np.flatnonzero(wanted):
        centre, radius = centres[i], float(radii[i])
        if radius not in offsets:
            reach = np.ceil(radius * lengths).astype(int) + 1
            axes = [np.arange(-r, r + 1) for r in reach]
            lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
            offsets[radius] = lattice
        points = (nearest[i] + offsets[radius]) @ affine.T + grid.affine[:3, 3]
        sizes[i] = (np.linalg.norm(points - centre, axis=1) <= radius).sum()
    return np.maximum(1, sizes)
