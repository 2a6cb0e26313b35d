"""Inflate one gzip file on several cores, though whoever packed it thought of one.

Deflate data refer back to the 32 KiB before them, so a file has to be inflated from its start. But
what a guess at those 32 KiB gets wrong are only bytes copied from them, and copies of copies die
out: in images within a few megabytes. So threads inflate later chunks ahead of time, each from a
block boundary that is searched for, behind a window of zeros. The reader comes along with the true
state, inflates the beginning of the chunk once more, and as soon as its last 32 KiB are those of
the chunk, both are in one state: the rest of the chunk is right as it stands. A chunk of which
that does not become true is inflated by the reader as if nobody had tried. The checksum is compared
as ever.

`pugz` and `rapidgzip` solve the same problem by carrying marks for the unknown bytes, which needs
an inflater of their own, some three times slower than ISA-L's; here ISA-L does all of it.

References
----------
.. [1] RFC 1951 (deflate) and RFC 1952 (gzip).
.. [2] Kerbiriou & Chikhi (2019), Parallel decompression of gzip-compressed files, IPDPSW.
.. [3] Knespel & Brunst (2023), Rapidgzip, HPDC.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal import igzip, igzip_lib, isal_zlib

from brainage.imaging.reading.deflate_blocks import (
    WINDOW_BYTES,
    DeflateError,
    find_block,
    inflated,
    inflater_at,
    new_inflater,
    read_at,
)

#: Compressed bytes inflated at a time; states are compared at multiples of it.
_PIECE_BYTES = 2**17
#: More threads would wait for the reader.
MOST_THREADS = 4
#: Chunks in vain after which no more are tried.
_MOST_IN_VAIN = 2
#: Where chunks are smaller than this, most of each is inflated twice.
LEAST_CHUNK_BYTES = 32 * _PIECE_BYTES
#: Some content, on its way.
Piece = bytes | memoryview


class ParallelGzip:
    """Bytes of a gzip file in order, inflated by several threads.

    The reader is one of them: it inflates a part itself, then takes what the others made of the
    parts that follow. Its own part is the smaller, since it has the copying and comparing to do.

    Parameters
    ----------
    path : Path
        A gzip file. Members behind the first are inflated by the reader alone.
    n_threads : int
        The reader and those that inflate ahead: two to four, more are not used.
    chunk_bytes : int
        Compressed bytes a thread takes at a time.
    buffer_bytes : int
        Of a chunk inflated; what is beyond is left to the reader. There are `n_threads` buffers:
        one for each thread ahead, and one for the chunk being read.

    Raises
    ------
    EOFError, isal.igzip.BadGzipFile, isal.igzip_lib.error
        On reading: the file ends early, or is corrupt.
    """

    def __init__(self, path: Path, *, n_threads: int, chunk_bytes: int, buffer_bytes: int):
        self._file = open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._size = os.fstat(self._file.fileno()).st_size
        n_threads = min(n_threads, MOST_THREADS)
        self._parts = _parts_ahead(self._size, n_threads - 1, max(_PIECE_BYTES, chunk_bytes))
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(n_threads - 1, thread_name_prefix="brainage-inflate")
        # Used again and again: fresh memory for every piece costs a tenth of inflating it.
        self._buffers = [np.empty(buffer_bytes, np.uint8) for _ in range(n_threads)]
        self._pieces = self._in_order()
        self._piece = memoryview(b"")
        #: Chunks that could be used as they were, and those inflated again.
        self.n_used = self.n_in_vain = 0

    def close(self) -> None:
        """Stop the threads and close the file."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
        self._file.close()
        # The stream may be kept; its memory is wanted for what comes next.
        self._buffers, self._piece, self._pieces = [], memoryview(b""), iter(())

    def readinto(self, target: memoryview) -> int:
        """Fill up to ``len(target)`` bytes; return how many, 0 at the end."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        n = min(len(target), len(self._piece))
        target[:n] = self._piece[:n]
        self._piece = self._piece[n:]
        return n

    def read(self, n: int) -> bytes:
        """Return up to `n` bytes, none at the end."""
        buffer = bytearray(n)
        return bytes(buffer[: self.readinto(memoryview(buffer))])

    def _in_order(self) -> Iterator[Piece]:
        """Yield the content, piece by piece."""
        member = _Member(self._file.fileno(), _header_length(self._file))
        chunks = self._ahead()
        for start, _ in self._parts:
            yield from member.up_to(start)
            chunk = None if member.ended else next(chunks, None)
            if chunk is not None and chunk.pieces:
                yield from self._joined(member, chunk)
            if member.ended:
                break
        chunks.close()
        yield from member.up_to(self._size)
        if not member.ended:
            raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        yield from self._behind(member)

    def _ahead(self) -> Generator[_Chunk, None, None]:
        """Yield what was made of each part; the next ones are being inflated meanwhile."""
        waiting: deque[Future] = deque()
        parts = iter(self._parts)

        def submit() -> None:
            in_vain = self.n_in_vain >= _MOST_IN_VAIN and self.n_in_vain > self.n_used
            if not in_vain and (part := next(parts, None)) is not None:
                chunk = _Chunk(*part, self._buffers.pop())
                waiting.append(self._pool.submit(chunk.inflate, self._file.fileno(), self._stopped))

        for _ in range(len(self._buffers)):
            submit()
        while waiting:
            chunk = waiting.popleft().result()
            self.n_in_vain += not chunk.pieces
            yield chunk
            self._buffers.append(chunk.buffer)
            submit()

    def _joined(self, member: _Member, chunk: _Chunk) -> Iterator[Piece]:
        """Go on from the true state until the chunk's is the same, then with the chunk."""
        mine = theirs = b""
        while chunk.pieces:
            stop, made = chunk.pieces.popleft()
            again = b"".join(member.up_to(stop))
            yield again
            if member.ended:
                return
            mine = (mine + again)[-WINDOW_BYTES:]
            theirs = (theirs + bytes(made[-WINDOW_BYTES:]))[-WINDOW_BYTES:]
            alike = len(again) == len(made) and len(theirs) == WINDOW_BYTES
            if alike and mine == theirs:
                self.n_used += 1
                yield from member.take_over(chunk)
                return
        self.n_in_vain += 1

    def _behind(self, member: _Member) -> Iterator[bytes]:
        """Compare the member's checksum; go on with what follows it, if that is not padding."""
        position = member.check()
        self._file.seek(position)
        while (zeros := self._file.read(2**16)) and not zeros.strip(b"\0"):
            position += len(zeros)
        if not zeros:
            return
        self._file.seek(position + len(zeros) - len(zeros.lstrip(b"\0")))
        with igzip.IGzipFile(fileobj=self._file, mode="rb") as rest:
            while piece := rest.read(2**20):
                yield piece


