"""Our series equal nilearn's maskers: largest difference <= 1e-6 of a series' deviation."""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker, NiftiSpheresMasker

from brainage.imaging import (
    Atlas,
    CleaningOptions,
    LabelAtlas,
    MapAtlas,
    Parcels,
    SphereAtlas,
)
from brainage.imaging.atlas.operator import load_mask, parcel_operator
from brainage.imaging.cleaning.confounds import Nuisance
from brainage.imaging.extract import clean_signals
from brainage.imaging.measure import stream_signals
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.stream import VolumeStream

_TOLERANCE_SD = 1e-6
_T_R_S = 2.0
_AFFINE = np.array(
    [[-3.0, 0.2, 0.0, 40.0], [0.1, 3.0, 0.3, -50.0], [0, -0.2, 3.5, -30], [0, 0, 0, 1]]
)
_SHAPE = (24, 28, 16)


_KINDS = {"labels": LabelAtlas, "spheres": SphereAtlas, "maps": MapAtlas}


def an_atlas(kind: str, *, p: int, **fields) -> Atlas:
    return _KINDS[kind](
        name="made",
        parcels=Parcels(tuple(f"parcel{i}" for i in range(p))),
        space=None,
        content_hash=repr(sorted(fields.items(), key=str)),
        **fields,
    )


def ours(bold: Path, atlas: Atlas, *, mask=None, fwhm_mm=None, raw_only=False, nuisance=None):
    scan = Scan("01", "n/a", "n/a", "n/a", None, bold, None, mask)
    with VolumeStream(bold) as stream:
        grid, n_volumes = stream.header.grid, stream.header.n_volumes
        inside = None if mask is None else load_mask(mask, grid)
        operator = parcel_operator(atlas, grid, mask=inside, smoothing_fwhm_mm=fwhm_mm)
        raw = stream_signals(stream, operator).values
    if raw_only:
        return raw, operator
    nuisance = nuisance or Nuisance(None, np.arange(n_volumes), None, "none")
    return clean_signals(raw, nuisance, CleaningOptions(), _T_R_S, scan), operator


