"""CIFTI-2: parcel signals of ``dtseries.nii`` by a ``dlabel.nii``, and of ``ptseries.nii``.

A parcel is the plain mean of its grayordinates, as `wb_command -cifti-parcellate` has it.
Grayordinates are matched by structure and vertex (or voxel), never by position: label files and
series cover different ones.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, SeriesAxis
from nibabel.cifti2.cifti2_axes import Axis
from scipy.sparse import csr_array

from brainage.errors import AtlasError, ScanError
from brainage.imaging.atlas.atlas import Atlas, parcels_of
from brainage.imaging.atlas.label_tables import split_name
from brainage.imaging.atlas.weights import Weights
from brainage.imaging.reading.cifti_file import keys_of, open_cifti, structures_of
from brainage.imaging.reading.nifti import Grid

SURFACE_SPACE = "fsLR"
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class SurfaceSignals:
    """Parcel signals of a CIFTI series before cleaning.

    Parameters
    ----------
    values : ndarray of shape (n_volumes, p), float64
        In the file's units.
    coverage : ndarray of shape (p,)
        Share of the parcel's grayordinates that were seen: that the series has, finite, and that
        vary over the run (fMRIPrep writes zeros where nothing was).
    broken : ndarray of shape (p,), bool
        Parcels with a grayordinate that is not finite in some volumes only.
    t_r_s : float or None
        The file's time step, None where it has no unit of time.
    """

    values: np.ndarray
    coverage: np.ndarray
    broken: np.ndarray
    t_r_s: float | None


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class SurfaceAtlas(Atlas):
    """An atlas of grayordinates, for CIFTI scans.

    Parameters
    ----------
    image : Path
        ``dlabel.nii``, or the ``ptseries.nii`` whose parcels are made already.
    label_values : ndarray of shape (p,), int, or None
        Key of each parcel; None for made parcels.

    Examples
    --------
    >>> from brainage.imaging import Parcels
    >>> atlas = SurfaceAtlas(
    ...     name="own",
    ...     parcels=Parcels(("left", "right")),
    ...     space="fsLR",
    ...     content_hash="0",
    ...     image=Path("own.dlabel.nii"),
    ...     label_values=np.array([1, 2]),
    ... )
    >>> atlas.n_parcels, atlas.of_surfaces
    (2, True)
    """

    image: Path
    label_values: np.ndarray | None
    what = "parcels of grayordinates"
    signal_words = "the means of the grayordinates"
    of_surfaces = True

    def own_columns(self) -> dict[str, np.ndarray]:
        """Return each parcel's key where it has one."""
        return {} if self.label_values is None else {"label": self.label_values}

    def weights(self, grid: Grid, inside: np.ndarray | None = None) -> Weights:
        """Refuse: a grid of voxels has no grayordinates."""
        raise AtlasError(
            f"atlas {self.name} labels surfaces, found a grid of voxels. Use *.dtseries.nii, or "
            "an atlas in a volume."
        )


def load_cifti_atlas(path: Path, name: str, space: str | None) -> SurfaceAtlas:
    """Load the parcels of a ``dlabel.nii``, or of a ``ptseries.nii`` that has them made already.

    Raises
    ------
    AtlasError
        Not such a file, or no parcel in it.
    """
    axes, image = open_cifti(path, AtlasError)
    if isinstance(axes[1], ParcelsAxis):
        names, values = [str(n) for n in axes[1].name], None
        digest = hashlib.sha256(b"parcels")
    elif isinstance(axes[0], LabelAxis) and isinstance(axes[1], BrainModelAxis):
        names, values, digest = _labelled_parcels(path, axes[0], axes[1], image=image)
    else:
        raise AtlasError(
            f"{path}: expected labels (dlabel.nii) or parcels (ptseries.nii), found "
            f"{type(axes[0]).__name__} by {type(axes[1]).__name__}."
        )
    if not names or len(set(names)) < len(names):
        raise AtlasError(
            f"{path}: expected parcels with unique names, found {len(names)} parcels "
            f"with {len(set(names))} names."
        )
    digest.update("\t".join(names).encode())
    networks, sides = zip(*(split_name(n) for n in names), strict=True)
    return SurfaceAtlas(
        name=name,
        parcels=parcels_of(path, names, networks, sides),
        space=space or SURFACE_SPACE,
        content_hash=digest.hexdigest()[:32],
        image=path,
        label_values=values,
    )


