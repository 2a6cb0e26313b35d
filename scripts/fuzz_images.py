"""Damaged scans, masks and atlases: NIfTI (plain and gzip, of labels and maps) and CIFTI.

Right is what the damaged file says, read anew: gzip by Python's own module, header and voxels by
nibabel, parcels by plain means (labels), least squares (maps) and matched vertices (CIFTI). A file
that these refuse is refused, or gives the undamaged series; other numbers are a fault, and so is
a parcel that is missing without a reason. Where a damaged affine moves an image, nearest voxels
are found by the affines; what rounds differently there is counted apart ("moved otherwise").
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from fuzz_children import Case, WrongError
from nibabel.cifti2 import BrainModelAxis, LabelAxis, SeriesAxis
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from brainage.errors import BrainAgeError
from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    Scan,
    extract_parcel_series,
    load_atlas,
    write_nifti,
)
from brainage.series import ParcelSeries

_SHAPE, _AFFINE, _N_VOLUMES, _T_R_S = (6, 5, 4), np.diag([3.0, 3.0, 3.0, 1.0]), 30, 2.0
#: Name of the damaged file -> what it is to the scan.
_ROLES = {
    "b.nii": "bold",
    "b.nii.gz": "bold",
    "two.nii.gz": "bold",
    "m.nii.gz": "mask",
    "l.nii.gz": "atlas",
    "l.nii": "atlas",
    "p.nii.gz": "atlas",
    "s_bold.dtseries.nii": "bold",
    "a.dlabel.nii": "atlas",
}
_SURFACES = {"s_bold.dtseries.nii", "a.dlabel.nii"}
#: Byte and kind of the header's fields of NIfTI-1; values that they stumble over.
_FIELDS = [(40 + 2 * k, "h") for k in range(8)] + [(76 + 4 * k, "f") for k in range(8)]
_FIELDS += [(70, "h"), (72, "h"), (108, "f"), (112, "f"), (116, "f"), (123, "b"), (252, "h")]
_FIELDS += [(254, "h"), *[(280 + 4 * k, "f") for k in range(12)]]
_WHOLE = [0, -1, 1, 2, 3, 5, 31, 61, 400, 5000, 32767]
_REAL = [0.0, -1.0, 0.5, 2.0, 1e-30, 1e30, float("nan"), float("inf"), 353.0, 1000.0]
_UNREADABLE = (HeaderDataError, WrapStructError, nib.filebasedimages.ImageFileError, OSError)
_UNREADABLE += (ValueError, EOFError, zlib.error, KeyError, OverflowError, MemoryError, TypeError)


@dataclass(frozen=True)
class _Undamaged:
    folder: Path
    name: str
    series: ParcelSeries


def image_cases(folder: Path) -> dict[str, Case]:
    """Write the undamaged images; return a case for each."""
    _write(folder)
    return {
        name: partial(_run, _Undamaged(folder, name, _extract(folder, name, folder / name)))
        for name in _ROLES
    }


def _write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    scan = rng.normal(1000, 50, (*_SHAPE, _N_VOLUMES))
    for name in ("b.nii", "b.nii.gz"):
        write_nifti(folder / name, scan, _AFFINE, t_r_s=_T_R_S)
    second = nib.Nifti2Image(scan.astype("f4"), _AFFINE)
    second.header.set_xyzt_units("mm", "sec")
    second.header.set_zooms((3, 3, 3, _T_R_S))
    nib.save(second, folder / "two.nii.gz")
    labels = np.ones(_SHAPE)
    labels[2:], labels[4:] = 2, 5
    for name in ("l.nii", "l.nii.gz"):
        write_nifti(folder / name, labels, _AFFINE)
    mask = np.ones(_SHAPE)
    mask[:, 0] = 0
    write_nifti(folder / "m.nii.gz", mask, _AFFINE, dtype="uint8")
    maps = np.abs(rng.normal(size=(*_SHAPE, 3)))
    write_nifti(folder / "p.nii.gz", maps, _AFFINE, dtype="float32")
    axis = BrainModelAxis.from_mask(np.ones(60, bool), name="CIFTI_STRUCTURE_CORTEX_LEFT")
    keys = np.repeat([1, 2], 30)[None].astype("f4")
    table = {k: (f"p{k}", (0, 0, 0, 0)) for k in range(3)}
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["m"], [table]), axis)), folder / "a.dlabel.nii")
    series = rng.normal(size=(_N_VOLUMES, 60)).astype("f4")
    axes = (SeriesAxis(0, _T_R_S, _N_VOLUMES, "SECOND"), axis)
    nib.save(nib.Cifti2Image(series, axes), folder / "s_bold.dtseries.nii")


def _files(folder: Path, name: str, path: Path) -> dict[str, Path | None]:
    of_surfaces = name in _SURFACES
    files = {
        "bold": folder / ("s_bold.dtseries.nii" if of_surfaces else "b.nii.gz"),
        "atlas": folder / ("a.dlabel.nii" if of_surfaces else "l.nii.gz"),
        "mask": None,
    }
    return files | {_ROLES[name]: path}


def _extract(folder: Path, name: str, path: Path) -> ParcelSeries:
    files = _files(folder, name, path)
    return extract_parcel_series(
        Scan("01", "n/a", "n/a", "rest", None, files["bold"], None, files["mask"], None),
        atlas=load_atlas(AtlasOptions(name="made", path=str(files["atlas"]))),
        cleaning=CleaningOptions(
            strategy="none",
            high_pass_hz=None,
            low_pass_hz=None,
            detrend=False,
            standardize="none",
        ),
        exclusion=ExclusionRules(min_retained_s=0, min_parcels_share=0),
        n_threads=1,
    )


def _run(whole: _Undamaged, place: Path, rng: np.random.Generator) -> str:
    path = place / whole.name
    raw = (whole.folder / whole.name).read_bytes()
    content = _damaged(raw, whole.name, rng)
    path.write_bytes(content)
    if content == raw:
        return "unchanged"
    try:
        found = _extract(whole.folder, whole.name, path)
    except BrainAgeError as error:
        if str(place) not in str(error) and str(whole.folder) not in str(error):
            raise WrongError(f"names no file: {error}") from error
        return "refused"
    _check_form(found)
    same = _equal(found.values, whole.series.values) and found.t_r_s == whole.series.t_r_s
    try:
        told = _told(whole, path)
    except _UNREADABLE as error:
        if same:
            return "the undamaged series"
        raise WrongError(f"read, where others say {type(error).__name__}: {error}") from error
    if _agrees(found, told):
        return "the undamaged series" if same else "other numbers, as the file says"
    if told.moved:
        return "moved otherwise"
    raise WrongError(f"the file says {told.values[0]}, {told.t_r_s} s; read {found.values[0]}")


def _check_form(found: ParcelSeries) -> None:
    if found.values.shape[1] != len(found.parcel_names):
        raise WrongError(f"{found.values.shape[1]} columns, {len(found.parcel_names)} names")
    lost = {name for name, gone in zip(found.parcel_names, found.missing, strict=True) if gone}
    if lost != set(found.quality.missing_reasons):
        raise WrongError(f"missing {sorted(lost)}, reasons for {found.quality.missing_reasons}")


def _damaged(raw: bytes, name: str, rng: np.random.Generator) -> bytes:
    """Return a file damaged as it lies on disk, in its header, or in what it holds."""
    zipped = name.endswith(".gz")
    how = rng.choice(["wire", "cut", "header", "field", "field", "data", "length"])
    if how == "wire":
        changed = bytearray(raw)
        for _ in range(rng.choice([1, 1, 3])):
            changed[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
        return bytes(changed)
    if how == "cut":
        at = int(rng.integers(len(raw)))
        return [raw[:at], raw + raw[at:], raw + bytes(at), raw[:at] + raw[at + 1 :]][
            rng.integers(4)
        ]
    body = bytearray(gzip.decompress(raw) if zipped else raw)
    if how == "header":
        for _ in range(2):
            body[int(rng.integers(348))] ^= 1 << int(rng.integers(8))
    elif how == "field":
        _set_field(body, rng)
    elif how == "data":
        at = int(rng.integers(352, len(body)))
        body[at : at + 8] = rng.bytes(min(8, len(body) - at))
    else:
        at = int(rng.integers(len(body)))
        body[at:at] = rng.bytes(int(rng.integers(1, 999)))
    return gzip.compress(bytes(body), 1) if zipped else bytes(body)


def _set_field(body: bytearray, rng: np.random.Generator) -> None:
    if struct.unpack_from("<i", body)[0] == 540:
        at, kind = (16 + 8 * int(rng.integers(8)), "q") if rng.random() < 0.5 else (168, "q")
        value = int(rng.choice([*_WHOLE, 10**6, 2**40, 2**62]))
        struct.pack_into(f"<{kind}", body, at, value)
        return
    at, kind = _FIELDS[rng.integers(len(_FIELDS))]
    value = float(rng.choice(_REAL)) if kind == "f" else int(rng.choice(_WHOLE))
    struct.pack_into(f"<{kind}", body, at, max(-128, min(value, 127)) if kind == "b" else value)


@dataclass(frozen=True)
class _Told:
    """What a file says: series of parcels by name, and whether an affine moved an image."""

    values: np.ndarray
    names: list[str]
    t_r_s: float
    moved: bool = False


def _told(whole: _Undamaged, path: Path) -> _Told:
    files = _files(whole.folder, whole.name, path)
    if whole.name in _SURFACES:
        return _told_of_surfaces(files["bold"], files["atlas"])
    scan, atlas = _opened(files["bold"]), _opened(files["atlas"])
    mask = None if files["mask"] is None else _opened(files["mask"])
    values = _scaled(scan)
    values = values.reshape(*values.shape[:3], -1)
    # What is not finite throughout counts as 0; what comes and goes makes its parcels missing.
    dark = ~np.isfinite(values).any(axis=-1)
    values[dark] = 0.0
    others = [atlas] if mask is None else [atlas, mask]
    moved = any(
        one.shape[:3] != scan.shape[:3] or not np.array_equal(one.affine, scan.affine)
        for one in others
    )
    inside = np.ones(scan.shape[:3], bool) if mask is None else np.rint(_on(mask, scan)) != 0
    weights, names = _parcels(_on(atlas, scan))
    weights = np.where(inside[..., None], weights, 0)[..., :].reshape(-1, weights.shape[-1])
    with np.errstate(all="ignore"):
        series = values.reshape(-1, values.shape[-1])
        if names[0].startswith("map"):
            # Each of length one: what a garbled voxel makes long must not hide the others.
            sizes = np.linalg.norm(weights, axis=0)
            told = np.linalg.lstsq(weights / sizes, series, rcond=None)[0].T / sizes
        else:
            held = [series[column > 0] for column in weights.T]
            told = np.array([own.mean(axis=0) for own in held]).T
    zooms, unit = scan.header.get_zooms(), scan.header.get_xyzt_units()[1]
    seconds = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}.get(unit, np.nan)
    return _Told(told, names, float(zooms[3]) * seconds, moved)


def _opened(path: Path) -> nib.Nifti1Image:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    kind = (
        nib.Nifti1Image
        if 348 in struct.unpack("<i", raw[:4]) + struct.unpack(">i", raw[:4])
        else nib.Nifti2Image
    )
    return kind.from_stream(io.BytesIO(raw))


def _scaled(image: nib.Nifti1Image) -> np.ndarray:
    # In float64: nibabel scales floats in the precision that they are stored in.
    proxy = image.dataobj
    return np.asarray(proxy.get_unscaled(), dtype=float) * proxy.slope + proxy.inter


def _on(image: nib.Nifti1Image, scan: nib.Nifti1Image) -> np.ndarray:
    """Return an image's values at the scan's voxels, the nearest one's; 0 outside."""
    values = np.nan_to_num(_scaled(image), posinf=0, neginf=0)
    if values.ndim > 3 and values.shape[3] == 1:
        values = values.reshape(values.shape[:3])
    at = np.indices(scan.shape[:3]).reshape(3, -1)
    move = np.linalg.inv(image.affine) @ scan.affine
    there = np.rint(move[:3, :3] @ at + move[:3, 3:])
    seen = ((there >= 0) & (there < np.array(values.shape[:3])[:, None])).all(axis=0)
    found = np.zeros((at.shape[1], *values.shape[3:]))
    found[seen] = values[tuple(there[:, seen].astype(int))]
    return found.reshape(*scan.shape[:3], *values.shape[3:])


