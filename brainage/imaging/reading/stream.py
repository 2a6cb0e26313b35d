"""A scan's volumes in file order, one pass, a few at a time: memory does not grow with length.

A thread reads straight into one of a few buffers while the caller works on another (ISA-L and the
arithmetic both release the interpreter), so that on two cores the arithmetic hides behind the
inflation; of a large gzip file other threads inflate later parts ahead
(`imaging/reading/inflate.py`). With one core for the scan there is no thread.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import zlib
from collections.abc import Generator, Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import joblib
import numpy as np
from isal import igzip, isal_zlib

from brainage.errors import ScanError
from brainage.imaging.reading.inflate import LEAST_CHUNK_BYTES, MOST_THREADS, ParallelGzip
from brainage.imaging.reading.nifti import ScanHeader, parse_header

#: Bytes of stored voxels handed over at a time: a volume, or some small ones.
_BLOCK_BYTES = 2 * 2**20
#: Of all buffers together, with what the caller fills from them.
_MEMORY_BYTES = 16 * 2**20
#: One being filled, one being worked on, one ready in between.
_FEWEST_BUFFERS = 3
#: Of all buffers of chunks inflated ahead together.
_AHEAD_BYTES = 48 * 2**20
#: Of a chunk's buffer by the file's mean ratio: some parts pack better.
_CHUNK_FILLS = 0.9
_HEADER_BYTES = 544
#: What the inflater raises; its stub calls it a value.
_INFLATER_ERROR = cast(type[Exception], isal_zlib.error)
#: Deflate cannot do better (two bits for 258 bytes, RFC 1951).
_LARGEST_GZIP_RATIO = 1032


class _Readable(Protocol):
    """What bytes come from: a file, one being inflated, by one thread or by several."""

    def read(self, n: int, /) -> bytes: ...
    def readinto(self, target: memoryview, /) -> int: ...


#: First volume and bytes of each block.
Filled = Generator[tuple[int, memoryview], None, None]


class VolumeStream:
    """One pass through a NIfTI file, opened once.

    Parameters
    ----------
    path : str or Path
        ``.nii`` or ``.nii.gz`` (told by content, not by name), NIfTI-1 or -2, any integer or
        float type, either byte order; gzip of several members, or padded with zeros.
    n_threads : int, optional
        Threads that may inflate at once; with 1 nothing runs beside the caller. As many as the
        process has cores where None.
    series : bool, default=True
        Expect volumes over time; else a mask or an atlas, also 3-D.

    Attributes
    ----------
    header : ScanHeader
        Known as soon as the stream is entered.
    """

    def __init__(
        self, path: str | Path, *, n_threads: int | None = None, series: bool = True
    ) -> None:
        self._series = series
        self.path = Path(path)
        self._n_threads = _n_cores() if n_threads is None else n_threads
        self._stack = contextlib.ExitStack()
        self._stream: _Readable

    def __enter__(self) -> VolumeStream:
        try:
            opened = self._stack.enter_context(_open(self.path))
            self._stream, self._zipped = opened, isinstance(opened, _Inflated)
            with _explained(self.path, "its header"):
                start = _read_fully(self._stream, _HEADER_BYTES)
            self.header: ScanHeader = parse_header(start, self.path, series=self._series)
            self._start = start
            # Before anything is made for the size that a header claims.
            self._check_size()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(
        self, *, beside_bytes: int = 0, held_bytes: int = 0
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield every volume once, in blocks; may be called once.

        Parameters
        ----------
        beside_bytes : int, default=0
            Size of what the caller fills from the blocks. Buffers give way to it, so that a long
            scan takes no more memory than a short one.
        held_bytes : int, default=0
            Size of what the caller holds to do so. Only inflating ahead gives way to that.

        Yields
        ------
        first : int
            Index of the block's first volume.
        block : ndarray of shape (n_volumes_of_block, n_voxels)
            Stored values, not scaled, voxels in Fortran order (x fastest). Valid until the next
            block is asked for.

        Raises
        ------
        ScanError
            The file ends early, is corrupt, or goes on after its last volume: says where.
        """
        volume_bytes = self._volume_bytes
        per_block = max(1, min(self.header.n_volumes, _BLOCK_BYTES // volume_bytes))
        threaded = self._n_threads > 1 and self.header.n_volumes > per_block
        # Thrice: what pieces leave scattered in memory grows with a scan's length, too (measured).
        if threaded and self._inflate_in_parallel(3 * beside_bytes + held_bytes):
            # What is read ahead are the chunks.
            beside_bytes = _MEMORY_BYTES
        n_ahead = (_MEMORY_BYTES - beside_bytes) // (per_block * volume_bytes)
        n_blocks = -(-self.header.n_volumes // per_block)
        n_buffers = min(max(n_ahead, _FEWEST_BUFFERS), n_blocks) if threaded else 1
        buffers = [memoryview(bytearray(per_block * volume_bytes)) for _ in range(n_buffers)]
        fill = self._filled_ahead if threaded else self._filled
        # Closed with the stream too, before the file is: a thread may be reading it.
        filled = self._stack.enter_context(contextlib.closing(fill(buffers)))
        with contextlib.closing(filled):
            for first, whole in filled:
                yield (
                    first,
                    np.frombuffer(whole, dtype=self.header.dtype).reshape(
                        -1, self.header.grid.n_voxels
                    ),
                )

    @property
    def _volume_bytes(self) -> int:
        return self.header.grid.n_voxels * self.header.dtype.itemsize

    def _inflate_in_parallel(self, beside_bytes: int) -> bool:
        """Read a large gzip file by several threads from here on; return whether it is one."""
        if not self._zipped:
            return False
        size = self.path.stat().st_size
        inflated = self.header.offset + self.header.n_volumes * self._volume_bytes
        # The chunks give way as buffers would.
        n_threads = min(self._n_threads, MOST_THREADS)
        buffer_bytes = max(0, _AHEAD_BYTES - beside_bytes) // n_threads
        chunk_bytes = int(_CHUNK_FILLS * buffer_bytes * min(1.0, size / inflated))
        if chunk_bytes < LEAST_CHUNK_BYTES or size < 3 * chunk_bytes:
            return False
        self._stream = self._stack.enter_context(
            contextlib.closing(
                ParallelGzip(
                    self.path,
                    n_threads=n_threads,
                    chunk_bytes=chunk_bytes,
                    buffer_bytes=buffer_bytes,
                )
            )
        )
        # It reads from the file's start.
        self._start = b""
        return True

    def _check_size(self) -> None:
        """Refuse at once what cannot be there: a wrong header may ask for terabytes."""
        in_file = self.path.stat().st_size
        most = in_file * _LARGEST_GZIP_RATIO if self._zipped else in_file
        wanted = self.header.offset + self.header.n_volumes * self._volume_bytes
        if most < wanted:
            raise ScanError(
                f"{self.path}: truncated, or a wrong header: the header says "
                f"{self.header.n_volumes} volumes of {self._volume_bytes} bytes, {wanted} bytes "
                f"in all; the file has {in_file}{' (compressed)' if self._zipped else ''}. Copy or "
                "make the file again."
            )

    def _filled(self, buffers: list[memoryview]) -> Filled:
        """Fill the buffers in turn; each is the caller's until asked for the next."""
        n_volumes, volume_bytes = self.header.n_volumes, self._volume_bytes
        per_block = len(buffers[0]) // volume_bytes
        self._skip_to_voxels()
        for turn, first in enumerate(range(0, n_volumes, per_block)):
            wanted = min(per_block, n_volumes - first) * volume_bytes
            whole = buffers[turn % len(buffers)][:wanted]
            with _explained(self.path, f"volume {first} of {n_volumes}"):
                got = _read_into(self._stream, whole)
            if got < wanted:
                raise ScanError(
                    f"{self.path}: truncated: the header says {n_volumes} volumes of "
                    f"{volume_bytes} bytes, the file ends in volume {first + got // volume_bytes} "
                    f"(counted from 0), {self.header.offset + first * volume_bytes + got} bytes "
                    "from its start uncompressed. Copy or make the file again."
                )
            yield first, whole
        self._check_end()

    def _filled_ahead(self, buffers: list[memoryview]) -> Filled:
        """As `_filled`, in a thread that runs ahead by as many blocks as there are buffers."""
        free: queue.SimpleQueue = queue.SimpleQueue()
        ready: queue.SimpleQueue = queue.SimpleQueue()
        # The reader may fill one buffer at once for each permit; the one being worked on and
        # those waiting hold theirs.
        for _ in buffers[1:]:
            free.put(True)

        def read_ahead() -> None:
            try:
                for item in self._filled(buffers):
                    ready.put(item)
                    if not free.get():
                        return
                ready.put(None)
            # Whatever it is, it is raised again where the blocks are used.
            except BaseException as error:  # noqa: BLE001
                ready.put(error)

        reader = threading.Thread(target=read_ahead, name="brainage-inflate", daemon=True)
        reader.start()
        try:
            while (item := ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
                free.put(True)
        finally:
            free.put(False)
            for _ in buffers:
                free.put(False)
            reader.join()

    def _skip_to_voxels(self) -> None:
        behind = self.header.offset - len(self._start)
        if behind < 0:
            # NIfTI-1 voxels may start at byte 352, inside what was read for the header.
            self._stream = _Joined(self._start[self.header.offset :], self._stream)
            return
        with _explained(self.path, "its header extensions"):
            while behind and (skipped := len(self._stream.read(min(behind, 2**20)))):
                behind -= skipped
        if behind:
            raise ScanError(
                f"{self.path}: truncated: ends before its first voxel (byte "
                f"{self.header.offset} by the header)."
            )

    def _check_end(self) -> None:
        # Reading on to the end is what makes gzip check its CRC; padding is tolerated, a whole
        # volume more than the header knows of is not.
        beyond = 0
        with _explained(self.path, "its end"):
            while more := len(self._stream.read(2**20)):
                beyond += more
                if beyond >= self._volume_bytes:
                    raise ScanError(
                        f"{self.path}: the header says {self.header.n_volumes} volumes of "
                        f"{self._volume_bytes} bytes, the file holds at least one more. Correct "
                        "its header, or make the file again."
                    )


class _Joined:
    """Bytes already read, then the rest of a stream."""

    def __init__(self, head: bytes, stream: _Readable):
        self._head = memoryview(head)
        self._stream = stream

    def readinto(self, target: memoryview) -> int:
        if self._head:
            n = min(len(self._head), len(target))
            target[:n] = self._head[:n]
            self._head = self._head[n:]
            return n
        return self._stream.readinto(target)

    def read(self, n: int) -> bytes:
        if self._head:
            head, self._head = bytes(self._head[:n]), self._head[n:]
            return head
        return self._stream.read(n)


def _n_cores() -> int:
    # What an affinity and a container leave to this process, too.
    return joblib.cpu_count()


def _open(path: Path) -> _Opened:
    try:
        raw = open(path, "rb")  # noqa: SIM115 - handed on open
    except FileNotFoundError:
        raise ScanError(
            f"{path}: no such file. Correct its path, or fetch it where it is a link "
            "to data elsewhere (`datalad get`)."
        ) from None
    except IsADirectoryError:
        raise ScanError(f"{path}: expected an image, found a folder.") from None
    except PermissionError:
        raise ScanError(f"{path}: no permission to read it.") from None
    except OSError as error:
        raise ScanError(f"{path}: cannot be opened: {error.strerror or error}.") from error
    with _explained(path, "its first bytes"):
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
    return _Inflated(raw) if zipped else raw


class _Inflated(contextlib.AbstractContextManager):
    """A gzip file being inflated, and the file under it, closed together."""

    def __init__(self, raw: BinaryIO):
        self._raw = raw
        self._zipped = igzip.IGzipFile(fileobj=raw, mode="rb")
        self.readinto = self._zipped.readinto
        self.read = self._zipped.read

    def __exit__(self, *_: object) -> None:
        self._zipped.close()
        self._raw.close()


_Opened = _Inflated | BufferedReader


@contextlib.contextmanager
def _explained(path: Path, where: str) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise ScanError(
            f"{path}: truncated gzip: the compressed data end in {where}. Copy or make "
            "the file again."
        ) from error
    except (_INFLATER_ERROR, zlib.error, igzip.BadGzipFile) as error:
        raise ScanError(
            f"{path}: corrupt gzip in {where}: {error}. Copy or make the file again."
        ) from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read in {where}: {error.strerror or error}.") from error


def _read_fully(stream: _Readable, n: int) -> bytes:
    parts, left = [], n
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _read_into(stream: _Readable, target: memoryview) -> int:
    filled = 0
    while filled < len(target):
        n = stream.readinto(target[filled:])
        if not n:
            break
        filled += n
    return filled
