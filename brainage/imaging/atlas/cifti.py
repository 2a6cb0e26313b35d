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
from xml.parsers.expat import ExpatError

import nibabel as nib
import numpy as np
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, SeriesAxis
from nibabel.spatialimages import HeaderDataError
from scipy.sparse import csr_array

from brainage.errors import AtlasError, ScanError
from brainage.imaging.atlas.atlas import Atlas
from brainage.imaging.atlas.label_tables import split_name

SURFACE_SPACE = "fsLR"
_BLOCK_BYTES = 16 * 2**20
#: What nibabel raises on files that are cut short or not CIFTI.
_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    HeaderDataError,
    nib.filebasedimages.ImageFileError,
    ExpatError,
)


@dataclass(frozen=True)
class SurfaceSignals:
    """Parcel signals of a CIFTI series before cleaning.

    Parameters
    ----------
    values : ndarray of shape (n_volumes, p), float64
        In the file's units.
    coverage : ndarray of shape (p,)
        Share of the parcel's grayordinates that the series has.
    broken : ndarray of shape (p,), bool
        Parcels with a value that is not finite.
    t_r_s : float or None
        The file's time step, None where it has no unit of time.
    """

    values: np.ndarray
    coverage: np.ndarray
    broken: np.ndarray
    t_r_s: float | None


def is_cifti(path: Path) -> bool:
    """Tell a CIFTI series from a volumetric one by its name."""
    return path.name.endswith((".dtseries.nii", ".ptseries.nii"))


def load_cifti_atlas(path: Path, name: str, space: str | None) -> Atlas:
    """Load the parcels of a ``dlabel.nii``, or of a ``ptseries.nii`` that has them made already.

    Raises
    ------
    AtlasError
        Not such a file, or no parcel in it.
    """
    axes, image = _open(path, AtlasError)
    space = space or SURFACE_SPACE
    if isinstance(axes[1], ParcelsAxis):
        names, values = [str(n) for n in axes[1].name], None
        digest = hashlib.sha256(b"parcels")
    elif isinstance(axes[0], LabelAxis) and isinstance(axes[1], BrainModelAxis):
        if len(axes[0]) != 1:
            raise AtlasError(
                f"{path}: expected one map of labels, found {len(axes[0])}: "
                f"{', '.join(map(str, axes[0].name))}. Keep one (wb_command "
                "-cifti-merge with -column)."
            )
        keys = _keys(image)
        table = axes[0].label[0]
        values = np.array([k for k in np.unique(keys) if k != 0 and k in table], dtype=int)
        unnamed = [int(k) for k in np.unique(keys) if k != 0 and k not in table]
        if unnamed:
            raise AtlasError(f"{path}: no name for label(s) {unnamed[:10]}.")
        names = [table[int(k)][0] for k in values]
        digest = hashlib.sha256(b"dlabel" + keys.astype(np.int64).tobytes())
        for places in (axes[1].vertex, axes[1].voxel):
            digest.update(np.asarray(places, dtype=np.int64).tobytes())
        digest.update("\t".join(axes[1].name.astype(str)).encode())
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
    parts = [split_name(n) for n in names]
    return Atlas(
        name,
        "cifti",
        tuple(names),
        tuple(n for n, _ in parts),
        tuple(h for _, h in parts),
        space,
        path,
        values,
        None,
        None,
        digest.hexdigest()[:32],
    )


def read_surface_signals(path: Path, atlas: Atlas) -> SurfaceSignals:
    """Read a CIFTI series as parcel signals.

    Parameters
    ----------
    path : Path
        ``dtseries.nii`` (needs an atlas from a dlabel.nii) or ``ptseries.nii`` (its parcels are
        matched with the atlas's by name).
    atlas : Atlas
        Of kind "cifti".

    Returns
    -------
    signals : SurfaceSignals

    Raises
    ------
    ScanError
        Not such a file, truncated, or parcels that do not match.
    """
    if atlas.kind != "cifti":
        raise ScanError(
            f"{path}: a CIFTI series needs an atlas of grayordinates, found {atlas.name} "
            f"({atlas.kind}). Name a dlabel.nii in science.atlas.path."
        )
    axes, image = _open(path, ScanError)
    if not isinstance(axes[0], SeriesAxis):
        raise ScanError(f"{path}: expected a time series, found {type(axes[0]).__name__}.")
    if isinstance(axes[1], ParcelsAxis):
        weights, coverage = _by_name(path, [str(n) for n in axes[1].name], atlas)
    else:
        weights, coverage = _by_grayordinate(path, axes[1], atlas)
    values = _weighed(path, image, weights)
    broken = ~np.isfinite(values).all(axis=0)
    unit, step = str(axes[0].unit).upper(), float(axes[0].step)
    return SurfaceSignals(values, coverage, broken, step if unit == "SECOND" and step > 0 else None)


