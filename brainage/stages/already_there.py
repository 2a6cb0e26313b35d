"""What of a stage stood before it began: a second run says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.stages.cohorts import stage_folder
from brainage.stages.extract import ALREADY_THERE
from brainage.stages.manifest import MANIFEST


@dataclass(frozen=True)
class Before:
    """Manifests of a stage as they stood at one time, by which what was made since is told.

    Parameters
    ----------
    folder : Path
        Of the stage.
    files : dict of Path to (int, int)
        Manifest -> its number on disk and time of change.
    """

    folder: Path
    files: dict[Path, tuple[int, int]]

    @property
    def is_all(self) -> bool:
        """Whether there was something, all of it stands as it did, and nothing came to it."""
        return bool(self.files) and _marks(self.folder) == self.files


def stands_before(study: StudyConfig, stage: str) -> Before:
    """Note what of a stage is there before it begins.

    Parameters
    ----------
    study : StudyConfig
        Whose output.
    stage : str
        "train", "score", ... Not extraction, whose tables know it of every scan
        (`extracted_before`): nobody walks through its folder of files.
    """
    folder = stage_folder(study, stage)
    return Before(folder, _marks(folder))


def extracted_before(tables: Iterable[pd.DataFrame]) -> int:
    """Return how many scans of an extraction were on record and not extracted again."""
    return sum(table.attrs.get(ALREADY_THERE, 0) for table in tables)


def _marks(folder: Path) -> dict[Path, tuple[int, int]]:
    marks = {}
    for path in folder.rglob(MANIFEST) if folder.is_dir() else ():
        told = path.stat()
        marks[path] = (told.st_ino, told.st_mtime_ns)
    return marks
