"""A damaged or impossible scan is one clear error, never a crash and never a wrong series."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from brainage.errors import AtlasError, ScanError
from brainage.imaging import (
    AtlasOptions,
    CleaningOptions,
    ExclusionRules,
    LabelAtlas,
    Parcels,
    extract_parcel_series,
    load_atlas,
)
from brainage.imaging.atlas.operator import load_mask
from brainage.imaging.reading import stream as stream_module
from brainage.imaging.reading.nifti import Grid, write_nifti
from brainage.imaging.reading.scan import Scan
from brainage.imaging.reading.stream import VolumeStream

_SHAPE = (8, 7, 6, 40)
_AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
_PLAIN = CleaningOptions(strategy="none", high_pass_hz=None, low_pass_hz=None, t_r_s=2.0)


@pytest.fixture
def folder(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    write_nifti(tmp_path / "bold.nii.gz", rng.normal(1000, 50, _SHAPE), _AFFINE, t_r_s=2.0)
    return tmp_path


def an_atlas(folder: Path) -> LabelAtlas:
    labels = np.zeros(_SHAPE[:3])
    for i in range(4):
        labels[2 * i : 2 * i + 2] = i + 1
    if not (folder / "labels.nii.gz").exists():
        write_nifti(folder / "labels.nii.gz", labels, _AFFINE)
    return LabelAtlas(
        name="made",
        parcels=Parcels(("a", "b", "c", "d")),
        space=None,
        content_hash="four slabs",
        image=folder / "labels.nii.gz",
        label_values=np.arange(1, 5),
    )


def extract(folder: Path, name: str = "bold.nii.gz", **choices):
    scan = Scan(
        "01",
        "n/a",
        "n/a",
        "rest",
        None,
        folder / name,
        choices.pop("confounds", None),
        choices.pop("mask", None),
    )
    cleaning = _PLAIN.model_copy(update=choices)
    rules = ExclusionRules(min_retained_s=0.0)
    return extract_parcel_series(scan, atlas=an_atlas(folder), cleaning=cleaning, exclusion=rules)


def drain(path: Path, n_threads: int | None = None) -> int:
    with VolumeStream(path, n_threads=n_threads) as stream:
        return sum(len(block) for _, block in stream.blocks())


@pytest.mark.parametrize("n_threads", [1, 2])
def test_gzip_cut_at_any_byte_is_a_scan_error_that_names_the_file(folder, monkeypatch, n_threads):
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 1000)
    whole = (folder / "bold.nii.gz").read_bytes()
    places = np.unique(
        np.r_[0:40, np.linspace(40, len(whole) - 1, 80).astype(int), len(whole) - 9 : len(whole)]
    )
    cut = folder / "cut.nii.gz"
    for place in places:
        cut.write_bytes(whole[:place])
        with pytest.raises(ScanError, match=r"cut\.nii\.gz"):
            drain(cut, n_threads)


def test_gzip_with_any_byte_changed_is_an_error_or_the_same_image(folder):
    whole = (folder / "bold.nii.gz").read_bytes()
    rng = np.random.default_rng(1)
    changed = folder / "changed.nii.gz"
    harmless = []
    for place in np.r_[0:20, rng.integers(20, len(whole), 80), len(whole) - 8 : len(whole)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        changed.write_bytes(flipped)
        try:
            assert drain(changed) == _SHAPE[3]
        except ScanError:
            continue
        harmless.append(place)
    # Only the gzip header's own fields (time, system, flags) do not change the content.
    assert max(harmless, default=0) < 10


def test_plain_file_cut_anywhere_says_how_many_bytes_were_expected(folder):
    raw = gzip.decompress((folder / "bold.nii.gz").read_bytes())
    cut = folder / "cut.nii"
    for place in (0, 1, 200, 347, 348, 352, 353, len(raw) // 2, len(raw) - 1):
        cut.write_bytes(raw[:place])
        with pytest.raises(ScanError, match=r"cut\.nii"):
            drain(cut)
    cut.write_bytes(raw[:-100])
    with pytest.raises(ScanError, match="header says 40 volumes of 672 bytes, 27232 bytes in all"):
        drain(cut)


@pytest.mark.parametrize(
    ("n_volumes", "words"),
    [
        (41, "truncated"),
        (39, "holds at least one more"),
        (32000, "truncated"),
    ],
)
def test_a_header_of_another_length_than_the_file_is_refused(folder, n_volumes, words):
    image = nib.load(folder / "bold.nii.gz")
    for compress, name in [(gzip.compress, "wrong.nii.gz"), (bytes, "wrong.nii")]:
        raw = bytearray(image.to_bytes())
        raw[48:50] = np.int16(n_volumes).tobytes()
        (folder / name).write_bytes(compress(bytes(raw)))
        with pytest.raises(ScanError, match=words):
            drain(folder / name)


def test_a_file_that_shrinks_while_it_is_read_is_truncated(folder, monkeypatch):
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 20000)
    path = folder / "shrinks.nii"
    nib.Nifti1Image(np.ones((30, 30, 30, 30), "i2"), _AFFINE, dtype="i2").to_filename(path)
    with VolumeStream(path, n_threads=1) as stream:
        blocks = stream.blocks()
        next(blocks)
        os.truncate(path, 400_000)
        with pytest.raises(ScanError, match="file ends in volume 7 "):
            list(blocks)


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b", b"hello", b"\0" * 5000, gzip.compress(b"hello", mtime=0)]
)
def test_what_is_no_image_is_said_to_be_none(folder, content):
    (folder / "other.nii.gz").write_bytes(content)
    with pytest.raises(ScanError, match=r"other\.nii\.gz"):
        drain(folder / "other.nii.gz")


def test_absent_folder_and_forbidden_files_are_told_apart(folder):
    with pytest.raises(ScanError, match="no such file"):
        drain(folder / "absent.nii.gz")
    with pytest.raises(ScanError, match="found a folder"):
        drain(folder)
    if os.geteuid() != 0:
        (folder / "bold.nii.gz").chmod(0)
        with pytest.raises(ScanError, match="no permission"):
            drain(folder / "bold.nii.gz")


def test_an_all_zero_image_is_an_error_and_not_a_series_of_zeros(folder):
    write_nifti(folder / "zero.nii.gz", np.zeros(_SHAPE), _AFFINE, t_r_s=2.0)
    with pytest.raises(ScanError, match="no usable parcel: every parcel is constant"):
        extract(folder, "zero.nii.gz")


def test_a_constant_parcel_is_missing_in_its_place(folder):
    data = np.random.default_rng(2).normal(1000, 50, _SHAPE)
    data[2:4] = 700
    write_nifti(folder / "flat.nii.gz", data, _AFFINE, t_r_s=2.0)
    series = extract(folder, "flat.nii.gz")
    assert series.missing.tolist() == [False, True, False, False]
    assert series.quality.missing_reasons == {"b": "constant"}
    np.testing.assert_allclose(series.values[:, [0, 2, 3]].std(axis=0, ddof=1), 1, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_comes_and_goes_makes_its_parcel_missing_and_no_other(folder, bad):
    data = np.random.default_rng(3).normal(1000, 50, _SHAPE)
    expected = extract(folder_with(folder, "ok.nii", data), "ok.nii").values
    data[4, 3, 3, 17] = bad
    series = extract(folder_with(folder, "bad.nii", data), "bad.nii")
    assert series.missing.tolist() == [False, False, True, False]
    assert series.quality.missing_reasons == {"c": "not finite in some volumes"}
    # With and without a missing column the arithmetic has two shapes: equal to 1e-9 of the scale.
    np.testing.assert_allclose(series.values[:, [0, 1, 3]], expected[:, [0, 1, 3]], atol=1e-9)


def test_voxels_never_finite_count_as_not_covered(folder):
    data = np.random.default_rng(4).normal(1000, 50, _SHAPE)
    data[0, :] = np.nan
    data[4:6, :6] = np.nan
    series = extract(folder_with(folder, "dark.nii", data), "dark.nii")
    np.testing.assert_allclose(series.quality.coverage, [1 / 2, 1, 1 / 7, 1], rtol=1e-9)
    assert series.missing.tolist() == [False, False, True, False]


def test_an_image_of_nan_is_an_error(folder):
    folder_with(folder, "nan.nii", np.full(_SHAPE, np.nan))
    with pytest.raises(ScanError, match="no usable parcel"):
        extract(folder, "nan.nii")


def folder_with(folder: Path, name: str, data: np.ndarray) -> Path:
    write_nifti(folder / name, data, _AFFINE, t_r_s=2.0, dtype="float32")
    return folder


def test_one_volume_is_no_time_series(folder):
    write_nifti(folder / "one.nii.gz", np.ones((*_SHAPE[:3], 1)), _AFFINE, t_r_s=2.0)
    with pytest.raises(ScanError, match=r"one\.nii\.gz: expected a time series, found 1 volume"):
        extract(folder, "one.nii.gz")


def test_a_scan_too_short_for_the_filter_says_so(folder):
    data = np.random.default_rng(8).normal(1000, 50, (*_SHAPE[:3], 20))
    write_nifti(folder / "short.nii.gz", data, _AFFINE, t_r_s=2.0)
    with pytest.raises(ScanError, match="20 kept volumes: too few for the filter"):
        extract(folder, "short.nii.gz", high_pass_hz=0.01, low_pass_hz=0.1)


def test_an_empty_mask_is_named(folder):
    write_nifti(folder / "mask.nii.gz", np.zeros(_SHAPE[:3]), _AFFINE, dtype="uint8")
    with pytest.raises(ScanError, match=r"mask\.nii\.gz: an empty mask"):
        extract(folder, mask=folder / "mask.nii.gz")


def test_a_mask_corrupt_or_cut_at_any_byte_is_never_another_mask(folder):
    rng = np.random.default_rng(9)
    path, grid = folder / "mask.nii.gz", Grid(_SHAPE[:3], _AFFINE)
    write_nifti(path, rng.random(_SHAPE[:3]) > 0.5, _AFFINE, dtype="uint8")
    whole, expected = path.read_bytes(), load_mask(path, grid)
    for place in rng.permutation(len(whole))[:120]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        for content in (flipped, whole[:place]):
            path.write_bytes(content)
            try:
                np.testing.assert_array_equal(load_mask(path, grid), expected)
            except ScanError as error:
                assert "mask.nii.gz" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.nii.gz", "truncated gzip"),
        ("flipped.nii.gz", "corrupt gzip"),
        ("cut.nii", "truncated, or a wrong header"),
        ("text.nii", "expected a NIfTI atlas"),
    ],
)
def test_a_damaged_atlas_stops_with_its_name_and_is_never_another_atlas(folder, name, words):
    labels = np.arange(np.prod(_SHAPE[:3])).reshape(_SHAPE[:3]) % 9
    write_nifti(folder / "atlas.nii.gz", labels, _AFFINE)
    whole = (folder / "atlas.nii.gz").read_bytes()
    flipped = bytearray(whole)
    flipped[-6] ^= 0x10  # a checksum that the voxels do not have
    content = {
        "cut.nii.gz": whole[:-20],
        "flipped.nii.gz": flipped,
        "text.nii": b"no image",
        "cut.nii": gzip.decompress(whole)[:-50],
    }
    (folder / name).write_bytes(content[name])
    with pytest.raises(AtlasError, match=words) as caught:
        load_atlas(AtlasOptions(name="made", path=str(folder / name)))
    assert name in str(caught.value)


def test_confounds_one_row_short_name_both_counts(folder):
    motion = pd.DataFrame(np.random.default_rng(5).normal(0, 0.01, (39, 6)))
    motion.to_csv(folder / "motion.txt", sep=" ", header=False, index=False)
    with pytest.raises(ScanError, match="39 rows, but .* 40 volumes"):
        extract(folder, strategy="24P", motion_order="fsl", confounds=folder / "motion.txt")


def test_as_many_confounds_as_volumes_leave_nothing_and_are_refused(folder):
    table = pd.DataFrame(np.random.default_rng(7).normal(0, 1, (40, 39))).add_prefix("c")
    table.iloc[:, :38].to_csv(folder / "most.tsv", sep="\t", index=False)
    extract(folder, strategy="as_given", confounds=folder / "most.tsv")
    table.to_csv(folder / "all.tsv", sep="\t", index=False)
    with pytest.raises(ScanError, match="39 independent confounds, and 40 volumes are kept"):
        extract(folder, strategy="as_given", confounds=folder / "all.tsv")


def test_all_volumes_scrubbed_is_an_error(folder):
    motion = pd.DataFrame(np.cumsum(np.random.default_rng(6).normal(0, 2, (40, 6)), axis=0))
    motion.to_csv(folder / "motion.txt", sep=" ", header=False, index=False)
    with pytest.raises(ScanError, match="none of 40 volumes is kept"):
        extract(
            folder,
            strategy="24P",
            motion_order="fsl",
            confounds=folder / "motion.txt",
            scrub_fd_mm=0.01,
        )