def theirs(bold: Path, atlas: Atlas, *, mask=None, fwhm_mm=None, nuisance=None):
    """Return nilearn's series; columns that it drops are NaN."""
    settings = {"mask_img": None if mask is None else str(mask), "smoothing_fwhm": fwhm_mm}
    confounds = sample_mask = None
    if nuisance == "raw":
        settings |= {"standardize": None, "detrend": False}
    else:
        settings |= {
            "standardize": "zscore_sample",
            "detrend": True,
            "high_pass": 0.01,
            "low_pass": 0.1,
            "t_r": _T_R_S,
        }
        if nuisance is not None:
            confounds, sample_mask = nuisance.confounds, nuisance.kept_volumes
    image = as_float64(bold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = []
        for masker, columns in maskers(atlas, settings):
            masker.fit(image)
            got = masker.transform(image, confounds=confounds, sample_mask=sample_mask)
            if isinstance(atlas, LabelAtlas) and got.shape[1] != len(atlas.parcel_names):
                kept = [int(v) for v in masker.region_ids_.values() if v != "background"]
                columns = np.flatnonzero(np.isin(atlas.label_values, kept))
            parts.append((columns, got))
    series = np.full((len(parts[0][1]), len(atlas.parcel_names)), np.nan)
    for columns, got in parts:
        series[:, columns] = got
    return series


def maskers(atlas: Atlas, settings: dict):
    everything = np.arange(len(atlas.parcel_names))
    if isinstance(atlas, LabelAtlas):
        yield NiftiLabelsMasker(str(atlas.image), resampling_target="data", **settings), everything
    elif isinstance(atlas, MapAtlas):
        yield NiftiMapsMasker(str(atlas.image), resampling_target="data", **settings), everything
    else:
        for radius in np.unique(atlas.radii_mm):
            columns = np.flatnonzero(atlas.radii_mm == radius)
            yield (
                NiftiSpheresMasker(
                    atlas.coordinates_mm[columns], radius=radius, allow_overlap=True, **settings
                ),
                columns,
            )


def as_float64(bold: Path) -> nib.Nifti1Image:
    """nilearn smooths integers and float32 in float32: give it the same values as float64."""
    image = nib.load(bold)
    data = np.asarray(image.dataobj, dtype=np.float64)
    data = data.reshape(*data.shape[:3], -1)
    return nib.Nifti1Image(data, image.affine, dtype=np.float64)


def largest_difference_sd(mine: np.ndarray, other: np.ndarray) -> float:
    spread = np.nanstd(other, axis=0)
    told = spread > 0
    assert told.any()
    assert np.isfinite(mine[:, told]).all()
    return float((np.abs(mine - other)[:, told] / spread[told]).max())


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A scan, a ragged mask, labels on a finer grid and smooth maps, obliquely placed."""
    folder = tmp_path_factory.mktemp("parity")
    rng = np.random.default_rng(5)
    data = rng.normal(1000, 40, (*_SHAPE, 60)) + rng.normal(0, 300, (*_SHAPE, 1))
    write_nifti(folder / "bold.nii.gz", data, _AFFINE, t_r_s=_T_R_S)
    mask = rng.random(_SHAPE) < 0.8
    mask[:4] = False
    write_nifti(folder / "mask.nii.gz", mask, _AFFINE, dtype="uint8")
    fine = _AFFINE @ np.diag([0.6, 0.7, 0.8, 1.0])
    fine[:3, 3] += [2.0, -1.0, 3.0]
    labels = np.kron(rng.integers(0, 12, (8, 8, 4)), np.ones((5, 5, 5)))
    write_nifti(folder / "labels.nii.gz", labels * 3, fine)
    maps = np.abs(rng.normal(size=(40, 40, 20, 5))) * (rng.random((40, 40, 20, 5)) < 0.3)
    write_nifti(folder / "maps.nii.gz", maps, fine, dtype="float32")
    return folder


def atlas_of(kind: str, folder: Path) -> Atlas:
    if kind == "labels":
        return an_atlas(
            kind, p=11, image=folder / "labels.nii.gz", label_values=3 * np.arange(1, 12)
        )
    if kind == "maps":
        return an_atlas(kind, p=5, image=folder / "maps.nii.gz")
    rng = np.random.default_rng(6)
    voxels = rng.uniform([6, 2, 2], np.array(_SHAPE) - 3, (14, 3))
    centres = np.round(voxels @ _AFFINE[:3, :3].T + _AFFINE[:3, 3])
    # The smallest radius holds no voxel centre but the nearest.
    return an_atlas(
        kind, p=14, coordinates_mm=centres, radii_mm=np.repeat([5.0, 8.0, 0.5], [6, 6, 2])
    )


def a_nuisance(n_volumes: int) -> Nuisance:
    rng = np.random.default_rng(7)
    kept = np.setdiff1d(np.arange(3, n_volumes), [20, 21, 40])
    return Nuisance(np.cumsum(rng.normal(size=(n_volumes, 6)), axis=0), kept, None, "six")


@pytest.mark.parametrize("fwhm_mm", [None, 6.0])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["labels", "spheres", "maps"])
def test_series_equal_nilearn_with_confounds_filter_and_sample_mask(images, kind, masked, fwhm_mm):
    bold, atlas = images / "bold.nii.gz", atlas_of(kind, images)
    if kind == "spheres" and masked:
        # nilearn refuses an empty sphere; the ragged mask empties the smallest.
        atlas = an_atlas(
            kind, p=12, coordinates_mm=atlas.coordinates_mm[:12], radii_mm=atlas.radii_mm[:12]
        )
    mask = images / "mask.nii.gz" if masked else None
    nuisance = a_nuisance(60)
    mine, _ = ours(bold, atlas, mask=mask, fwhm_mm=fwhm_mm, nuisance=nuisance)
    other = theirs(bold, atlas, mask=mask, fwhm_mm=fwhm_mm, nuisance=nuisance)
    assert mine.shape == other.shape
    assert largest_difference_sd(mine, other) <= _TOLERANCE_SD


@pytest.mark.parametrize("kind", ["labels", "spheres", "maps"])
def test_raw_signals_equal_nilearn_in_scanner_units(images, kind):
    bold, atlas = images / "bold.nii.gz", atlas_of(kind, images)
    mine, _ = ours(bold, atlas, raw_only=True)
    other = theirs(bold, atlas, nuisance="raw")
    assert largest_difference_sd(mine, other) <= _TOLERANCE_SD


def test_a_parcel_that_nilearn_drops_is_empty_in_its_place(images):
    atlas = atlas_of("labels", images)
    image = nib.load(atlas.image)
    grid = nib.load(images / "bold.nii.gz")
    mask = np.ones(_SHAPE, dtype=bool)
    labels = np.round(np.asarray(_moved(image, grid).dataobj))
    mask[labels == 9] = False
    write_nifti(images / "without9.nii.gz", mask, _AFFINE, dtype="uint8")
    mine, operator = ours(
        images / "bold.nii.gz", atlas, mask=images / "without9.nii.gz", raw_only=True
    )
    assert np.flatnonzero(operator.empty).tolist() == [2]
    assert operator.coverage[2] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = NiftiLabelsMasker(
            str(atlas.image),
            mask_img=str(images / "without9.nii.gz"),
            standardize=None,
            keep_masked_labels=False,
        ).fit_transform(as_float64(images / "bold.nii.gz"))
    assert largest_difference_sd(np.delete(mine, 2, axis=1), other) <= _TOLERANCE_SD


def _moved(image, grid):
    from nilearn.image import resample_img

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return resample_img(
            image, target_affine=grid.affine, target_shape=grid.shape[:3], interpolation="nearest"
        )


def test_voxels_that_are_nan_throughout_count_as_nilearn_counts_them(images, tmp_path):
    image = as_float64(images / "bold.nii.gz")
    data = np.array(image.dataobj)
    data[10:14] = np.nan
    write_nifti(tmp_path / "nan.nii", data, _AFFINE, dtype="float64")
    atlas = atlas_of("labels", images)
    for fwhm_mm in (None, 6.0):
        mine, _ = ours(tmp_path / "nan.nii", atlas, fwhm_mm=fwhm_mm, raw_only=True)
        other = theirs(tmp_path / "nan.nii", atlas, fwhm_mm=fwhm_mm, nuisance="raw")
        assert largest_difference_sd(mine, other) <= _TOLERANCE_SD


_REAL = [
    "haxby2001/run001/bold_25mm.nii.gz",
    "haxby2001/run001/bold_1slice.nii.gz",
    "other/feeds_filtered_func.nii.gz",
    "other/ds003_sub-01_mc.nii.gz",
    "other/pymvpa_bold.nii.gz",
]


# One run of the twelve with every kind of atlas, the other eleven with labels.
_EVERY_KIND = [(name, kind) for kind in ("labels", "spheres", "maps") for name in _REAL]
_OTHER_RUNS = [
    (f"haxby2001/run{run:03d}/{form}.nii.gz", "labels")
    for run in range(2, 13)
    for form in ("bold_25mm", "bold_1slice")
]


@pytest.mark.parametrize(("name", "kind"), _EVERY_KIND + _OTHER_RUNS)
def test_series_of_real_images_equal_nilearn(real_data, tmp_path, name, kind):
    bold = _placed(real_data / "bold" / name, tmp_path)
    image = nib.load(bold)
    atlas = _atlas_on(image, kind, tmp_path)
    mask = None
    if name.endswith("25mm.nii.gz"):
        mask = real_data / "bold" / "haxby2001" / "masks_25mm" / "brain.nii.gz"
    # ds003 has 20 volumes, too few for a band-pass filter: compared before cleaning.
    short = image.shape[3] < 40
    cleaned = {"nuisance": "raw"} if short else {}
    for fwhm_mm in (None, 6.0):
        mine, operator = ours(bold, atlas, mask=mask, fwhm_mm=fwhm_mm, raw_only=short)
        if kind == "spheres" and operator.empty.any():
            atlas = an_atlas(
                kind,
                p=int((~operator.empty).sum()),
                coordinates_mm=atlas.coordinates_mm[~operator.empty],
                radii_mm=atlas.radii_mm[~operator.empty],
            )
            mine = mine[:, ~operator.empty]
        other = theirs(bold, atlas, mask=mask, fwhm_mm=fwhm_mm, **cleaned)
        assert largest_difference_sd(mine, other) <= _TOLERANCE_SD


def _placed(bold: Path, folder: Path) -> Path:
    """Return the image, or a copy that says where it is: two of the real ones do not."""
    image = nib.load(bold)
    if image.header["sform_code"] or image.header["qform_code"]:
        return bold
    image.header.set_sform(image.affine, code=1)
    image.header.set_data_offset(352)
    target = folder / bold.name
    nib.Nifti1Image(np.asarray(image.dataobj), None, image.header).to_filename(target)
    return target


def _atlas_on(image, kind: str, folder: Path) -> Atlas:
    """Blocks, spheres or smooth bumps that fit the image's own field of view."""
    shape, affine = np.array(image.shape[:3]), image.affine
    index = np.indices(shape)
    block = np.maximum(shape // 3, 1)[:, None, None, None]
    labels = 1 + np.ravel_multi_index(tuple(index // block), tuple(shape // block.ravel() + 1))
    values = np.unique(labels)
    if kind == "labels":
        write_nifti(folder / "labels.nii.gz", labels, affine)
        return an_atlas(kind, p=len(values), image=folder / "labels.nii.gz", label_values=values)
    middles = np.array([[np.mean(axis[labels == v]) for axis in index] for v in values[::2]])
    if kind == "spheres":
        voxel_mm = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).max()
        centres = middles @ affine[:3, :3].T + affine[:3, 3]
        return an_atlas(
            kind,
            p=len(centres),
            coordinates_mm=centres,
            radii_mm=np.full(len(centres), 1.7 * voxel_mm),
        )
    wide = np.maximum(shape / 6, 1)
    away = (index[..., None] - middles.T[:, None, None, None]) / wide[:, None, None, None, None]
    maps = np.exp(-0.5 * (away**2).sum(axis=0))
    write_nifti(folder / "maps.nii", maps, affine, dtype="float64")
    return an_atlas(kind, p=len(middles), image=folder / "maps.nii")