def _labelled_parcels(
    path: Path, labels: LabelAxis, axis: BrainModelAxis, *, image: nib.Cifti2Image
) -> tuple[list[str], np.ndarray, hashlib._Hash]:
    if len(labels) != 1:
        raise AtlasError(
            f"{path}: expected one map of labels, found {len(labels)}: "
            f"{', '.join(map(str, labels.name))}. Keep one (wb_command "
            "-cifti-merge with -column)."
        )
    keys = keys_of(path, image)
    table = labels.label[0]
    values = np.array([k for k in np.unique(keys) if k != 0 and k in table], dtype=int)
    unnamed = [int(k) for k in np.unique(keys) if k != 0 and k not in table]
    if unnamed:
        raise AtlasError(f"{path}: no name for label(s) {unnamed[:10]}.")
    digest = hashlib.sha256(b"dlabel" + keys.astype(np.int64).tobytes())
    for places in (axis.vertex, axis.voxel):
        digest.update(np.asarray(places, dtype=np.int64).tobytes())
    digest.update("\t".join(axis.name.astype(str)).encode())
    return [str(table[int(k)][0]) for k in values], values, digest


def read_surface_signals(path: Path, atlas: Atlas) -> SurfaceSignals:
    """Read a CIFTI series as parcel signals.

    Parameters
    ----------
    path : Path
        ``dtseries.nii`` (needs an atlas from a dlabel.nii) or ``ptseries.nii`` (its parcels are
        matched with the atlas's by name).
    atlas : SurfaceAtlas
        Another kind is refused.

    Returns
    -------
    signals : SurfaceSignals

    Raises
    ------
    ScanError
        Not such a file, truncated, or parcels that do not match.
    """
    if not isinstance(atlas, SurfaceAtlas):
        raise ScanError(
            f"{path}: a CIFTI series needs an atlas of grayordinates, found {atlas.name} "
            f"({atlas.what}). Name a dlabel.nii in science.atlas.path."
        )
    axes, image = open_cifti(path, ScanError)
    if not isinstance(axes[0], SeriesAxis):
        raise ScanError(f"{path}: expected a time series, found {type(axes[0]).__name__}.")
    if isinstance(axes[1], ParcelsAxis):
        values = _read_all(path, image)[:, _columns_by_name(path, axes[1], atlas)]
        coverage = np.ones(atlas.n_parcels)
        broken = ~np.isfinite(values).all(axis=0)
    else:
        members, total = _by_grayordinate(path, axes[1], atlas)
        values, found, broken = _mean_of_seen(path, image, members)
        coverage = found / np.maximum(total, 1)
    unit, step = str(axes[0].unit).upper(), float(axes[0].step)
    return SurfaceSignals(values, coverage, broken, step if unit == "SECOND" and step > 0 else None)


def _read_all(path: Path, image: nib.Cifti2Image) -> np.ndarray:
    blocks = [block for _, block in _blocks(path, image)]
    return np.concatenate(blocks, axis=1)