def _parts_ahead(size: int, n_ahead: int, chunk_bytes: int) -> list[tuple[int, int]]:
    """Return (start, end) in the file of what threads inflate ahead; the rest is the reader's."""
    # By processor time: inflating 1, comparing and copying a chunk 0.13, arithmetic on it 0.11.
    own = int(chunk_bytes * max(0.0, 1 - 0.2 * (n_ahead + 1)))
    starts = [
        first + i * chunk_bytes
        for first in range(own or chunk_bytes, size, own + n_ahead * chunk_bytes)
        for i in range(n_ahead)
    ]
    # Eight bytes at the end are no deflate data.
    return [(start, min(start + chunk_bytes, size)) for start in starts if start < size - 8]


class _Member:
    """The first member of a file, inflated from its true start."""

    def __init__(self, fd: int, start: int):
        self._fd, self._position = fd, start
        self._inflater = new_inflater()
        self._crc = self._n_bytes = 0

    @property
    def ended(self) -> bool:
        return self._inflater.eof

    def up_to(self, stop: int) -> Iterator[bytes]:
        """Yield what the compressed bytes before `stop` hold."""
        while self._position < stop and not self.ended:
            # Up to the next multiple, as chunks do.
            end = min(stop, (self._position // _PIECE_BYTES + 1) * _PIECE_BYTES)
            packed = read_at(self._fd, self._position, end)
            self._position += len(packed)
            yield from map(self._counted, inflated(self._inflater, packed))
            if len(packed) == 0:
                return

    def take_over(self, chunk: _Chunk) -> Iterator[Piece]:
        """Yield what is left of a chunk in the same state, and go on from its end."""
        while chunk.pieces:
            _, piece = chunk.pieces.popleft()
            yield self._counted(piece)
        if chunk.inflater is not None:
            self._inflater, self._position = chunk.inflater, chunk.stop

    def _counted(self, piece: Piece) -> Piece:
        self._crc = isal_zlib.crc32(piece, self._crc)
        self._n_bytes += len(piece)
        return piece

    def check(self) -> int:
        """Compare checksum and length; return where the member's last byte is followed."""
        position = self._position - len(self._inflater.unused_data)
        trailer = os.pread(self._fd, 8, position)
        if len(trailer) < 8:
            raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        crc, n_bytes = np.frombuffer(trailer, "<u4").tolist()
        if crc != self._crc:
            raise igzip.BadGzipFile(f"CRC check failed {crc:#x} != {self._crc:#x}")
        if n_bytes != self._n_bytes & 0xFFFFFFFF:
            raise igzip.BadGzipFile("Incorrect length of data produced")
        return position + 8


class _Chunk:
    """A part of the file inflated from a guess.

    Attributes
    ----------
    pieces : deque of (int, memoryview)
        Where a piece ends in the file, and its content; none where nothing could be made of it.
    inflater, stop
        The state behind the last piece, and where that ends in the file.
    buffer : ndarray of uint8
        Holds the content.
    """

    def __init__(self, start: int, stop: int, buffer: np.ndarray):
        self.start, self.stop, self.buffer = start, stop, buffer
        self.pieces: deque[tuple[int, memoryview]] = deque()
        self.inflater: igzip_lib.IgzipDecompressor | None = None

    def inflate(self, fd: int, stopped: threading.Event) -> _Chunk:
        """Inflate from the first block boundary behind the start, as far as the buffer reaches."""
        try:
            found = find_block(fd, self.start, self.stop)
            if found is not None:
                self._inflate_from(fd, *found, stopped)
        except (DeflateError, EOFError, OSError):
            # If it is the file's fault, the reader comes upon it, and knows where.
            self.pieces.clear()
        return self

    def _inflate_from(self, fd: int, byte: int, bit: int, stopped: threading.Event) -> None:
        view, low = self.buffer.data, 0
        self.inflater, made = inflater_at(read_at(fd, byte, byte + 1)[0], bit)
        high = len(made)
        view[:high] = made
        position, beyond = byte + 1, b""
        while position < self.stop and not (beyond or self.inflater.eof or stopped.is_set()):
            end = min(self.stop, (position // _PIECE_BYTES + 1) * _PIECE_BYTES)
            for made in inflated(self.inflater, read_at(fd, position, end)):
                if high + len(made) > len(view):
                    # What was inflated cannot be taken back.
                    beyond = made
                    break
                view[high : high + len(made)] = made
                high += len(made)
            self.pieces.append((end, view[low:high]))
            position, low = end, high
        if beyond:
            self.pieces.append((position, memoryview(beyond)))
        self.stop = position


def _header_length(file: BinaryIO) -> int:
    """Return where the first member's deflate data begin (RFC 1952, 2.3)."""
    head = os.pread(file.fileno(), 2**17, 0)
    if len(head) < 10 or head[:3] != b"\x1f\x8b\x08":
        raise igzip.BadGzipFile("Not a gzipped file")
    flags, position = head[3], 10
    if flags & 4:
        position += 2 + int.from_bytes(head[position : position + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            end = head.find(b"\0", position)
            if end < 0:
                raise igzip.BadGzipFile("a name or comment without end")
            position = end + 1
    if flags & 2:
        position += 2
    return position
