"""The operator's weights, coverage and cache."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from brainage.errors import ScanError
from brainage.imaging import LabelAtlas, MapAtlas, Parcels, SphereAtlas
from brainage.imaging.atlas.operator import load_mask, parcel_operator
from brainage.imaging.reading.nifti import Grid, write_nifti

_GRID = Grid((12, 10, 8), np.diag([3.0, 3.0, 3.0, 1.0]))


def made(p: int, **fields) -> dict:
    parcels = Parcels(tuple(f"p{i}" for i in range(p)))
    return {
        "name": "made",
        "parcels": parcels,
        "space": None,
        "content_hash": repr(fields),
    } | fields


def labels_atlas(folder: Path, grid: Grid = _GRID) -> LabelAtlas:
    labels = np.zeros(grid.shape)
    labels[1:4] = 5
    labels[6:9] = 2
    labels[11, 0, 0] = 9
    write_nifti(folder / "labels.nii.gz", labels, grid.affine)
    values = np.array([5, 2, 9])
    return LabelAtlas(**made(3, image=folder / "labels.nii.gz", label_values=values))


def spheres_atlas(centres, radius_mm: float) -> SphereAtlas:
    centres = np.asarray(centres, dtype=float)
    radii = np.full(len(centres), radius_mm)
    return SphereAtlas(**made(len(centres), coordinates_mm=centres, radii_mm=radii))


def signals_of(operator, volume: np.ndarray) -> np.ndarray:
    return operator.apply([volume.ravel(order="F")[None]], 1)[0][0]


def test_rows_follow_the_label_table_and_not_the_label_values(tmp_path):
    volume = np.random.default_rng(0).normal(size=_GRID.shape)
    got = signals_of(parcel_operator(labels_atlas(tmp_path), _GRID), volume)
    expected = [volume[1:4].mean(), volume[6:9].mean(), volume[11, 0, 0]]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_coverage_is_the_share_inside_mask_and_field_of_view(tmp_path):
    atlas = labels_atlas(tmp_path)
    mask = np.ones(_GRID.shape, dtype=bool)
    mask[1] = False
    masked = parcel_operator(atlas, _GRID, mask=mask)
    np.testing.assert_allclose(masked.coverage, [2 / 3, 1, 1], atol=1e-12)
    shifted = _GRID.affine.copy()
    shifted[0, 3] = 2 * 3.0
    cut = parcel_operator(atlas, Grid((12, 10, 8), shifted))
    np.testing.assert_allclose(cut.coverage, [2 / 3, 1, 1], atol=1e-12)


def test_sphere_half_outside_the_field_of_view_is_covered_by_about_half():
    atlas = spheres_atlas([[16.0, 13.0, 12.0], [-1.4, 13.0, 12.0], [-40.0, 13.0, 12.0]], 6.1)
    operator = parcel_operator(atlas, _GRID)
    assert operator.coverage[0] == 1
    assert 0.35 < operator.coverage[1] < 0.65
    assert operator.coverage[2] == 0
    assert operator.empty.tolist() == [False, False, True]


def test_a_masked_operator_made_in_memory_equals_one_built_with_the_mask():
    rng = np.random.default_rng(3)
    atlas = spheres_atlas(rng.uniform([3, 3, 3], [30, 25, 20], (9, 3)), 5.0)
    mask = rng.random(_GRID.shape) < 0.6
    built = atlas.weights(_GRID, mask)
    operator = parcel_operator(atlas, _GRID, mask=mask)
    volume = rng.normal(size=_GRID.shape)
    np.testing.assert_allclose(
        signals_of(operator, volume), built.matrix @ volume.ravel(order="F"), rtol=1e-12
    )
    np.testing.assert_allclose(operator.coverage, built.coverage, rtol=1e-12)


def test_maps_recover_the_signals_that_mixed_them_exactly(tmp_path):
    rng = np.random.default_rng(4)
    maps = np.abs(rng.normal(size=(*_GRID.shape, 4)))
    write_nifti(tmp_path / "maps.nii", maps, _GRID.affine, dtype="float64")
    atlas = MapAtlas(**made(4, image=tmp_path / "maps.nii"))
    truth = rng.normal(size=4)
    got = signals_of(parcel_operator(atlas, _GRID), maps @ truth)
    np.testing.assert_allclose(got, truth, rtol=1e-9)


def test_values_that_are_not_finite_count_as_zero_and_are_counted(tmp_path):
    operator = parcel_operator(labels_atlas(tmp_path), _GRID)
    clean = np.random.default_rng(5).normal(size=_GRID.shape).astype(np.float32)
    broken = clean.copy()
    broken[2, 0, 0], broken[3, 1, 1] = np.nan, -np.inf
    zeroed = clean.copy()
    zeroed[2, 0, 0] = zeroed[3, 1, 1] = 0
    block = np.stack([clean.ravel(order="F"), broken.ravel(order="F")])
    signals, counted = operator.apply([block], 2, slope=2.0, intercept=0.0)
    np.testing.assert_allclose(signals[1], 2 * signals_of(operator, zeroed), rtol=1e-12)
    bad = operator.voxels[counted > 0]
    expected = np.flatnonzero(~np.isfinite(broken.ravel(order="F")))
    assert bad.tolist() == expected.tolist()


def test_smoothed_weights_equal_smoothing_the_volume_at_the_border_too(tmp_path):
    from scipy.ndimage import gaussian_filter1d

    volume = np.random.default_rng(6).normal(size=_GRID.shape)
    sigma = 7.0 / (np.sqrt(8 * np.log(2)) * 3.0)
    smooth = volume.copy()
    for axis in range(3):
        smooth = gaussian_filter1d(smooth, sigma, axis=axis)
    atlas = labels_atlas(tmp_path)
    got = signals_of(parcel_operator(atlas, _GRID, smoothing_fwhm_mm=7.0), volume)
    np.testing.assert_allclose(got, signals_of(parcel_operator(atlas, _GRID), smooth), rtol=1e-10)


def test_a_second_process_takes_the_operator_from_disk_and_a_damaged_one_is_rebuilt(tmp_path):
    atlas = labels_atlas(tmp_path)
    cache = tmp_path / "operators"
    from brainage.imaging.atlas import operator as module

    first = parcel_operator(atlas, _GRID, smoothing_fwhm_mm=5.0, cache_folder=cache)
    (entry,) = cache.glob("*.npz")
    module._remembered.cache_clear()
    stamp = entry.stat().st_mtime_ns
    again = parcel_operator(atlas, _GRID, smoothing_fwhm_mm=5.0, cache_folder=cache)
    assert entry.stat().st_mtime_ns == stamp
    assert (again.weights != first.weights).nnz == 0
    entry.write_bytes(entry.read_bytes()[:500])
    module._remembered.cache_clear()
    rebuilt = parcel_operator(atlas, _GRID, smoothing_fwhm_mm=5.0, cache_folder=cache)
    assert (rebuilt.weights != first.weights).nnz == 0
    assert entry.stat().st_size > 500


def test_within_a_process_an_operator_is_made_once(tmp_path):
    atlas = labels_atlas(tmp_path)
    mask = np.ones(_GRID.shape, dtype=bool)
    assert parcel_operator(atlas, _GRID, mask=mask) is parcel_operator(
        atlas, _GRID, mask=mask.copy()
    )


def _build(arguments) -> float:
    atlas, cache = arguments
    operator = parcel_operator(atlas, _GRID, smoothing_fwhm_mm=5.0, cache_folder=cache)
    return float(operator.weights.sum())


def test_workers_that_build_the_same_operator_at_once_leave_one_whole_file(tmp_path):
    atlas, cache = labels_atlas(tmp_path), tmp_path / "operators"
    with multiprocessing.get_context("fork").Pool(3) as pool:
        sums = pool.map(_build, [(atlas, cache)] * 6)
    # Reflection at the border keeps each row's sum at 1.
    np.testing.assert_allclose(sums, 3.0, rtol=1e-9)
    assert len(list(cache.iterdir())) == 1


def test_other_grids_masks_and_smoothing_are_other_operators(tmp_path):
    atlas, cache = labels_atlas(tmp_path), tmp_path / "operators"
    moved = _GRID.affine.copy()
    moved[0, 3] += 0.5
    for grid in (_GRID, Grid(_GRID.shape, moved)):
        for fwhm_mm in (None, 4.0, 5.0):
            parcel_operator(atlas, grid, smoothing_fwhm_mm=fwhm_mm, cache_folder=cache)
    assert len(list(cache.glob("*.npz"))) == 6


def test_applying_a_new_mask_does_not_resample_the_atlas_again(tmp_path):
    atlas = labels_atlas(tmp_path)
    parcel_operator(atlas, _GRID)
    atlas.image.unlink()
    rng = np.random.default_rng(8)
    for _ in range(3):
        operator = parcel_operator(atlas, _GRID, mask=rng.random(_GRID.shape) < 0.5)
        assert not operator.empty[:2].any()


def test_an_empty_or_unreadable_mask_is_named(tmp_path):
    write_nifti(tmp_path / "empty.nii.gz", np.zeros(_GRID.shape), _GRID.affine)
    (tmp_path / "text.nii.gz").write_text("not an image")
    write_nifti(tmp_path / "four.nii", np.ones((*_GRID.shape, 3)), _GRID.affine)
    write_nifti(
        tmp_path / "probability.nii", np.full(_GRID.shape, 0.25), _GRID.affine, dtype="float32"
    )
    for name, words in [
        ("empty.nii.gz", "empty mask"),
        ("text.nii.gz", "expected a NIfTI-1 or NIfTI-2 file"),
        ("four.nii", "expected a 3-D image, found 3 volumes"),
        ("none.nii.gz", "no such file"),
        ("probability.nii", "expected a mask of whole numbers .*such as 0.25"),
    ]:
        with pytest.raises(ScanError, match=words) as caught:
            load_mask(tmp_path / name, _GRID)
        assert name in str(caught.value)


def test_a_probability_stored_as_whole_numbers_and_a_slope_is_no_mask(tmp_path):
    stored = np.zeros(_GRID.shape)
    stored[:4], stored[4:8] = 255, 30
    image = nib.Nifti1Image(stored.astype("u1"), _GRID.affine)
    image.header.set_slope_inter(1 / 255, 0)
    nib.save(image, tmp_path / "probability.nii.gz")
    with pytest.raises(ScanError, match="a mask of whole numbers .*such as 0.118"):
        load_mask(tmp_path / "probability.nii.gz", _GRID)
    image = nib.Nifti1Image(np.where(stored == 255, 255, 0).astype("u1"), _GRID.affine)
    image.header.set_slope_inter(1 / 255, 0)
    nib.save(image, tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(load_mask(tmp_path / "mask.nii.gz", _GRID), stored == 255)


def test_a_mask_on_another_grid_is_moved_to_the_scans(tmp_path):
    coarse = np.zeros((4, 4, 4))
    coarse[:2] = 1
    write_nifti(tmp_path / "coarse.nii.gz", coarse, np.diag([9.0, 9.0, 9.0, 1.0]))
    inside = load_mask(tmp_path / "coarse.nii.gz", _GRID)
    # Voxel centres at 0, 3, ... mm; the coarse mask is inside up to 9 + 4.5 mm.
    assert inside[:, 2, 2].tolist() == [True] * 5 + [False] * 7


@pytest.mark.parametrize("dtype", [">i2", "u1", "f4", "f8"])
def test_batches_and_tiles_of_any_size_give_each_volume_its_own_sums(tmp_path, monkeypatch, dtype):
    from brainage.imaging.atlas import product

    operator = parcel_operator(labels_atlas(tmp_path), _GRID, smoothing_fwhm_mm=5.0)
    rng = np.random.default_rng(9)
    volumes = rng.integers(0, 200, (23, _GRID.n_voxels)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        volumes[7, ::50] = np.nan
    finite = np.where(np.isfinite(volumes), volumes, 0).astype(float) * 0.5
    expected = finite[:, operator.voxels] @ operator.weights.toarray().T
    for tile, batch_bytes in ((8192, 2**23), (37, 2**23), (100, 5000), (64, 1)):
        monkeypatch.setattr(product, "_TILE_VOXELS", tile)
        monkeypatch.setattr(product, "_BATCH_BYTES", batch_bytes)
        signals, counted = operator.apply(
            (volumes[i : i + 5] for i in range(0, 23, 5)), 23, slope=0.5
        )
        np.testing.assert_allclose(signals, expected, rtol=1e-12)
        if np.dtype(dtype).kind == "f":
            assert counted.tolist() == np.isnan(volumes[:, operator.voxels]).sum(axis=0).tolist()
        else:
            assert counted is None


def _stored(folder: Path) -> Path:
    atlas = labels_atlas(folder)
    parcel_operator(atlas, _GRID, cache_folder=folder / "operators")
    (entry,) = (folder / "operators").glob("*.npz")
    return entry


def _rewrite(entry: Path, *, resealed: bool, **changed) -> None:
    from brainage.imaging.atlas import operator as module

    with np.load(entry) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays |= {name: change(arrays[name]) for name, change in changed.items()}
    if resealed:
        arrays.pop("sha256")
        arrays["sha256"] = np.frombuffer(module._digest(arrays), dtype=np.uint8)
    np.savez(entry, **arrays)


def _one_digit(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[0] *= 1.1
    return values


@pytest.mark.parametrize(
    "change",
    [
        {"data": _one_digit},
        {"voxels": lambda v: v + 1},
        {"coverage": lambda c: c * 0.5},
        {"empty": lambda e: ~e},
    ],
)
def test_a_kept_operator_with_one_value_changed_is_made_again(tmp_path, change):
    from brainage.imaging.atlas import operator as module

    entry = _stored(tmp_path)
    module._remembered.cache_clear()
    expected = parcel_operator(labels_atlas(tmp_path), _GRID)
    _rewrite(entry, resealed=False, **change)
    module._remembered.cache_clear()
    found = parcel_operator(labels_atlas(tmp_path), _GRID, cache_folder=entry.parent)
    assert (found.weights != expected.weights).nnz == 0
    assert found.voxels.tolist() == expected.voxels.tolist()
    assert found.coverage.tolist() == expected.coverage.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"indices": lambda i: i + 50_000_000},
        {"indices": lambda i: i - 1},
        {"indptr": lambda p: p[::-1]},
        {"indptr": lambda p: p + 1},
        {"indptr": lambda p: p[:-1]},
        {"shape": lambda s: s * 1000},
        {"shape": lambda s: s[:1]},
        {"data": lambda d: d[:-1]},
        {"voxels": lambda v: v + 10**7},
        {"voxels": lambda v: v[::-1]},
        {"coverage": lambda c: c[:-1]},
        {"unmix": lambda u: np.ones((2, 2))},
    ],
)
@pytest.mark.parametrize("resealed", [False, True])
def test_arrays_that_make_no_matrix_are_never_used(tmp_path, change, resealed):
    from brainage.imaging.atlas.operator import _load

    entry = _stored(tmp_path)
    assert _load(entry, _GRID.n_voxels) is not None
    _rewrite(entry, resealed=resealed, **change)
    assert _load(entry, _GRID.n_voxels) is None
