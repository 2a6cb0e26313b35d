"""CIFTI-2 files: what they claim is compared with what they hold before it is believed."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from xml.parsers.expat import ExpatError

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.cifti2 import BrainModelAxis, Cifti2HeaderError
from nibabel.cifti2.cifti2_axes import Axis
from nibabel.spatialimages import HeaderDataError

from brainage.errors import AtlasError, BrainAgeError

#: NIfTI-2: its size, and where it has the lengths of a matrix and the first byte of its values.
_HEADER_BYTES, _DIM_5, _VOX_OFFSET = 540, 56, 168
#: How far a slope may leave a label from its whole number.
_ROUNDING = 1e-3
#: What nibabel raises on files that are cut short or not CIFTI.
_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    HeaderDataError,
    nib.filebasedimages.ImageFileError,
    ExpatError,
    # Of XML that is well-formed and says something else than CIFTI does.
    Cifti2HeaderError,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
)


def is_cifti(path: Path) -> bool:
    """Tell a CIFTI series from a volumetric one by its name."""
    return path.name.endswith((".dtseries.nii", ".ptseries.nii"))


def open_cifti(path: Path, error_type: type[BrainAgeError]) -> tuple[list[Axis], nib.Cifti2Image]:
    """Open a CIFTI-2 matrix; return its two axes, and the image whose values are not read yet.

    Raises
    ------
    BrainAgeError
        Of `error_type`: no such file, no CIFTI-2, or claims that its length or its matrix denies.
    """
    try:
        _check_claims(path, error_type)
    except FileNotFoundError:
        raise error_type(f"{path}: no such file.") from None
    except OSError as error:
        raise error_type(f"{path}: cannot be read ({error.strerror or error}).") from error
    image, axes = None, []
    try:
        image = nib.load(path)
        if isinstance(image, nib.Cifti2Image):
            axes = [image.header.get_axis(i) for i in range(image.ndim)]
    except _UNREADABLE as error:
        found = " ".join(str(error).split()) or type(error).__name__
        raise error_type(f"{path}: expected a CIFTI-2 file, found: {found}") from error
    if not isinstance(image, nib.Cifti2Image):
        raise error_type(f"{path}: expected a CIFTI-2 file, found: {type(image).__name__}")
    _check_sizes(path, image, error_type)
    _check_places(path, axes[1], error_type)
    return axes, image


def _check_claims(path: Path, error_type: type[BrainAgeError]) -> None:
    """Compare the places that the XML claims with the matrix: nibabel makes them on loading."""
    with open(path, "rb") as stream:
        start = stream.read(_HEADER_BYTES)
        if len(start) < _HEADER_BYTES:
            raise error_type(f"{path}: expected a CIFTI-2 file, found {len(start)} bytes.")
        orders = {_HEADER_BYTES.to_bytes(4, "little"): "<", _HEADER_BYTES.to_bytes(4, "big"): ">"}
        if (order := orders.get(start[:4])) is None:
            raise error_type(f"{path}: expected a CIFTI-2 file, found no header of NIfTI-2.")
        lengths = struct.unpack_from(f"{order}2q", start, _DIM_5)
        (offset,) = struct.unpack_from(f"{order}q", start, _VOX_OFFSET)
        xml = stream.read(max(0, min(offset, path.stat().st_size)))
    claimed = sum(map(int, re.findall(rb'IndexCount="(\d{1,18})', xml)))
    # Both axes of a matrix may be places.
    if claimed > 2 * max(*lengths, 0):
        raise error_type(
            f"{path}: its XML describes {claimed} places, its matrix has "
            f"{lengths[0]} x {lengths[1]} values. Make the file again."
        )
    longest = max(_extension_lengths(xml[4 : max(0, offset - _HEADER_BYTES)], order), default=0)
    if longest > len(xml):
        raise error_type(
            f"{path}: truncated, or a wrong header: it says {longest} bytes of XML, and {len(xml)} "
            "stand before its values. Copy or make the file again."
        )


def _extension_lengths(extensions: bytes, order: str) -> Iterator[int]:
    """Yield how long the header's extensions say they are: nibabel asks for as much memory."""
    at, length = 0, 8
    while length >= 8 and at + 16 <= len(extensions):
        (length,) = struct.unpack_from(f"{order}i", extensions, at)
        yield length
        at += length


def _check_sizes(path: Path, image: nib.Cifti2Image, error_type: type[BrainAgeError]) -> None:
    """Compare what the headers claim with the file and with one another, before it is believed."""
    shape, dtype = image.shape, image.nifti_header.get_data_dtype()
    if len(shape) != 2 or min(shape) < 1 or dtype.kind not in "iuf":
        raise error_type(
            f"{path}: expected a matrix of numbers, found shape {shape} of type {dtype}."
        )
    wanted = (
        int(cast(ArrayProxy, image.dataobj).offset) + math.prod(map(int, shape)) * dtype.itemsize
    )
    in_file = path.stat().st_size
    if in_file < wanted:
        raise error_type(
            f"{path}: truncated, or a wrong header: it says {shape[0]} x {shape[1]} values, "
            f"{wanted} bytes in all; the file has {in_file}. Copy or make the file again."
        )
    for axis, length in enumerate(shape):
        index_map = image.header.matrix.get_index_map(axis)
        places = sum(int(model.index_count) for model in index_map.brain_models)
        claimed = index_map.number_of_series_points
        if (places and places != length) or claimed not in (None, length):
            raise error_type(
                f"{path}: its XML describes {places or claimed} places along axis {axis}, its "
                f"matrix has {length}. Make the file again."
            )


def _check_places(path: Path, axis: Axis, error_type: type[BrainAgeError]) -> None:
    if not isinstance(axis, BrainModelAxis):
        return
    for structure, _, places in structures_of(axis):
        if len(np.unique(places)) < len(places):
            raise error_type(f"{path}: {structure} has a vertex or voxel twice. Make it again.")


def keys_of(path: Path, image: nib.Cifti2Image) -> np.ndarray:
    """Return the label of every grayordinate of a label file, whole numbers; 0 is background.

    Raises
    ------
    AtlasError
        A label that is not whole, or of 2^31 or more.
    """
    # NaN is nobody's label; labels of volumes take it for background too.
    keys = np.nan_to_num(np.asarray(image.dataobj[0], dtype=np.float64))
    odd = (np.abs(keys - np.rint(keys)) > _ROUNDING) | (np.abs(keys) >= 2**31)
    if odd.any():
        raise AtlasError(
            f"{path}: expected whole numbers under 2^31 as labels, found values such as "
            f"{keys[odd][0]:g}."
        )
    return np.rint(keys).astype(int)


def structures_of(axis: BrainModelAxis) -> Iterator[tuple[str, slice, np.ndarray]]:
    """Yield each structure, where it is on the axis, and its vertices, or voxels as one number."""
    for name, where, part in axis.iter_structures():
        on_surface = (part.vertex >= 0).all()
        voxels = part.voxel.astype(np.int64) @ np.array([1, 2**20, 2**40])
        start, stop, _ = where.indices(len(axis))
        yield str(name), slice(start, stop), part.vertex if on_surface else voxels
