"""Is every file of an output folder the one that its stage wrote?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from brainage.config import StudyConfig
from brainage.errors import BrainAgeError, StageError
from brainage.progress import Progress, silent
from brainage.stages.manifest import MANIFEST, changed_outputs, read_manifest
from brainage.stages.records import RECORDS, changed_series, read_record


@dataclass(frozen=True)
class Verified:
    """What was compared with its SHA-256, and what is not as it was written.

    Parameters
    ----------
    n_files : int
        Files whose content was compared.
    n_stages : int
        Manifests, and records of scans, that promise them.
    problems : tuple of str
        A sentence a file: which, and what to run.
    """

    n_files: int
    n_stages: int
    problems: tuple[str, ...]


def verify(study: StudyConfig, *, progress: Progress = silent) -> Verified:
    """Compare every file of a study's output with the hash that its stage wrote down.

    Parameters
    ----------
    study : StudyConfig
        Whose ``paths.output`` is read through; nothing is written.
    progress : Progress, optional
        Told of every manifest and record.

    Returns
    -------
    verified : Verified

    Raises
    ------
    StageError
        There is no output folder.
    """
    output = Path(study.paths.output)
    if not output.is_dir():
        raise StageError(f"{output}: no output there to verify. `brainage run` makes it.")
    manifests, records = _promises(output)
    total, done, n_files = len(manifests) + len(records), 0, 0
    problems: list[str] = []
    for folder in manifests:
        n, told = _of_manifest(folder)
        n_files, done = n_files + n, done + 1
        problems += told
        progress(done, total, "verify")
    with ThreadPoolExecutor(max_workers=study.run.n_jobs) as pool:
        for n, told in pool.map(_of_record, records):
            n_files, done = n_files + n, done + 1
            problems += told
            progress(done, total, "verify")
    return Verified(n_files, total, tuple(problems))


def _promises(output: Path) -> tuple[list[Path], list[Path]]:
    manifests, records = [], []
    for folder, _, names in os.walk(output):
        if MANIFEST in names:
            manifests.append(Path(folder))
        if RECORDS in Path(folder).relative_to(output).parts:
            records += [Path(folder, name) for name in names if _is_record(name)]
    return sorted(manifests), sorted(records)


def _is_record(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _of_manifest(folder: Path) -> tuple[int, list[str]]:
    try:
        manifest = read_manifest(folder)
    except BrainAgeError as error:
        return 0, [str(error)]
    assert manifest is not None
    verb = manifest.get("verb", manifest.get("stage"))
    told = [
        f"{folder / name}: {how} since `brainage {verb}` wrote it; put it back, or run `brainage "
        f"{verb} --overwrite`"
        for name, how in changed_outputs(folder, manifest)
    ]
    return len(manifest["outputs"]), told


def _of_record(path: Path) -> tuple[int, list[str]]:
    record = read_record(path)
    if record is None:
        return 0, [f"{path}: expected the record of a scan, found something else; run extract"]
    folder = next(parent.parent for parent in path.parents if parent.name == RECORDS)
    return len(record["files"]), list(_told(folder, record))


def _told(folder: Path, record: dict) -> Iterator[str]:
    for name, how in changed_series(folder, record):
        yield (
            f"{folder / name}: {how} since `brainage extract` wrote it; put it back, or run "
            "`brainage extract` again"
        )
