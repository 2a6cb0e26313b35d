"""What a stage folder was made from, and whether it still holds what was written into it."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from brainage import __version__
from brainage.errors import StageError
from brainage.files import hash_file, read_json_object, write_json
from brainage.options import fingerprint_of

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "nilearn", "nibabel", "joblib")
#: How a file is known again: by size and time of change, by size, or by its content.
InputIdentity = Literal["size_mtime", "size", "hash"]


def stage_key(stage: str, options: Any, inputs: Mapping[str, str]) -> str:
    """Return the hash that names one making of a stage: its options and its inputs' hashes."""
    return fingerprint_of([stage, __version__, options, dict(inputs)])


def write_manifest(
    folder: str | Path,
    *,
    stage: str,
    key: str,
    options: Any,
    inputs: Mapping[str, str],
    outputs: Iterable[Path],
    verb: str | None = None,
) -> None:
    """Write ``manifest.json``, the last file of a stage: where it stands the stage is whole.

    Parameters
    ----------
    folder : str or Path
        The stage's folder.
    stage : str
        Name of the stage.
    key : str
        From `stage_key`.
    options : JSON-able
        The options that entered the key.
    inputs : mapping of str to str
        Input -> hash.
    outputs : iterable of Path
        Files in `folder`; size and SHA-256 of each are recorded.
    verb : str, optional
        The command that makes the folder, for messages; the stage's name where None.
    """
    folder = Path(folder)
    write_json(
        folder / MANIFEST,
        {
            "stage": stage,
            "verb": verb or stage,
            "key": key,
            "versions": versions(),
            "options": options,
            "inputs": dict(inputs),
            "outputs": {
                str(path.relative_to(folder)): {
                    "bytes": path.stat().st_size,
                    "sha256": hash_file(path),
                }
                for path in sorted(outputs)
            },
        },
    )


def read_manifest(folder: str | Path, *, missing_ok: bool = False) -> dict[str, Any] | None:
    """Read a stage's manifest.

    Raises
    ------
    StageError
        The folder has none (the stage was not run, or not to its end), or it is not JSON.
    """
    path = Path(folder, MANIFEST)
    if not path.is_file():
        if missing_ok:
            return None
        raise StageError(
            f"{path}: not there: the stage before was not run to its end. "
            f"Run `brainage {Path(folder).name}` first."
        )
    manifest = read_json_object(path, error=StageError)
    outputs = manifest.get("outputs")
    if not isinstance(outputs, dict) or not all(
        isinstance(entry, dict) and {"bytes", "sha256"} <= set(entry) for entry in outputs.values()
    ):
        raise StageError(
            f"{path}: expected the manifest of a stage, found no list of its outputs. Delete it "
            "and run the stage again."
        )
    return manifest