def _parcels(atlas: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if atlas.ndim > 3:
        return atlas, [f"map {k}" for k in range(atlas.shape[3])]
    labels = np.setdiff1d(np.rint(atlas), [0])
    return np.stack([np.rint(atlas) == k for k in labels], axis=-1), [f"{k:g}" for k in labels]


def _told_of_surfaces(series: Path, atlas: Path) -> _Told:
    one, other = nib.load(series), nib.load(atlas)
    values = np.asarray(one.dataobj, dtype=float)
    axis, labels = one.header.get_axis(1), other.header.get_axis(1)
    table = other.header.get_axis(0).label[0]
    keys = np.rint(np.nan_to_num(np.asarray(other.dataobj[0], dtype=float)))
    at = {
        (name, vertex): k
        for k, (name, vertex) in enumerate(zip(axis.name, axis.vertex, strict=True))
    }
    told, names = [], []
    for key in np.unique(keys[keys != 0]):
        places = zip(labels.name[keys == key], labels.vertex[keys == key], strict=True)
        own = values[:, [at[place] for place in places if place in at]]
        finite = np.isfinite(own).all(axis=0)
        own = own[:, finite]
        told.append(own[:, np.ptp(own, axis=0) > 0].mean(axis=1))
        names.append(table[int(key)][0])
    return _Told(np.array(told).T, names, float(one.header.get_axis(0).step))


def _agrees(found: ParcelSeries, told: _Told) -> bool:
    if found.t_r_s is not None and not np.isclose(found.t_r_s, told.t_r_s, rtol=1e-5):
        return False
    columns = np.flatnonzero(~found.missing)
    values = told.values
    if set(found.parcel_names) <= set(told.names):
        values = values[:, [told.names.index(name) for name in found.parcel_names]]
    if found.values.shape != values.shape:
        return False
    return _equal(found.values[:, columns], values[:, columns])


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        scale = np.nanmax(np.abs(one), initial=0.0)
        return bool(np.allclose(one, other, rtol=1e-6, atol=1e-9 * scale, equal_nan=True))