def _blocks(path: Path, image: nib.Cifti2Image) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield some grayordinates at a time, (n_volumes, k) float64.

    A CIFTI file holds one grayordinate's whole series after the other: some volumes at a time would
    be read from all over the file.
    """
    n_volumes, n_places = image.shape
    n_together = max(1, _BLOCK_BYTES // (8 * n_volumes))
    try:
        for first in range(0, n_places, n_together):
            chosen = slice(first, min(first + n_together, n_places))
            yield chosen, np.asarray(image.dataobj[:, chosen], dtype=np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise ScanError(
            f"{path}: expected {n_volumes} volumes, found a file that ends before: {error}"
        ) from error


def _mean_of_seen(
    path: Path, image: nib.Cifti2Image, members: csr_array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means over the grayordinates of each parcel that were seen.

    Parameters
    ----------
    path : Path
        For messages.
    image : Cifti2Image
        (n_volumes, n_places).
    members : csr_array of shape (p, n_places)
        1 where a place belongs to a parcel.

    Returns
    -------
    values : ndarray of shape (n_volumes, p)
        0 where nothing was seen.
    found : ndarray of shape (p,)
        Places seen: finite throughout, and not constant.
    broken : ndarray of shape (p,), bool
        Parcels with a place that is finite in some volumes only: it would put steps into the mean.
    """
    p = members.shape[0]
    total, found, broken = np.zeros((p, image.shape[0])), np.zeros(p), np.zeros(p, dtype=bool)
    columns = members.tocsc()
    for chosen, block in _blocks(path, image):
        finite = np.isfinite(block)
        whole = finite.all(axis=0)
        block[~finite] = 0.0
        seen = whole & (np.ptp(block, axis=0) > 0)
        mine = columns[:, chosen]
        total += mine @ np.where(seen, block, 0.0).T
        found += mine @ seen.astype(float)
        broken |= mine @ (finite.any(axis=0) & ~whole).astype(float) > 0
    return np.ascontiguousarray((total / np.maximum(found, 1)[:, None]).T), found, broken


def _columns_by_name(path: Path, axis: ParcelsAxis, atlas: SurfaceAtlas) -> list[int]:
    names = [str(n) for n in axis.name]
    absent = [name for name in atlas.parcel_names if name not in set(names)]
    if absent or len(names) != atlas.n_parcels:
        raise ScanError(
            f"{path}: {len(names)} parcels, and {len(absent)} of the {atlas.n_parcels} "
            f"of atlas {atlas.name} are not among them ({', '.join(absent[:5])})."
        )
    return [names.index(name) for name in atlas.parcel_names]


def _by_grayordinate(path: Path, axis: Axis, atlas: SurfaceAtlas) -> tuple[csr_array, np.ndarray]:
    """Return which place belongs to which parcel (p, n_places), and each parcel's size."""
    if not isinstance(axis, BrainModelAxis) or atlas.label_values is None:
        raise ScanError(
            f"{path}: grayordinates need an atlas from a dlabel.nii; {atlas.name} has "
            "parcels without them."
        )
    labels = _labels_of(atlas.image, atlas.content_hash)
    if (
        labels.affine is not None
        and axis.affine is not None
        and not np.allclose(labels.affine, axis.affine, atol=1e-4)
    ):
        raise ScanError(f"{path}: its voxels lie on another grid than those of {atlas.image.name}.")
    order = np.argsort(atlas.label_values)
    keys = np.asarray(atlas.label_values)[order]
    rows: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    total = np.zeros(atlas.n_parcels)
    here = {structure: (where, places) for structure, where, places in structures_of(axis)}
    for structure, (its_keys, its_places) in labels.structures.items():
        known = np.isin(its_keys, keys)
        parcel = order[np.searchsorted(keys, its_keys[known])]
        total += np.bincount(parcel, minlength=atlas.n_parcels)
        where, places = here.get(structure, (slice(0, 0), np.empty(0, dtype=np.int64)))
        _, of_labels, of_series = np.intersect1d(
            its_places[known], places, assume_unique=True, return_indices=True
        )
        rows.append(parcel[of_labels])
        columns.append(where.start + of_series)
    places_of = (np.concatenate(rows), np.concatenate(columns))
    shape = (atlas.n_parcels, len(axis))
    return csr_array((np.ones(len(places_of[0])), places_of), shape=shape), total


@dataclass(frozen=True)
class _Labels:
    """Labels by structure: keys and places (k,) of its grayordinates."""

    affine: np.ndarray | None
    structures: dict[str, tuple[np.ndarray, np.ndarray]]


# Once a process, and not once a scan.
@functools.lru_cache(maxsize=2)
def _labels_of(path: Path, content_hash: str) -> _Labels:
    axes, image = open_cifti(path, AtlasError)
    keys, axis = keys_of(path, image), cast(BrainModelAxis, axes[1])
    return _Labels(
        axis.affine,
        {structure: (keys[where], places) for structure, where, places in structures_of(axis)},
    )