def changed_outputs(folder: str | Path, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every file that a manifest promises and that is not so: its name, and how it differs.

    Yields
    ------
    name : str
        Relative to the folder.
    how : {"gone", "changed"}
    """
    entries = list(manifest["outputs"].items())

    def state(item: tuple[str, dict]) -> str | None:
        name, entry = item
        return file_state(Path(folder, name), entry)

    # Hashing leaves Python's lock alone: features of a large cohort are read by several threads.
    with ThreadPoolExecutor(max_workers=4) as pool:
        for (name, _), how in zip(entries, pool.map(state, entries), strict=True):
            if how is not None:
                yield name, how


def file_state(path: Path, entry: Mapping[str, Any]) -> str | None:
    """Return "gone" or "changed" where a file is not as its entry says; None where it is."""
    try:
        info = os.stat(path)
    except OSError:
        return "gone"
    if info.st_size != entry["bytes"]:
        return "changed"
    same = _hash_once(str(path), info.st_ino, info.st_size, info.st_mtime_ns) == entry["sha256"]
    return None if same else "changed"


@functools.lru_cache(maxsize=4096)
def _hash_once(path: str, inode: int, size: int, mtime_ns: int) -> str:
    # One run asks for the same large files several times; a file that changes has another time.
    return hash_file(path)


def read_checked_manifest(
    folder: str | Path, *, only: Iterable[str] | None = None
) -> dict[str, Any]:
    """Read a stage's manifest and check that its files are as it promises.

    Parameters
    ----------
    folder : str or Path
        The stage's folder.
    only : iterable of str, optional
        Names of the files that will be read; every one where None.

    Raises
    ------
    StageError
        No manifest, or a file of the stage that is gone or was changed since: which, and what to
        run.
    """
    manifest = read_manifest(folder)
    assert manifest is not None
    promised = manifest["outputs"]
    if only is not None:
        promised = {name: promised[name] for name in only if name in promised}
    for name, how in changed_outputs(folder, manifest | {"outputs": promised}):
        raise StageError(_told(Path(folder, name), how, manifest))
    return manifest


def is_current(folder: str | Path, key: str) -> bool:
    """Return whether a folder was finished with this key and its files are all still there.

    Raises
    ------
    StageError
        A file was changed since it was written: made again it would hide the change, and used it
        would be another result under the old name.
    """
    manifest = read_manifest(folder, missing_ok=True)
    if manifest is None or manifest.get("key") != key:
        return False
    differing = list(changed_outputs(folder, manifest))
    for name, how in differing:
        if how == "changed":
            raise StageError(_told(Path(folder, name), how, manifest))
    return not differing


def _told(path: Path, how: str, manifest: Mapping[str, Any]) -> str:
    verb = manifest.get("verb", manifest.get("stage"))
    again = f"run `brainage {verb} --overwrite` to make it again"
    if how == "gone":
        return f"{path}: gone since `brainage {verb}` wrote it; {again}."
    return (
        f"{path}: changed since `brainage {verb}` wrote it (its SHA-256 is not that of "
        f"{MANIFEST}). Put the file back, or {again}."
    )


def versions() -> dict[str, str]:
    """Return the versions that may change a number."""
    named = {"brainage": __version__, "python": platform.python_version()}
    return named | {name: metadata.version(name) for name in _LIBRARIES}


def listing_hash(folder: str | Path, suffix: str, *, by: InputIdentity = "size_mtime") -> str:
    """Return `files_hash` of a tree's files with this ending."""
    return files_hash(folder, _files(str(folder), suffix), by=by)


def files_hash(
    folder: str | Path, files: Iterable[str | Path], *, by: InputIdentity = "size_mtime"
) -> str:
    """Return a hash of the names, relative to a folder, and of what the files are known by.

    Parameters
    ----------
    folder : str or Path
        Names are relative to it, so that a study that was moved keeps its hash.
    files : iterable of str or Path
        Listed; one that is not there enters as such.
    by : {"size_mtime", "size", "hash"}, default="size_mtime"
        Sizes and times are cheaper than content for 40,000 series; copies by DataLad or to a
        cluster's scratch change times, and are known by size or hash.

    Returns
    -------
    hash : str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in sorted(map(str, files)):
        known_by = "\t".join(map(str, identity_of(path, by=by)))
        digest.update(f"{os.path.relpath(path, folder)}\t{known_by}\n".encode())
    return digest.hexdigest()


def identity_of(path: str | Path, *, by: InputIdentity) -> list[int | str | None]:
    """Return what a file is known by: [size, time of change or SHA-256 or nothing]."""
    try:
        info = os.stat(path)
    except OSError:
        return [None, None]
    if by == "hash":
        known = _hash_once(str(path), info.st_ino, info.st_size, info.st_mtime_ns)
        return [info.st_size, known]
    return [info.st_size, info.st_mtime_ns if by == "size_mtime" else None]


def _files(folder: str, suffix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, suffix)
            elif entry.name.endswith(suffix) and not entry.name.startswith("."):
                yield entry.path
