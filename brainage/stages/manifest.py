"""What a stage folder was made from, so that a second run does only what is missing."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from brainage import __version__
from brainage.errors import StageError
from brainage.files import hash_file, write_json
from brainage.options import fingerprint_of

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "nilearn", "nibabel", "joblib")


def stage_key(stage: str, options, inputs: Mapping[str, str]) -> str:
    """Return the hash that names one making of a stage: its options and its inputs' hashes."""
    return fingerprint_of([stage, __version__, options, dict(inputs)])


def is_current(folder: str | Path, key: str) -> bool:
    """Return whether a folder was finished with this key and its files are all still there."""
    manifest = read_manifest(folder, missing_ok=True)
    if manifest is None or manifest.get("key") != key:
        return False
    return all(
        (path := Path(folder, name)).is_file() and path.stat().st_size == entry["bytes"]
        for name, entry in manifest["outputs"].items()
    )


def write_manifest(
    folder: str | Path,
    *,
    stage: str,
    key: str,
    options,
    inputs: Mapping[str, str],
    outputs: Iterable[Path],
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
    """
    folder = Path(folder)
    write_json(
        folder / MANIFEST,
        {
            "stage": stage,
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


def read_manifest(folder: str | Path, *, missing_ok: bool = False) -> dict | None:
    """Read a stage's manifest.

    Raises
    ------
    StageError
        The folder has none (the stage was not run, or not to its end), or it is not JSON.
    """
    path = Path(folder, MANIFEST)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if missing_ok:
            return None
        raise StageError(
            f"{path}: not there: the stage before was not run to its end. "
            f"Run `brainage {Path(folder).name}` first."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        if missing_ok:
            return None
        raise StageError(
            f"{path}: expected JSON, found: {error}. Delete it and run the stage again."
        ) from error


def versions() -> dict[str, str]:
    """Return the versions that may change a number."""
    found = {"brainage": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def listing_hash(folder: str | Path, suffix: str) -> str:
    """Return `files_hash` of a tree's files with this ending."""
    return files_hash(folder, _files(str(folder), suffix))


def files_hash(folder: str | Path, files: Iterable[str | Path]) -> str:
    """Return a hash of the names, relative to a folder, sizes and times of files.

    Cheaper than their content for 40,000 series files; a file that is written again changes it,
    and so does one that is listed but not there.
    """
    digest = hashlib.sha256()
    for path in sorted(map(str, files)):
        try:
            info = os.stat(path)
            size, time_ns = info.st_size, info.st_mtime_ns
        except OSError:
            size = time_ns = None
        digest.update(f"{os.path.relpath(path, folder)}\t{size}\t{time_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: str, suffix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, suffix)
            elif entry.name.endswith(suffix) and not entry.name.startswith("."):
                yield entry.path
