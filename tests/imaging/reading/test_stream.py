"""Every way a NIfTI file stores voxels is read as nibabel reads it, in one bounded pass."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from brainage.errors import ScanError
from brainage.imaging.reading import stream as stream_module
from brainage.imaging.reading.nifti import write_nifti
from brainage.imaging.reading.stream import VolumeStream

_SHAPE = (7, 6, 5, 9)
_AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def read_all(path: Path, n_threads: int | None = None) -> np.ndarray:
    """Return scaled values as (x, y, z, t)."""
    with VolumeStream(path, n_threads=n_threads) as stream:
        header = stream.header
        volumes = np.concatenate([block.copy() for _, block in stream.blocks()])
    values = volumes.astype(np.float64) * header.slope + header.intercept
    return values.T.reshape(*header.grid.shape, header.n_volumes, order="F")


def some_values(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=_SHAPE).astype(dtype)
    low, high = max(np.iinfo(dtype).min, -1000), min(np.iinfo(dtype).max, 1000)
    return rng.integers(low, high, _SHAPE).astype(dtype)


_DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_every_type_in_either_byte_order_reads_as_nibabel_reads_it(tmp_path, kind, dtype, order):
    data = some_values(dtype)
    header = kind.header_class(endianness=order)
    header.set_data_dtype(dtype)
    image = kind(data, _AFFINE, header=header, dtype=dtype)
    for name in ("a.nii", "a.nii.gz"):
        image.to_filename(tmp_path / name)
        np.testing.assert_array_equal(
            read_all(tmp_path / name), nib.load(tmp_path / name).get_fdata()
        )


def test_scaled_voxels_are_slope_times_stored_plus_intercept(tmp_path):
    image = nib.Nifti1Image(some_values("i2"), _AFFINE, dtype="i2")
    image.header.set_slope_inter(0.37, -12.5)
    image.to_filename(tmp_path / "scaled.nii.gz")
    expected = nib.load(tmp_path / "scaled.nii.gz").get_fdata()
    np.testing.assert_allclose(read_all(tmp_path / "scaled.nii.gz"), expected, rtol=1e-12)


def test_singleton_dimension_before_time_is_no_dimension(tmp_path):
    data = some_values("i2")
    nib.Nifti1Image(data[:, :, :, None], _AFFINE, dtype="i2").to_filename(tmp_path / "five.nii")
    np.testing.assert_array_equal(read_all(tmp_path / "five.nii"), data)


def test_header_extensions_are_stepped_over(tmp_path):
    data = some_values("i2")
    image = nib.Nifti1Image(data, _AFFINE, dtype="i2")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    image.to_filename(tmp_path / "extended.nii.gz")
    np.testing.assert_array_equal(read_all(tmp_path / "extended.nii.gz"), data)


@pytest.mark.parametrize("pad", [b"", b"\0" * 700])
def test_gzip_of_several_members_and_padding_reads_as_one(tmp_path, pad):
    data = some_values("i2")
    raw = nib.Nifti1Image(data, _AFFINE, dtype="i2").to_bytes()
    cuts = [0, 10, 400, 1500, len(raw)]
    members = [gzip.compress(raw[a:b]) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    (tmp_path / "many.nii.gz").write_bytes(b"".join(members) + pad)
    np.testing.assert_array_equal(read_all(tmp_path / "many.nii.gz"), data)


def test_content_and_not_the_name_tells_gzip(tmp_path):
    data = some_values("i2")
    raw = nib.Nifti1Image(data, _AFFINE, dtype="i2").to_bytes()
    (tmp_path / "zipped.nii").write_bytes(gzip.compress(raw))
    (tmp_path / "plain.nii.gz").write_bytes(raw)
    np.testing.assert_array_equal(read_all(tmp_path / "zipped.nii"), data)
    np.testing.assert_array_equal(read_all(tmp_path / "plain.nii.gz"), data)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("block_bytes", [1, 700, 2**20])
def test_blocks_of_any_size_with_or_without_a_thread_hold_the_same(
    tmp_path, monkeypatch, n_threads, block_bytes
):
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", block_bytes)
    data = some_values("i2")
    write_nifti(tmp_path / "a.nii.gz", data, _AFFINE)
    np.testing.assert_array_equal(read_all(tmp_path / "a.nii.gz", n_threads=n_threads), data)


def test_leaving_a_stream_early_leaves_no_thread_behind(tmp_path, monkeypatch):
    import threading

    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 1)
    write_nifti(tmp_path / "a.nii.gz", some_values("i2"), _AFFINE)
    with VolumeStream(tmp_path / "a.nii.gz", n_threads=2) as stream:
        blocks = stream.blocks()
        next(blocks)
        blocks.close()
    assert not [t for t in threading.enumerate() if t.name == "brainage-inflate"]


def test_memory_does_not_grow_with_the_number_of_volumes(tmp_path, monkeypatch):
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 2**18)
    monkeypatch.setattr(stream_module, "_MEMORY_BYTES", 2**21)
    volume = np.random.default_rng(2).integers(0, 1000, (32, 32, 32, 1), dtype=np.int16)
    peaks = []
    for n_volumes in (60, 300):
        path = tmp_path / f"{n_volumes}.nii.gz"
        write_nifti(path, np.repeat(volume, n_volumes, axis=3), _AFFINE)
        tracemalloc.start()
        with VolumeStream(path) as stream:
            assert sum(len(block) for _, block in stream.blocks()) == n_volumes
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The buffers and the inflater's own; the longer image is 20 MB.
    assert max(peaks) < 5e6
    assert peaks[1] < peaks[0] * 1.05


def test_buffers_give_way_to_what_is_filled_from_them(tmp_path, monkeypatch):
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 2**17)
    monkeypatch.setattr(stream_module, "_MEMORY_BYTES", 2**21)
    path = tmp_path / "a.nii"
    write_nifti(path, np.zeros((32, 32, 32, 60), dtype=np.int16), _AFFINE)
    peaks = []
    for beside_bytes in (0, 2**20):
        tracemalloc.start()
        with VolumeStream(path, n_threads=2) as stream:
            assert sum(len(block) for _, block in stream.blocks(beside_bytes=beside_bytes)) == 60
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] - peaks[1] == pytest.approx(2**20, rel=0.1)


def _claiming(folder: Path, shape: tuple[int, ...], *, name: str) -> Path:
    """A small real image whose header claims another shape."""
    write_nifti(folder / name, np.random.default_rng(0).normal(1000, 50, (6, 7, 6, 30)), np.eye(4))
    raw = (folder / name).read_bytes()
    body = bytearray(gzip.decompress(raw) if name.endswith(".gz") else raw)
    body[40:56] = np.array([len(shape), *shape, *[1] * (7 - len(shape))], dtype="<i2").tobytes()
    (folder / name).write_bytes(gzip.compress(bytes(body)) if name.endswith(".gz") else bytes(body))
    return folder / name


@pytest.mark.parametrize("name", ["big.nii", "big.nii.gz"])
@pytest.mark.parametrize("series", [True, False])
def test_a_size_is_compared_with_the_file_as_soon_as_the_header_is_read(tmp_path, name, series):
    path = _claiming(tmp_path, (250, 250, 250, 60), name=name)
    with pytest.raises(ScanError, match=r"truncated, or a wrong header.*1875000352 bytes"):
        VolumeStream(path, series=series).__enter__()


@pytest.mark.parametrize(
    ("shape", "series"),
    [((400, 400, 400, 60), True), ((32767, 32767, 32767), False), ((1000, 1000, 1000), False)],
)
def test_what_no_brain_needs_is_refused_whatever_the_file_holds(tmp_path, shape, series):
    path = _claiming(tmp_path, shape, name="big.nii.gz")
    with pytest.raises(ScanError, match="at most 65536 of .* are read"):
        VolumeStream(path, series=series).__enter__()


def test_gzip_may_claim_1032_bytes_for_each_of_its_own_and_no_more(tmp_path):
    zeros = np.zeros((200, 200, 50, 2), dtype=np.int16)
    write_nifti(tmp_path / "zeros.nii.gz", zeros, np.eye(4), compression=9)
    packed = (tmp_path / "zeros.nii.gz").stat().st_size
    assert 8_000_352 / packed > 900
    with VolumeStream(tmp_path / "zeros.nii.gz") as stream:
        assert sum(len(block) for _, block in stream.blocks()) == 2
    path = _claiming(tmp_path, (200, 200, 50, 30), name="more.nii.gz")
    assert path.stat().st_size * 1032 < 120_000_352
    with pytest.raises(ScanError, match="truncated, or a wrong header"):
        VolumeStream(path).__enter__()
