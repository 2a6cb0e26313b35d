"""The container of a saved clock: one file of JSON and raw arrays that runs no code when read.

Layout, all numbers little-endian::

    8 bytes   magic  b"\\x89BRNAGE\\n"
    8 bytes   format version
    8 bytes   length of the header in bytes
    32 bytes  SHA-256 of version, header length, header and arrays
    8 bytes   zero
    header    UTF-8 JSON {"meta": ..., "arrays": [{"name", "dtype", "shape"}, ...]}, zero-padded
    arrays    raw values in C order, each zero-padded to a multiple of 64 bytes

Every size is checked against the size of the file on disk before anything is allocated, and the
hash before any value is believed. The hash guards against damage and silent edits; it is no
signature, so who made a file is for the channel it came by to say.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import struct
from collections.abc import Callable, Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from brainage.errors import ClockFileError
from brainage.files import atomic_path

MAGIC = b"\x89BRNAGE\n"
FORMAT_VERSION = 1
MAX_HEADER_BYTES = 8 * 2**20
MAX_FILE_BYTES = 8 * 2**30
MAX_ARRAYS = 4096
MAX_DIMENSIONS = 4
MAX_NAME_CHARACTERS = 200
DTYPES = ("<f8", "<f4", "<i8", "<i4", "|u1")
_ALIGN = 64
_PIECE_BYTES = 2**20
_PREAMBLE = struct.Struct("<8sQQ32s8x")

Migration = Callable[[dict, dict], tuple[dict, dict]]
#: Version -> function that turns (meta, arrays) of that version into those of the next one.
#: Whoever changes what a clock stores raises FORMAT_VERSION and adds the step here.
MIGRATIONS: dict[int, Migration] = {}


def write_clock_file(path: str | Path, meta: Mapping, arrays: Mapping[str, np.ndarray]) -> str:
    """Write a clock atomically; equal content gives equal bytes.

    Parameters
    ----------
    path : str or Path
        The file to write.
    meta : mapping
        JSON-able; keys are sorted in the file, NaN is refused.
    arrays : mapping of str to ndarray
        Float, integer or uint8 arrays of at most four dimensions, finite.

    Returns
    -------
    content_hash : str
        The SHA-256 the file carries, 64 hexadecimal digits.

    Raises
    ------
    ClockFileError
        Content that the format cannot hold.
    """
    ready = _ready_arrays(arrays)
    header = _header_bytes(meta, ready)
    digest = _digest(header, ready)
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        stream.write(_PREAMBLE.pack(MAGIC, FORMAT_VERSION, len(header), digest.digest()))
        stream.write(header)
        for array in ready.values():
            _write_padded(stream.write, array)
    return digest.hexdigest()


def content_hash(meta: Mapping, arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 that `write_clock_file` would give this content, without writing."""
    ready = _ready_arrays(arrays)
    return _digest(_header_bytes(meta, ready), ready).hexdigest()


