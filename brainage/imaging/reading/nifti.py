"""NIfTI headers read without opening the image, and files written with the same bytes each time."""

from __future__ import annotations

import gzip
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
        return int(np.prod(self.shape))


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


def parse_header(start: bytes, path: Path) -> ScanHeader:
    """Read a NIfTI-1 or NIfTI-2 header from the first bytes of a file.

    Parameters
    ----------
    start : bytes
        At least 544 bytes, less where the file is shorter.
    path : Path
        For messages.

    Raises
    ------
    ScanError
        Not NIfTI, not 4-D, an impossible shape or type.
    """
    header = _parse(start, path)
    shape = header.get_data_shape()
    # Some tools write x, y, z, 1, t; the singleton holds no data.
    squeezed = (*shape[:3], *[n for n in shape[3:] if n != 1])
    if len(shape) < 4 or len(squeezed) > 4:
        raise ScanError(f"{path}: expected a 4-D image (x, y, z, time), found shape {shape}.")
    n_volumes = int(squeezed[3]) if len(squeezed) == 4 else 1
    if min(shape) < 1:
        raise ScanError(f"{path}: header with the impossible shape {shape}.")
    slope, intercept = _scaling(header, path)
    _check_storage(header, path)
    grid = Grid(tuple(int(n) for n in shape[:3]), header.get_best_affine())
    if not np.isfinite(grid.affine).all() or abs(np.linalg.det(grid.affine[:3, :3])) < 1e-12:
        raise ScanError(
            f"{path}: the header's affine cannot be inverted: {np.round(grid.affine, 3).tolist()}."
        )
    return ScanHeader(
        grid,
        n_volumes,
        header.get_data_dtype(),
        slope,
        intercept,
        int(header.get_data_offset()),
        _time_step(header),
    )


def _parse(start: bytes, path: Path):
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
                header = kind(binaryblock=start[: kind.sizeof_hdr], check=True)
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


def _scaling(header, path: Path) -> tuple[float, float]:
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise ScanError(f"{path}: impossible scaling in the header: {error}.") from error
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def _check_storage(header, path: Path) -> None:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise ScanError(f"{path}: expected integers or floats, found voxels of type {dtype}.")
    # A header of a .hdr/.img pair has no voxels behind it.
    if not header.is_single or header["magic"].item()[:2] != b"n+":
        raise ScanError(
            f"{path}: expected one NIfTI file, found the header of a .hdr/.img pair. "
            "Convert it to .nii.gz."
        )
    if header.get_data_offset() < header.sizeof_hdr:
        raise ScanError(
            f"{path}: the header says its voxels start at byte "
            f"{header.get_data_offset()}, inside the header."
        )


def _time_step(header) -> float | None:
    shape, steps = header.get_data_shape(), header.get_zooms()
    # Time is the fourth axis; where that is a singleton (x, y, z, 1, t), tools write the step of
    # either.
    step = float(steps[3])
    if len(shape) > 4 and shape[3] == 1 and float(steps[-1]) not in (0.0, 1.0):
        step = float(steps[-1])
    unit = header.get_xyzt_units()[1]
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