def _weighed(path: Path, image: nib.Cifti2Image, weights: csr_array) -> np.ndarray:
    """Return parcel signals (n_volumes, p), some grayordinates at a time.

    A CIFTI file holds one grayordinate's whole series after the other: some volumes at a time would
    be read from all over the file.
    """
    n_volumes, n_places = image.shape
    values = np.zeros((weights.shape[0], n_volumes))
    columns = weights.tocsc()
    n_together = max(1, _BLOCK_BYTES // (8 * n_volumes))
    try:
        for first in range(0, n_places, n_together):
            chosen = slice(first, first + n_together)
            block = np.asarray(image.dataobj[:, chosen], dtype=np.float64)
            values += columns[:, chosen] @ block.T
    except (OSError, ValueError, EOFError) as error:
        raise ScanError(
            f"{path}: expected {n_volumes} volumes, found a file that ends before: {error}"
        ) from error
    return np.ascontiguousarray(values.T)


def _open(path: Path, error_type: type[Exception]) -> tuple[list, nib.Cifti2Image]:
    try:
        image = nib.load(path)
        if isinstance(image, nib.Cifti2Image):
            return [image.header.get_axis(i) for i in range(2)], image
        found = type(image).__name__
    except FileNotFoundError:
        raise error_type(f"{path}: no such file.") from None
    except _UNREADABLE as error:
        found = str(error)
    raise error_type(f"{path}: expected a CIFTI-2 file, found: {found}")


def _by_name(path: Path, names: list[str], atlas: Atlas) -> tuple[csr_array, np.ndarray]:
    absent = [name for name in atlas.parcel_names if name not in set(names)]
    if absent or len(names) != atlas.n_parcels:
        raise ScanError(
            f"{path}: {len(names)} parcels, and {len(absent)} of the {atlas.n_parcels} "
            f"of atlas {atlas.name} are not among them ({', '.join(absent[:5])})."
        )
    columns = [names.index(name) for name in atlas.parcel_names]
    shape = (atlas.n_parcels, len(names))
    ones = np.ones(len(columns))
    return csr_array((ones, (np.arange(len(columns)), columns)), shape=shape), ones


def _by_grayordinate(path: Path, axis, atlas: Atlas) -> tuple[csr_array, np.ndarray]:
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
    rows, columns, total = [], [], np.zeros(atlas.n_parcels)
    here = {structure: (where, places) for structure, where, places in _structures(axis)}
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
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    found = np.bincount(rows, minlength=atlas.n_parcels).astype(float)
    shape = (atlas.n_parcels, len(axis))
    return csr_array((1 / found[rows], (rows, columns)), shape=shape), found / total


@dataclass(frozen=True)
class _Labels:
    """Labels by structure: keys and places (k,) of its grayordinates."""

    affine: np.ndarray | None
    structures: dict[str, tuple[np.ndarray, np.ndarray]]


# Once a process, and not once a scan.
@functools.lru_cache(maxsize=2)
def _labels_of(path: Path, content_hash: str) -> _Labels:
    axes, image = _open(path, AtlasError)
    keys = _keys(image)
    return _Labels(
        axes[1].affine,
        {structure: (keys[where], places) for structure, where, places in _structures(axes[1])},
    )


def _keys(image: nib.Cifti2Image) -> np.ndarray:
    # NaN is nobody's label; labels of volumes take it for background too.
    return np.nan_to_num(np.asarray(image.dataobj[0], dtype=np.float64)).astype(int)


def _structures(axis: BrainModelAxis) -> Iterator[tuple[str, slice, np.ndarray]]:
    """Yield each structure, where it is on the axis, and its vertices, or voxels as one number."""
    for name, where, part in axis.iter_structures():
        on_surface = (part.vertex >= 0).all()
        voxels = part.voxel.astype(np.int64) @ np.array([1, 2**20, 2**40])
        start, stop, _ = where.indices(len(axis))
        yield str(name), slice(start, stop), part.vertex if on_surface else voxels
