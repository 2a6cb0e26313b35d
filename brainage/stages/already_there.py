"""What of a stage stood before it began: a second run says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brainage.config import StudyConfig
from brainage.stages.cohorts import stage_folder
from brainage.stages.manifest import MANIFEST

#: What a stage writes last of each piece of its work; extraction a file a scan.
_LAST = {"extract": "*_timeseries.tsv"}


@dataclass(frozen=True)
class Before:
    """Files of a stage as they stood at one time, by which what was made since is told.

    Parameters
    ----------
    folder : Path
        Of the stage.
    pattern : str
        Name of the files that are written last.
    files : dict of Path to (int, int)
        File -> its number on disk and time of change.
    """

    folder: Path
    pattern: str
    files: dict[Path, tuple[int, int]]

    @property
    def kept(self) -> int:
        """How many of these files still stand as they did: their work was not done again."""
        now = _marks(self.folder, self.pattern)
        return sum(now.get(path) == mark for path, mark in self.files.items())

    @property
    def is_all(self) -> bool:
        """Whether there was something, all of it stands as it did, and nothing came to it."""
        return bool(self.files) and _marks(self.folder, self.pattern) == self.files


def stands_before(study: StudyConfig, stage: str) -> Before:
    """Note what of a stage is there before it begins.

    Parameters
    ----------
    study : StudyConfig
        Whose output.
    stage : str
        "extract", "train", ...
    """
    folder, pattern = stage_folder(study, stage), _LAST.get(stage, MANIFEST)
    return Before(folder, pattern, _marks(folder, pattern))


def _marks(folder: Path, pattern: str) -> dict[Path, tuple[int, int]]:
    marks = {}
    for path in folder.rglob(pattern) if folder.is_dir() else ():
        told = path.stat()
        marks[path] = (told.st_ino, told.st_mtime_ns)
    return marks
