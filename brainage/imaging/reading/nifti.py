"""NIfTI headers read without opening the image, and files written with the same bytes each time."""

from __future__ import annotations

import gzip
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from brainage.errors import ScanError
from brainage.files import atomic_path

#: How git-annex (datalad) and git-lfs begin the text that stands for data they did not fetch.
_POINTERS = (b"/annex/objects/", b"version https://git-lfs")
UNFETCHED = "a pointer to data that were not fetched yet (`datalad get`, `git lfs pull`)"
#: Of a volume of a series: 256 x 256 x 256, what holds a whole brain at 0.75 mm.
MOST_VOXELS = 2**24
#: Of a single volume as it is stored: a template at 0.5 mm in float64 (masks, atlases).
MOST_BYTES = 640 * 2**20
MOST_VOLUMES = 2**16
#: Voxels of brains, from mice's to the coarsest that are simulated, and how far they may lie.
_VOXEL_MM = (0.1, 200.0)
_FAR_MM = 1e5
#: What nibabel mends of a header is refused or does not matter: nobody has to read of it.
_UNHEARD = logging.Logger("brainage.unheard", level=logging.CRITICAL)
_TO_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


@dataclass(frozen=True)
class Grid:
    """Where a scan's voxels are.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels along each axis.
    affine : ndarray of shape (4, 4)
        Voxel index to millimetres.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def n_voxels(self) -> int:
        """Number of voxels of one volume."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class ScanHeader:
    """What a scan's header says, and how its voxels are stored.

    Parameters
    ----------
    grid : Grid
        Voxels and affine.
    n_volumes : int
        Along time.
    dtype : dtype
        Of a stored voxel, byte order included.
    slope, intercept : float
        Value = stored x slope + intercept.
    offset : int
        First byte of the voxels.
    t_r_s : float or None
        The header's time step in seconds; None where it is 0, its unit is not a time, or it is
        the 1 ms or 1 us of a header that lost it.
    """

    grid: Grid
    n_volumes: int
    dtype: np.dtype
    slope: float
    intercept: float
    offset: int
    t_r_s: float | None


def parse_header(start: bytes, path: Path, *, series: bool = True) -> ScanHeader:
    """Read a NIfTI-1 or NIfTI-2 header from the first bytes of a file.

    Parameters
    ----------
    start : bytes
        At least 544 bytes, less where the file is shorter.
    path : Path
        For messages.
    series : bool, default=True
        Expect a 4-D image, volumes over time; else a mask or an atlas, 3-D or 4-D, whose repetition
        time is None.

    Raises
    ------
    ScanError
        Not NIfTI, of other dimensions, an impossible shape or type, without an orientation, or
        larger than what is read (`MOST_VOXELS`, `MOST_VOLUMES`, `MOST_BYTES`).
    """
    header = _parse(start, path)
    shape = header.get_data_shape()
    if len(shape) < 3 or min(shape) < 1:
        raise ScanError(f"{path}: header with the impossible shape {shape}.")
    # Some tools write x, y, z, 1, t; the singleton holds no data.
    squeezed = (*shape[:3], *[n for n in shape[3:] if n != 1])
    if (series and len(shape) < 4) or len(squeezed) > 4:
        wanted = "a 4-D image (x, y, z, time)" if series else "a 3-D or 4-D image"
        raise ScanError(f"{path}: expected {wanted}, found shape {shape}.")
    n_volumes = int(squeezed[3]) if len(squeezed) == 4 else 1
    _check_storage(header, path)
    _check_bounds(squeezed[:3], n_volumes, header.get_data_dtype(), path)
    slope, intercept = _scaling(header, path)
    return ScanHeader(
        Grid((int(shape[0]), int(shape[1]), int(shape[2])), _affine(header, start, path)),
        n_volumes,
        header.get_data_dtype(),
        slope,
        intercept,
        int(header.get_data_offset()),
        _time_step(header, _units(header, path)[1]) if series else None,
    )


