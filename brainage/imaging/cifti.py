"""CIFTI-2: parcel signals of ``dtseries.nii`` by a ``dlabel.nii``, and of ``ptseries.nii``.

A parcel is the plain mean of its grayordinates, as `wb_command -cifti-parcellate` has it.
Grayordinates are matched by structure and vertex (or voxel), never by position: label files and
series cover different ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from xml.parsers.expat import ExpatError

import nibabel as nib
import numpy as np
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, SeriesAxis
from nibabel.spatialimages import HeaderDataError
from scipy.sparse import csr_array

from brainage.errors import AtlasError, ScanError
from brainage.imaging.atlas import Atlas
from brainage.imaging.label_tables import split_name

SURFACE_SPACE = "fsLR"
_VOLUMES_PER_BLOCK = 64
#: What nibabel raises on files that are cut short or not CIFTI.
_UNREADABLE = (
    OSError, ValueError, EOFError, HeaderDataError, nib.filebasedimages.ImageFileError, ExpatError,
)  # fmt: skip


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
        keys = np.asarray(image.dataobj[0]).astype(int)
        table = axes[0].label[0]
        values = np.array([k for k in np.unique(keys) if k != 0 and k in table], dtype=int)
        unnamed = [int(k) for k in np.unique(keys) if k != 0 and k not in table]
        if unnamed:
            raise AtlasError(f"{path}: no name for label(s) {unnamed[:10]}.")
        names = [table[int(k)][0] for k in values]
        digest = hashlib.sha256(b"dlabel" + keys.astype(np.int64).tobytes())
        digest.update(np.asarray(axes[1].vertex, dtype=np.int64).tobytes())
    else:
        raise AtlasError(f"{path}: expected labels (dlabel.nii) or parcels (ptseries.nii), found "
                         f"{type(axes[0]).__name__} by {type(axes[1]).__name__}.")  # fmt: skip
    if not names or len(set(names)) < len(names):
        raise AtlasError(f"{path}: expected parcels with unique names, found {len(names)} parcels "
                         f"with {len(set(names))} names.")  # fmt: skip
    digest.update("\t".join(names).encode())
    parts = [split_name(n) for n in names]
    return Atlas(
        name, "cifti", tuple(names), tuple(n for n, _ in parts), tuple(h for _, h in parts), space,
        path, values, None, None, digest.hexdigest()[:32],
    )  # fmt: skip


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
    n_volumes = image.shape[0]
    values = np.empty((n_volumes, atlas.n_parcels))
    broken = np.zeros(atlas.n_parcels, dtype=bool)
    try:
        for first in range(0, n_volumes, _VOLUMES_PER_BLOCK):
            block = np.asarray(image.dataobj[first : first + _VOLUMES_PER_BLOCK], dtype=np.float64)
            values[first : first + len(block)] = (weights @ block.T).T
    except (OSError, ValueError, EOFError) as error:
        raise ScanError(f"{path}: expected {n_volumes} volumes, found a file that ends before: "
                        f"{error}") from error  # fmt: skip
    broken |= ~np.isfinite(values).all(axis=0)
    unit, step = str(axes[0].unit).upper(), float(axes[0].step)
    return SurfaceSignals(values, coverage, broken, step if unit == "SECOND" and step > 0 else None)


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
        raise ScanError(f"{path}: {len(names)} parcels, and {len(absent)} of the {atlas.n_parcels} "
                        f"of atlas {atlas.name} are not among them ({', '.join(absent[:5])})."
                        )  # fmt: skip
    columns = [names.index(name) for name in atlas.parcel_names]
    shape = (atlas.n_parcels, len(names))
    ones = np.ones(len(columns))
    return csr_array((ones, (np.arange(len(columns)), columns)), shape=shape), ones


def _by_grayordinate(path: Path, axis, atlas: Atlas) -> tuple[csr_array, np.ndarray]:
    if not isinstance(axis, BrainModelAxis) or atlas.label_values is None:
        raise ScanError(f"{path}: grayordinates need an atlas from a dlabel.nii; {atlas.name} has "
                        "parcels without them.")  # fmt: skip
    label_axes, labels = _open(atlas.image, AtlasError)
    keys = np.asarray(labels.dataobj[0]).astype(int)
    if (label_axes[1].affine is not None and axis.affine is not None
            and not np.allclose(label_axes[1].affine, axis.affine, atol=1e-4)):  # fmt: skip
        raise ScanError(f"{path}: its voxels lie on another grid than those of {atlas.image.name}.")
    where = {place: column for column, place in enumerate(_places(axis))}
    row_of = {int(key): row for row, key in enumerate(atlas.label_values)}
    rows, columns = [], []
    total = np.zeros(atlas.n_parcels)
    for key, place in zip(keys, _places(label_axes[1]), strict=True):
        row = row_of.get(int(key))
        if row is None:
            continue
        total[row] += 1
        if place in where:
            rows.append(row)
            columns.append(where[place])
    found = np.bincount(rows, minlength=atlas.n_parcels).astype(float)
    weights = 1 / found[rows] if rows else np.empty(0)
    shape = (atlas.n_parcels, len(axis))
    return csr_array((weights, (rows, columns)), shape=shape), found / total


def _places(axis: BrainModelAxis):
    """Yield (structure, vertex) or (structure, i, j, k) of every grayordinate in order."""
    for structure, vertex, voxel in zip(axis.name, axis.vertex, axis.voxel, strict=True):
        if vertex >= 0:
            yield str(structure), int(vertex)
        else:
            yield (str(structure), *(int(v) for v in voxel))
