"""A block boundary found in the middle of a stream is one that zlib made."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from brainage.imaging.reading.deflate_blocks import (
    find_block,
    inflated,
    inflater_at,
    new_inflater,
    possible_blocks,
    read_at,
)


@pytest.fixture
def packed(tmp_path):
    values = np.random.default_rng(0).normal(0, 30, 300_000).astype("<i2").tobytes()
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = packer.compress(values) + packer.flush()
    path = tmp_path / "stream"
    path.write_bytes(data)
    return path, data, values


def test_what_is_inflated_from_a_found_boundary_is_the_streams_own_end(packed):
    path, data, values = packed
    with open(path, "rb") as stream:
        byte, bit = find_block(stream.fileno(), len(data) // 2, len(data))
        assert len(data) // 2 <= byte < len(data)
        inflater, made = inflater_at(read_at(stream.fileno(), byte, byte + 1)[0], bit)
        rest = b"".join(inflated(inflater, read_at(stream.fileno(), byte + 1, len(data))))
    # Copies from the unknown window differ, and copies of them; the rest are the stream's own.
    mine = np.frombuffer(made + rest, np.uint8)
    theirs = np.frombuffer(values[-len(mine) :], np.uint8)
    assert np.mean(mine == theirs) > 0.5


def test_the_first_block_of_a_stream_is_a_possible_one(packed):
    _, data, _ = packed
    assert 0 in possible_blocks(data[:4096], 4096) or data[0] & 7 != 4


def test_zeros_come_a_little_at_a_time():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(3_000_000)) + packer.flush()
    pieces = list(inflated(new_inflater(), data))
    assert sum(map(len, pieces)) == 3_000_000
    assert max(map(len, pieces)) <= 2**18