def _check_bounds(shape: Sequence[int], n_volumes: int, dtype: np.dtype, path: Path) -> None:
    """Refuse what no image of a brain is before anything of its size is made."""
    n_voxels = math.prod(int(n) for n in shape)
    most = MOST_VOXELS if n_volumes > 1 else MOST_BYTES // dtype.itemsize
    if n_voxels > most or n_volumes > MOST_VOLUMES:
        raise ScanError(
            f"{path}: its header says {n_volumes} volume(s) of {' x '.join(map(str, shape))} "
            f"voxels; at most {MOST_VOLUMES} of {most} are read. A wrong header, or an image to be "
            "resampled first."
        )


def _affine(header: nib.Nifti1Header, start: bytes, path: Path) -> np.ndarray:
    """Return voxel index to millimetres, refused where nobody stated it or no brain has it."""
    # As it is in the file: nibabel sets codes that it does not know to 0.
    raw = type(header)(binaryblock=start[: header.sizeof_hdr], check=False)
    codes = {name: int(raw[f"{name}_code"]) for name in ("sform", "qform")}
    unknown = [f"{name}_code {code}" for name, code in codes.items() if code not in range(6)]
    if unknown:
        raise ScanError(f"{path}: a NIfTI header with errors: {unknown[0]} is none of 0 to 5.")
    if not any(codes.values()):
        raise ScanError(
            f"{path}: no orientation: sform_code and qform_code are both 0, so nobody knows where "
            "its voxels are. Convert it from the scanner's files again, or set the one you know."
        )
    handedness = float(raw["pixdim"][0])
    if codes["sform"] == 0 and handedness not in (-1.0, 0.0, 1.0):
        raise ScanError(
            f"{path}: a NIfTI header with errors: pixdim[0] is {handedness:g}, expected 1 or -1."
        )
    if codes["sform"] == 0 and not (raw["pixdim"][1:4] > 0).all():
        raise ScanError(
            f"{path}: a NIfTI header with errors: voxels of {raw['pixdim'][1:4].tolist()} mm."
        )
    unit = _units(header, path)[0]
    if unit not in ("mm", "unknown"):
        raise ScanError(f"{path}: its header's unit of length is '{unit}', expected mm.")
    affine = header.get_best_affine()
    with np.errstate(all="ignore"):
        voxel_mm = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        # Of unit axes: a millimetre or a tenth of one must not matter.
        volume = abs(np.linalg.det(affine[:3, :3] / voxel_mm))
    if not np.isfinite(affine).all() or not volume > 1e-6:
        raise ScanError(
            f"{path}: the header's affine cannot be inverted: {np.round(affine, 3).tolist()}."
        )
    low, high = _VOXEL_MM
    if not ((voxel_mm >= low) & (voxel_mm <= high)).all() or abs(affine[:3, 3]).max() > _FAR_MM:
        sizes = " x ".join(f"{size:g}" for size in voxel_mm)
        raise ScanError(
            f"{path}: the header's affine says voxels of {sizes} mm at "
            f"{affine[:3, 3].round(1).tolist()} mm, which no brain has. Correct its header."
        )
    return affine


def _parse(start: bytes, path: Path) -> nib.Nifti1Header:
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        if len(start) >= kind.sizeof_hdr and kind.may_contain_header(start):
            # nibabel would mend this one silently; a header that starts wrong may be wrong on.
            sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")}
            if kind.sizeof_hdr not in sizes:
                raise ScanError(
                    f"{path}: a NIfTI header with errors: it says that it is "
                    f"{min(sizes)} bytes long, expected {kind.sizeof_hdr}."
                )
            try:
                # The header alone: extensions may be longer than what was read.
                header = kind(binaryblock=start[: kind.sizeof_hdr], check=False)
                header.check_fix(logger=_UNHEARD)
                header.get_data_shape()
                header.get_data_dtype()
            except (HeaderDataError, WrapStructError, ValueError, KeyError) as error:
                raise ScanError(f"{path}: a NIfTI header with errors: {error}.") from error
            return header
    found = f"other content ({len(start)} bytes read, starting {start[:8].hex()})"
    if not start:
        found = "an empty file"
    elif is_unfetched(start):
        found = UNFETCHED
    raise ScanError(f"{path}: expected a NIfTI-1 or NIfTI-2 file (.nii, .nii.gz), found {found}.")


