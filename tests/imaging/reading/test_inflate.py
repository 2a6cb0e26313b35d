"""Several threads inflate the bytes that one would, or fail where it would."""

from __future__ import annotations

import gzip
import os
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from isal import igzip, igzip_lib

from brainage.errors import ScanError
from brainage.imaging import write_nifti
from brainage.imaging.reading import inflate
from brainage.imaging.reading import stream as stream_module
from brainage.imaging.reading.deflate_blocks import possible_blocks
from brainage.imaging.reading.inflate import ParallelGzip
from brainage.imaging.reading.stream import VolumeStream

_N_BYTES = 1_200_000
_ERRORS = (EOFError, igzip.BadGzipFile, igzip_lib.error)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    # So that small files hold many chunks of many pieces.
    monkeypatch.setattr(inflate, "_PIECE_BYTES", 2**14)


def content_of(kind: str) -> bytes:
    rng = np.random.default_rng(3)
    n = _N_BYTES // 2
    if kind == "zeros":
        return bytes(_N_BYTES)
    if kind == "any bytes":
        return rng.integers(0, 256, _N_BYTES, dtype=np.uint8).tobytes()
    if kind == "float":
        return rng.normal(size=n // 2).astype("<f4").tobytes()
    values = rng.normal(8000, 60, n)
    if kind == "masked":
        values[np.repeat(rng.random(n // 500) < 0.6, 500)] = 0
    return np.rint(values).astype("<i2").tobytes()


def zlib_packed(level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY):
    def pack(data: bytes) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, 31, 8, strategy)
        return packer.compress(data) + packer.flush()

    return pack


def flushed(data: bytes) -> bytes:
    """As pigz leaves it: empty stored blocks on the way."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    parts = []
    for low in range(0, len(data), 100_000):
        mode = zlib.Z_SYNC_FLUSH if low % 300_000 else zlib.Z_FULL_FLUSH
        parts += [packer.compress(data[low : low + 100_000]), packer.flush(mode)]
    return b"".join([*parts, packer.flush()])


def two_members(data: bytes) -> bytes:
    half = len(data) // 2 + 1
    return gzip.compress(data[:half]) + gzip.compress(data[half:]) + bytes(700)


def with_every_header_field(data: bytes) -> bytes:
    """RFC 1952: extra field, name, comment and a checksum of the header."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x05\x00extra" + b"name\0" + b"a comment\0"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    sizes = np.array([zlib.crc32(data), len(data)], dtype="<u4").tobytes()
    return header + packed + sizes


_PACKERS = {
    "level 1": zlib_packed(1),
    "level 6": zlib_packed(6),
    "level 9": zlib_packed(9),
    "stored": zlib_packed(0),
    "fixed codes": zlib_packed(6, zlib.Z_FIXED),
    "no matches": zlib_packed(6, zlib.Z_HUFFMAN_ONLY),
    "runs": zlib_packed(6, zlib.Z_RLE),
    "ISA-L 0": lambda data: igzip.compress(data, 0),
    "ISA-L 2": lambda data: igzip.compress(data, 2),
    "flushed": flushed,
    "two members": two_members,
    "every header field": with_every_header_field,
}


def inflated(
    path, *, chunk_bytes: int = 2**17, n_threads: int = 2, buffer_bytes: int = 2**20
) -> tuple[bytes, ParallelGzip]:
    stream = ParallelGzip(
        path, n_threads=n_threads, chunk_bytes=chunk_bytes, buffer_bytes=buffer_bytes
    )
    try:
        parts = []
        while part := stream.read(300_001):
            parts.append(part)
    finally:
        stream.close()
    return b"".join(parts), stream


@pytest.mark.parametrize("packer", _PACKERS)
@pytest.mark.parametrize("kind", ["noise", "masked", "float", "zeros", "any bytes"])
def test_the_bytes_are_those_that_were_packed(tmp_path, kind, packer):
    data = content_of(kind)[:480_001]
    (tmp_path / "a.gz").write_bytes(_PACKERS[packer](data))
    for n_threads, chunk_bytes, buffer_bytes in ((2, 2**15, 2**19), (5, 2**17, 2**17)):
        found, _ = inflated(
            tmp_path / "a.gz",
            n_threads=n_threads,
            chunk_bytes=chunk_bytes,
            buffer_bytes=buffer_bytes,
        )
        assert found == data


@pytest.mark.parametrize("packer", ["level 1", "level 6", "flushed"])
def test_most_chunks_are_used_as_threads_made_them(tmp_path, packer):
    (tmp_path / "a.gz").write_bytes(_PACKERS[packer](content_of("float")))
    _, stream = inflated(tmp_path / "a.gz", chunk_bytes=2**17)
    assert stream.n_used >= 4
    assert stream.n_used > 3 * stream.n_in_vain


def test_threads_give_up_where_chunks_never_come_true(tmp_path):
    (tmp_path / "a.gz").write_bytes(_PACKERS["stored"](content_of("any bytes")))
    found, stream = inflated(tmp_path / "a.gz", chunk_bytes=2**16)
    assert len(found) == _N_BYTES
    # Two in vain, and those under way by then, of eighteen.
    assert stream.n_used == 0
    assert stream.n_in_vain <= 2 + 2 * 2


def test_any_bit_changed_or_byte_cut_is_an_error_or_the_same_bytes(tmp_path):
    data = content_of("float")[:800_000]
    packed = zlib_packed(1)(data)
    rng = np.random.default_rng(5)
    for turn, position in enumerate(rng.integers(10, len(packed), 60).tolist()):
        broken = bytearray(packed)
        if turn % 3:
            broken[position] ^= 1 << turn % 8
        else:
            del broken[position:]
        (tmp_path / "a.gz").write_bytes(broken)
        try:
            found, _ = inflated(tmp_path / "a.gz", chunk_bytes=2**16)
        except _ERRORS:
            continue
        assert found == data


def test_every_block_of_dynamic_codes_is_among_the_possible_ones():
    # Known starts: a block begins behind the empty stored block that a flush leaves.
    rng = np.random.default_rng(7)
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed, starts = b"", []
    for _ in range(20):
        packed += packer.compress(rng.normal(0, 50, 3000).astype("<i2").tobytes())
        packed += packer.flush(zlib.Z_SYNC_FLUSH)
        starts.append(8 * len(packed))
    packed += packer.compress(rng.bytes(10))
    found = possible_blocks(packed, len(packed))
    assert set(starts[:-1]) <= set(found.tolist())
    assert len(found) < 8 * len(packed) / 300


def scan_of_noise(folder):
    rng = np.random.default_rng(1)
    values = rng.normal(500, 90, (24, 24, 24, 60)).astype(np.float32)
    write_nifti(folder / "a.nii.gz", values, np.eye(4), dtype="float32")
    return folder / "a.nii.gz", values


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(stream_module, "LEAST_CHUNK_BYTES", 2**16)
    monkeypatch.setattr(stream_module, "_AHEAD_BYTES", 2**21)
    monkeypatch.setattr(stream_module, "_BLOCK_BYTES", 2**16)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_a_scan_is_the_same_for_any_number_of_threads(tmp_path, monkeypatch, n_threads):
    path, values = scan_of_noise(tmp_path)
    made = []
    monkeypatch.setattr(
        stream_module,
        "ParallelGzip",
        lambda *args, **kw: made.append(ParallelGzip(*args, **kw)) or made[-1],
    )
    with VolumeStream(path, n_threads=n_threads) as stream:
        found = np.concatenate([block.copy() for _, block in stream.blocks()])
    np.testing.assert_array_equal(found.T.reshape(values.shape, order="F"), values)
    assert [one.n_used > 0 for one in made] == [True] * (n_threads > 1)


def message_of(path, n_threads: int) -> str:
    with pytest.raises(ScanError) as caught, VolumeStream(path, n_threads=n_threads) as stream:
        for _ in stream.blocks():
            pass
    return str(caught.value)


@pytest.mark.usefixtures("small_chunks")
def test_a_cut_in_a_chunk_inflated_ahead_is_told_by_its_volume(tmp_path):
    path, _ = scan_of_noise(tmp_path)
    packed = path.read_bytes()
    path.write_bytes(packed[: len(packed) * 2 // 3])
    assert "truncated gzip: the compressed data end in volume 3" in message_of(path, 1)
    assert message_of(path, 2) == message_of(path, 1)


@pytest.mark.usefixtures("small_chunks")
def test_changed_bytes_in_a_chunk_inflated_ahead_are_corrupt(tmp_path):
    path, _ = scan_of_noise(tmp_path)
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 255
    path.write_bytes(packed)
    for n_threads in (1, 2):
        assert "corrupt gzip" in message_of(path, n_threads)


@pytest.mark.usefixtures("small_chunks")
def test_leaving_early_leaves_no_thread_behind(tmp_path):
    path, _ = scan_of_noise(tmp_path)
    with VolumeStream(path, n_threads=2) as stream:
        blocks = stream.blocks()
        next(blocks)
        blocks.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("brainage-inflate")]


@pytest.mark.usefixtures("small_chunks")
def test_a_stream_that_was_read_holds_no_buffers(tmp_path):
    path, _ = scan_of_noise(tmp_path)
    stream = VolumeStream(path, n_threads=2)
    tracemalloc.start()
    with stream:
        for _ in stream.blocks():
            pass
        while_open = tracemalloc.get_traced_memory()[0]
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stream.header.n_volumes == 60
    assert peak > while_open > 2**20
    assert left < 2**18


@pytest.mark.usefixtures("small_chunks")
def test_a_file_that_shrinks_while_threads_read_it_is_truncated(tmp_path):
    path, _ = scan_of_noise(tmp_path)
    with VolumeStream(path, n_threads=2) as stream:
        blocks = stream.blocks()
        next(blocks)
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(ScanError, match="truncated gzip: the compressed data end in volume"):
            list(blocks)