def read_clock_file(path: str | Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Read a clock file of this or an older version.

    Parameters
    ----------
    path : str or Path
        A file written by `write_clock_file`.

    Returns
    -------
    meta : dict
        As written, brought to the current version.
    arrays : dict of str to ndarray
        Read-only.

    Raises
    ------
    ClockFileError
        Not a clock, truncated, edited, oversized, or of a newer version.
    """
    path = Path(path)
    version, header, body = _read_checked(path)
    meta, arrays = _interpret(path, header, body)
    return migrated(meta, arrays, [MIGRATIONS[k] for k in range(version, FORMAT_VERSION)])


def migrated(
    meta: dict, arrays: dict[str, np.ndarray], steps: Iterable[Migration]
) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the content of an older file as one migration after the other makes it."""
    for step in steps:
        meta, arrays = step(meta, arrays)
    return meta, arrays


def _ready_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    ready = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        little = array.dtype.newbyteorder("<")
        if little.str not in DTYPES or array.ndim > MAX_DIMENSIONS:
            raise ClockFileError(
                f"clock array {name!r}: expected one of {DTYPES} with at most "
                f"{MAX_DIMENSIONS} dimensions, found {array.dtype} of shape "
                f"{array.shape}."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ClockFileError(
                f"clock array {name!r}: expected finite values, found "
                f"{np.sum(~np.isfinite(array))} that are not. The clock was "
                "fitted on missing values."
            )
        # ascontiguousarray would turn a scalar into a vector.
        ready[name] = array.astype(little, order="C", copy=not array.flags.c_contiguous)
    return ready


def _header_bytes(meta: Mapping, arrays: Mapping[str, np.ndarray]) -> bytes:
    listing = [{"name": n, "dtype": a.dtype.str, "shape": list(a.shape)} for n, a in arrays.items()]
    try:
        text = json.dumps(
            {"arrays": listing, "meta": dict(meta)},
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
            ensure_ascii=False,
        )
        raw = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ClockFileError(f"clock meta: expected JSON-able values, found: {error}") from error
    _check_listing(listing, "clock to write")
    if len(raw) > MAX_HEADER_BYTES:
        raise ClockFileError(
            f"clock meta: expected at most {MAX_HEADER_BYTES} bytes of JSON, "
            f"found {len(raw)}. Store long lists as arrays."
        )
    return raw + b" " * _padding(len(raw))


def _padding(n_bytes: int) -> int:
    return -n_bytes % _ALIGN


def _write_padded(write: Callable, array: np.ndarray) -> None:
    write(array.reshape(-1).view(np.uint8).data if array.size else b"")
    write(b"\0" * _padding(array.nbytes))


def _digest(header: bytes, arrays: Mapping[str, np.ndarray]) -> hashlib._Hash:
    digest = hashlib.sha256(struct.pack("<QQ", FORMAT_VERSION, len(header)))
    digest.update(header)
    for array in arrays.values():
        _write_padded(digest.update, array)
    return digest


def _opened(path: Path) -> BufferedReader:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ClockFileError(f"{path}: expected a clock file, found a folder or device.")
        return open(path, "rb")
    except FileNotFoundError:
        raise ClockFileError(f"{path}: no such file. `brainage train` writes clocks.") from None
    except (OSError, ValueError) as error:
        raise ClockFileError(f"{path}: cannot be read ({error}).") from error


def _read_checked(path: Path) -> tuple[int, bytes, np.ndarray]:
    """Return version, header bytes and the bytes after it, once sizes and hash are right."""
    with _opened(path) as stream:
        on_disk = os.fstat(stream.fileno()).st_size
        version, header_bytes, digest = _read_preamble(path, stream, on_disk)
        header = stream.read(header_bytes)
        n_body = on_disk - _PREAMBLE.size - header_bytes
        # A sparse file of gigabytes costs its maker nothing: it must announce what it holds, and
        # have the right hash, before memory for it is asked for.
        expected = _listed_bytes(path, header)
        if expected != n_body:
            raise ClockFileError(
                f"{path}: lists arrays of {expected} bytes, but {n_body} follow: truncated or "
                "damaged."
            )
        found = hashlib.sha256(struct.pack("<QQ", version, header_bytes) + header)
        while piece := stream.read(_PIECE_BYTES):
            found.update(piece)
        if found.digest() != digest:
            raise ClockFileError(
                f"{path}: its content does not have the SHA-256 it was written with: "
                "truncated or edited. Get it again."
            )
        stream.seek(_PREAMBLE.size + header_bytes)
        try:
            body = np.empty(n_body, dtype=np.uint8)
        except MemoryError as error:
            raise ClockFileError(
                f"{path}: needs {n_body} bytes of memory, more than there are here."
            ) from error
        if stream.readinto(body.data) != n_body:
            raise ClockFileError(f"{path}: changed while it was read. Read it again.")
    return version, header, body


def _read_preamble(path: Path, stream: BufferedReader, on_disk: int) -> tuple[int, int, bytes]:
    """Return version, length of the header and digest, each possible for a file of this size."""
    preamble = stream.read(_PREAMBLE.size)
    if len(preamble) < _PREAMBLE.size or preamble[: len(MAGIC)] != MAGIC:
        raise ClockFileError(
            f"{path}: expected a brainage clock, found another kind of file ({on_disk} bytes)."
        )
    _, version, header_bytes, digest = _PREAMBLE.unpack(preamble)
    if version > FORMAT_VERSION:
        raise ClockFileError(
            f"{path}: expected clock format 1 to {FORMAT_VERSION}, found "
            f"{version}. Install a newer brainage to read it."
        )
    if version < 1 or any(preamble[-8:]):
        raise ClockFileError(f"{path}: its first bytes are damaged (format {version}).")
    if on_disk > MAX_FILE_BYTES:
        raise ClockFileError(f"{path}: expected at most {MAX_FILE_BYTES} bytes, found {on_disk}.")
    if header_bytes > min(MAX_HEADER_BYTES + _ALIGN, on_disk - _PREAMBLE.size):
        raise ClockFileError(
            f"{path}: announces a header of {header_bytes} bytes, but the "
            f"file has {on_disk}: truncated or damaged."
        )
    return version, header_bytes, digest


def _listed_bytes(path: Path, header: bytes) -> int:
    listing = _parse_header(path, header)["arrays"]
    _check_listing(listing, path)
    sizes = [math.prod(item["shape"]) * int(item["dtype"][2:]) for item in listing]
    return sum(size + _padding(size) for size in sizes)


def _interpret(path: Path, header: bytes, body: np.ndarray) -> tuple[dict, dict[str, np.ndarray]]:
    content = _parse_header(path, header)
    listing, meta = content["arrays"], content["meta"]
    sizes = [math.prod(item["shape"]) * int(item["dtype"][2:]) for item in listing]
    arrays, start = {}, 0
    for item, size in zip(listing, sizes, strict=True):
        array = body[start : start + size].view(item["dtype"]).reshape(item["shape"])
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ClockFileError(
                f"{path}: array {item['name']!r} holds values that are not finite."
            )
        array.flags.writeable = False
        arrays[item["name"]] = array
        start += size + _padding(size)
    return meta, arrays


def _parse_header(path: Path, header: bytes) -> dict:
    def refuse(constant: str) -> None:
        raise ValueError(f"the constant {constant}")

    try:
        content = json.loads(header.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ClockFileError(f"{path}: expected a JSON header, found: {error}") from error
    if (
        not isinstance(content, dict)
        or set(content) != {"arrays", "meta"}
        or not isinstance(content["meta"], dict)
    ):
        raise ClockFileError(f"{path}: expected a header with the keys 'arrays' and 'meta'.")
    return content


def _check_listing(listing: Any, where: object) -> None:
    if not isinstance(listing, list) or len(listing) > MAX_ARRAYS:
        raise ClockFileError(f"{where}: expected a list of at most {MAX_ARRAYS} arrays.")
    seen: set[str] = set()
    for item in listing:
        if not _is_listed_array(item) or item["name"] in seen:
            raise ClockFileError(
                f"{where}: expected unique arrays with name, dtype {DTYPES} and a "
                f"shape of at most {MAX_DIMENSIONS} sizes, found "
                f"{str(item)[:200]}."
            )
        seen.add(item["name"])


def _is_listed_array(item: Any) -> bool:
    if not isinstance(item, dict) or set(item) != {"name", "dtype", "shape"}:
        return False
    name, shape = item["name"], item["shape"]
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME_CHARACTERS
        and isinstance(item["dtype"], str)
        and item["dtype"] in DTYPES
        and isinstance(shape, list)
        and len(shape) <= MAX_DIMENSIONS
        # A bool is an int to Python, and a size of 2**62 would overflow before it is refused.
        and all(type(size) is int and 0 <= size <= MAX_FILE_BYTES for size in shape)
    )
