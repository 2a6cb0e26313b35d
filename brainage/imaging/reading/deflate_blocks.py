"""Where blocks of a deflate stream begin, and inflating from one as if nothing came before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast

import numpy as np
from isal import igzip_lib

#: What the inflater raises; its stub calls it a value.
DeflateError = cast(type[Exception], igzip_lib.error)
#: How far back deflate refers.
WINDOW_BYTES = 2**15
#: Of what compressed bytes hold, at once: it stays in the cache, and its memory is used again.
MOST_AT_ONCE = 2**18
#: Where a block boundary is searched for at once, and at most. A block of zlib's is some 20 KiB.
_SEARCH_BYTES, _MOST_SEARCHED = 2**13, 2**18
#: Compressed bytes that have to inflate without an error behind a boundary.
_TRIAL_BYTES = 2**15


def find_block(fd: int, start: int, stop: int) -> tuple[int, int] | None:
    """Return (byte, bit) of a boundary behind which blocks inflate without an error."""
    for low in range(start, min(stop, start + _MOST_SEARCHED), _SEARCH_BYTES):
        packed = read_at(fd, low, low + _SEARCH_BYTES + _TRIAL_BYTES)
        for offset in possible_blocks(packed, _SEARCH_BYTES).tolist():
            byte, bit = divmod(offset, 8)
            inflater, _ = inflater_at(packed[byte], bit)
            try:
                for _ in inflated(inflater, packed[byte + 1 :]):
                    pass
            except DeflateError:
                continue
            if not inflater.eof:
                return low + byte, bit
    return None


def possible_blocks(packed: bytes, n_bytes: int) -> np.ndarray:
    """Return where a dynamic deflate block may begin: offsets in bits, rising.

    Parameters
    ----------
    packed : bytes
        Compressed.
    n_bytes : int
        Of them to begin in.

    Returns
    -------
    offsets : ndarray of int
        A header of three bits that says dynamic and not the last, at most 286 literal and length
        codes and 30 distance codes, and code lengths of the code-length code that are exactly
        complete (RFC 1951, 3.2.7). In noise one of some 1,500 offsets is so by chance.
    """
    padded = np.frombuffer(packed + bytes(16), dtype=np.uint8)
    n_bytes = min(n_bytes, len(packed))
    bytes_at = np.lib.stride_tricks.sliding_window_view(padded, 8)[: n_bytes + 8]
    words = np.ascontiguousarray(bytes_at).view("<u8")[:, 0]
    shifts = np.arange(8, dtype=np.uint64)
    low = (words[:n_bytes, None] >> shifts).ravel()
    plausible = ((low & 7) == 4) & ((low >> 3 & 31) < 30) & ((low >> 8 & 31) < 30)
    offsets = np.flatnonzero(plausible)
    byte, bit = offsets // 8, (offsets % 8).astype(np.uint64)
    # 13 + 4 + 19 x 3 bits are more than a word holds: the lengths are taken from two.
    n_lengths = (low[offsets] >> np.uint64(13) & np.uint64(15)) + np.uint64(4)
    lengths = _bits_from(words, byte, bit + np.uint64(17))
    lengths &= (np.uint64(1) << (np.uint64(3) * n_lengths)) - np.uint64(1)
    space = sum(
        _CODE_SPACE[lengths >> np.uint64(shift) & np.uint64(4095)] for shift in range(0, 57, 12)
    )
    return offsets[space == _WHOLE_SPACE]


def _bits_from(words: np.ndarray, byte: np.ndarray, bit: np.ndarray) -> np.ndarray:
    """Return at least 57 bits from a bit behind each byte; `words` begin at every byte."""
    return words[byte + (bit // np.uint64(8)).astype(np.intp)] >> (bit % np.uint64(8))


def _code_space() -> np.ndarray:
    """Return the share of the code space that four lengths of three bits take, times 128."""
    lengths = np.arange(4096)[:, None] >> np.array([0, 3, 6, 9]) & 7
    return np.where(lengths > 0, 128 >> lengths, 0).sum(axis=1)


_CODE_SPACE = _code_space()
_WHOLE_SPACE = 128


def new_inflater(window: bytes = b"") -> igzip_lib.IgzipDecompressor:
    """Return an inflater of a bare deflate stream behind a window, empty at a stream's start."""
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE, zdict=window)


def inflated(inflater: igzip_lib.IgzipDecompressor, packed: bytes) -> Iterator[bytes]:
    """Yield what some more compressed bytes hold, a little at a time: zeros pack a thousandfold."""
    yield inflater.decompress(packed, MOST_AT_ONCE)
    while not (inflater.needs_input or inflater.eof):
        yield inflater.decompress(b"", MOST_AT_ONCE)


def inflater_at(first_byte: int, bit: int) -> tuple[igzip_lib.IgzipDecompressor, bytes]:
    """Return an inflater behind the byte in which a block begins at a bit, and its output if any.

    Bits cannot be given to an inflater, only bytes: so the bits before the block are replaced by
    the end of harmless blocks.
    """
    inflater = new_inflater(bytes(WINDOW_BYTES))
    before = _BEFORE_BIT[bit]
    kept = first_byte & (0xFF << bit & 0xFF)
    packed = before[:-1] + bytes([before[-1] | kept]) if bit else before + bytes([kept])
    made = inflater.decompress(packed)
    # The byte that an odd bit takes is none of the file's.
    return inflater, made[bit % 2 :]


def _before_bit(bit: int) -> bytes:
    """Return complete blocks that end `bit` bits into a byte; odd ones hold one literal."""
    # Fixed codes, least significant bit first: not the last, fixed, [a literal], end of block.
    empty = [0, 1, 0] + 7 * [0]
    literal = [0, 1, 0] + [1, 1, 0, 0, 1, 0, 0, 0, 0] + 7 * [0]
    bits = literal if bit % 2 else []
    while len(bits) % 8 != bit:
        bits = bits + empty
    return np.packbits(np.array(bits, dtype=np.uint8), bitorder="little").tobytes()


_BEFORE_BIT = [_before_bit(bit) for bit in range(8)]


def read_at(fd: int, start: int, stop: int) -> bytes:
    """Return a file's bytes from `start` to `stop`, fewer where it ends; threads may share `fd`."""
    parts = []
    while start < stop and (part := os.pread(fd, stop - start, start)):
        parts.append(part)
        start += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