def is_unfetched(start: bytes) -> bool:
    """Say whether a file that starts so is a pointer to data, and not the data."""
    return start.startswith(_POINTERS)


def _scaling(header: nib.Nifti1Header, path: Path) -> tuple[float, float]:
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise ScanError(f"{path}: impossible scaling in the header: {error}.") from error
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def _check_storage(header: nib.Nifti1Header, path: Path) -> None:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        what = {"c": "complex numbers", "V": "colours (RGB)"}.get(dtype.kind, f"type {dtype}")
        raise ScanError(
            f"{path}: expected voxels that are integers or floats, found {what}. Convert it to one "
            "number a voxel."
        )
    # A header of a .hdr/.img pair has no voxels behind it.
    if not header.is_single or header["magic"].item()[:2] != b"n+":
        raise ScanError(
            f"{path}: expected one NIfTI file, found the header of a .hdr/.img pair. "
            "Convert it to .nii.gz."
        )
    if float(header["vox_offset"]) % 1 != 0 or header.get_data_offset() < header.sizeof_hdr:
        raise ScanError(
            f"{path}: the header says its voxels start at byte "
            f"{float(header['vox_offset']):g}, which is no byte behind the header."
        )


def _units(header: nib.Nifti1Header, path: Path) -> tuple[str, str]:
    """Return the units of length and time."""
    try:
        return header.get_xyzt_units()
    except KeyError as error:
        raise ScanError(
            f"{path}: a NIfTI header with errors: xyzt_units {int(header['xyzt_units'])} are units "
            "that NIfTI does not know."
        ) from error


def _time_step(header: nib.Nifti1Header, unit: str) -> float | None:
    shape, steps = header.get_data_shape(), header.get_zooms()
    # Time is the fourth axis; where that is a singleton (x, y, z, 1, t), tools write the step of
    # either.
    step = float(steps[3])
    if len(shape) > 4 and shape[3] == 1 and float(steps[-1]) not in (0.0, 1.0):
        step = float(steps[-1])
    if unit not in _TO_SECONDS or not np.isfinite(step) or step <= 0:
        return None
    # A step of exactly 1 is what headers say that lost it; nothing is scanned in 1 ms.
    if step == 1 and unit != "sec":
        return None
    return step * _TO_SECONDS[unit]


def write_nifti(
    path: str | Path,
    data: np.ndarray,
    affine: np.ndarray,
    *,
    t_r_s: float | None = None,
    dtype: str = "int16",
    compression: int = 1,
) -> None:
    """Write ``.nii`` or ``.nii.gz`` atomically: equal arguments give equal bytes.

    Parameters
    ----------
    path : str or Path
        Ends in ``.nii`` or ``.nii.gz``.
    data : ndarray of shape (x, y, z) or (x, y, z, t)
        Values; integer types are rounded, not scaled.
    affine : ndarray of shape (4, 4)
        Voxel index to millimetres.
    t_r_s : float or None, default=None
        Repetition time; None: left out.
    dtype : str, default="int16"
        Type of the stored voxels.
    compression : int, default=1
        Of gzip, 0 to 9.

    Examples
    --------
    >>> write_nifti(folder / "zeros.nii.gz", np.zeros((4, 4, 4, 3)), np.eye(4), t_r_s=2.0)
    >>> (folder / "zeros.nii.gz").stat().st_size < 1000
    True
    """
    path = Path(path)
    kind = np.dtype(dtype)
    stored = np.rint(data).astype(kind) if kind.kind in "iu" else np.asarray(data, dtype=kind)
    image = nib.Nifti1Image(stored, affine, dtype=kind)
    image.header.set_xyzt_units("mm", "sec")
    if t_r_s is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r_s))
    raw = image.to_bytes()
    with atomic_path(path) as temporary:
        if path.name.endswith(".gz"):
            # No file name and no time in the gzip header: nothing but the content sets the bytes.
            with (
                open(temporary, "wb") as stream,
                gzip.GzipFile(
                    filename="", mode="wb", fileobj=stream, mtime=0, compresslevel=compression
                ) as zipped,
            ):
                zipped.write(raw)
        else:
            temporary.write_bytes(raw)
