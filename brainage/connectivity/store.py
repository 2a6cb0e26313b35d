"""Where the rows of feature views go while they are made: memory, or files that grow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from brainage.files import atomic_path


class NpyRows:
    """Write a float32 .npy row by row when the number of rows is not known beforehand."""

    _HEADER_BYTES = 128

    def __init__(self, path: Path, n_columns: int):
        self._path, self._n_columns, self._n_rows = path, n_columns, 0

    def __enter__(self) -> NpyRows:
        self._stream = open(self._path, "wb")  # noqa: SIM115 - closed in __exit__
        self._stream.write(b"\0" * self._HEADER_BYTES)
        return self

    def append(self, row: np.ndarray) -> None:
        """Add one row of n_columns float32."""
        self._stream.write(np.ascontiguousarray(row, dtype="<f4").tobytes())
        self._n_rows += 1

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the header now that the number of rows is known; a second call does nothing."""
        if self._stream.closed:
            return
        shape = f"({self._n_rows}, {self._n_columns})"
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        padded = header.ljust(self._HEADER_BYTES - 11) + "\n"
        self._stream.seek(0)
        self._stream.write(b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little"))
        self._stream.write(padded.encode("latin1"))
        self._stream.close()


class MemoryStore:
    """Rows of every view in arrays that are sized for all sessions and cut at the end."""

    def __init__(self, kinds: tuple[str, ...], n_most: int):
        self._n_most, self._n_rows = n_most, 0
        self._arrays: dict[str, np.ndarray] = {}

    def append(self, rows: dict[str, np.ndarray]) -> None:
        """Add one session's row to every view."""
        for kind, row in rows.items():
            if kind not in self._arrays:
                self._arrays[kind] = np.empty((self._n_most, len(row)), dtype=np.float32)
            self._arrays[kind][self._n_rows] = row
        self._n_rows += 1

    def finish(self, kind: str) -> np.ndarray:
        """Return the view's values (n_rows, n_features)."""
        return self._arrays[kind][: self._n_rows]


class FolderStore:
    """Rows of every view streamed to files, which take their names when all are whole."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack):
        self._folder, self._stack = folder, stack
        self._writers: dict[str, NpyRows] = {}
        self._paths: dict[str, Path] = {}

    def append(self, rows: dict[str, np.ndarray]) -> None:
        """Add one session's row to every view."""
        for kind, row in rows.items():
            if kind not in self._writers:
                path = self._stack.enter_context(atomic_path(self._folder / f"{kind}.npy"))
                self._paths[kind] = path
                self._writers[kind] = self._stack.enter_context(NpyRows(path, len(row)))
            self._writers[kind].append(row)

    def finish(self, kind: str) -> np.ndarray:
        """Return the view's values (n_rows, n_features)."""
        self._writers[kind].close()
        return np.load(self._paths[kind], mmap_mode="r")


@contextlib.contextmanager
def open_store(
    folder: str | Path | None, kinds: tuple[str, ...], n_most: int
) -> Iterator[MemoryStore | FolderStore]:
    """Yield a MemoryStore, or with a folder a FolderStore whose files appear if all goes well.

    An old manifest is removed first: a folder with spec.json is whole.
    """
    if folder is None:
        yield MemoryStore(kinds, n_most)
        return
    folder = Path(folder)
    (folder / "spec.json").unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        yield FolderStore(folder, stack)
