"""A scan's volumes in file order, one pass, a few at a time: memory does not grow with length.

Inflation runs in a thread of its own (ISA-L releases the interpreter), so that on two cores the
caller's arithmetic hides behind it.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal import igzip, igzip_threaded, isal_zlib

from brainage.errors import ScanError
from brainage.imaging.nifti import ScanHeader, parse_header

#: Bytes of stored voxels handed over at a time: a few volumes, small beside any image.
_BLOCK_BYTES = 16 * 2**20
_HEADER_BYTES = 544


class VolumeStream:
    """One pass through a NIfTI file.

    Parameters
    ----------
    path : str or Path
        ``.nii`` or ``.nii.gz``, NIfTI-1 or -2, any numeric type, either byte order.

    Attributes
    ----------
    header : ScanHeader
        Known as soon as the stream is opened.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> VolumeStream:
        try:
            self._stream = self._stack.enter_context(_open(self.path))
            with _explained(self.path, "its header"):
                start = _read_fully(self._stream, _HEADER_BYTES)
            self.header: ScanHeader = parse_header(start, self.path)
            self._start = start
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield every volume once, in blocks.

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
            The file ends early or is corrupt: says at which volume.
        """
        header = self.header
        self._skip_to_voxels()
        volume_bytes = header.grid.n_voxels * header.dtype.itemsize
        per_block = max(1, min(header.n_volumes, _BLOCK_BYTES // volume_bytes))
        buffer = memoryview(bytearray(per_block * volume_bytes))
        first = 0
        while first < header.n_volumes:
            n = min(per_block, header.n_volumes - first)
            wanted = n * volume_bytes
            with _explained(self.path, f"volume {first} of {header.n_volumes}"):
                got = _read_into(self._stream, buffer[:wanted])
            if got < wanted:
                raise ScanError(
                    f"{self.path}: truncated: the header says {header.n_volumes} volumes of "
                    f"{volume_bytes} bytes, the file ends in volume {first + got // volume_bytes}. "
                    "Copy or make the file again."
                )
            yield first, np.frombuffer(buffer[:wanted], dtype=header.dtype).reshape(n, -1)
            first += n
        self._check_end()

    def _skip_to_voxels(self) -> None:
        behind = self.header.offset - len(self._start)
        if behind < 0:
            # NIfTI-1 voxels may start at byte 352, inside what was read for the header.
            self._stream = _Joined(self._start[self.header.offset :], self._stream)
            return
        with _explained(self.path, "its header extensions"):
            skipped = _read_fully(self._stream, behind)
        if len(skipped) < behind:
            raise ScanError(f"{self.path}: truncated inside its header extensions.")

    def _check_end(self) -> None:
        # Reading on to the end is what makes gzip check its CRC; padding is tolerated.
        with _explained(self.path, "its end"):
            while self._stream.read(2**20):
                pass


class _Joined:
    """Bytes already read, then the rest of a stream."""

    def __init__(self, head: bytes, stream: BinaryIO):
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


def _open(path: Path) -> BinaryIO:
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        if not zipped:
            return open(path, "rb")
        if len(os.sched_getaffinity(0)) > 1:
            return igzip_threaded.open(path, "rb", threads=1)
        return igzip.open(path, "rb")
    except FileNotFoundError:
        raise ScanError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise ScanError(f"{path}: expected an image, found a folder.") from None
    except PermissionError:
        raise ScanError(f"{path}: no permission to read it.") from None


@contextlib.contextmanager
def _explained(path: Path, where: str):
    try:
        yield
    except EOFError as error:
        raise ScanError(f"{path}: truncated gzip: the compressed data end in {where}. Copy or make "
                        "the file again.") from error  # fmt: skip
    except (isal_zlib.error, zlib.error, igzip.BadGzipFile) as error:
        raise ScanError(f"{path}: corrupt gzip in {where}: {error}. Copy or make the file "
                        "again.") from error  # fmt: skip
    except OSError as error:
        raise ScanError(f"{path}: cannot be read in {where}: {error.strerror or error}."
                        ) from error  # fmt: skip


def _read_fully(stream: BinaryIO, n: int) -> bytes:
    parts, left = [], n
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _read_into(stream, target: memoryview) -> int:
    filled = 0
    while filled < len(target):
        n = stream.readinto(target[filled:])
        if not n:
            break
        filled += n
    return filled
