"""Stage 0 of a synthetic study: its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brainage.config import StudyConfig
from brainage.errors import ConfigError
from brainage.files import remove_leftovers
from brainage.progress import Progress, silent
from brainage.stages.cohorts import stage_folder
from brainage.stages.lock import stage_lock
from brainage.synthetic import SyntheticOptions, make_study, write_study


@dataclass(frozen=True)
class Made:
    """What a synthetic study holds, in sentences, and where."""

    lines: tuple[str, ...]
    folder: Path


def what_to_make(study: StudyConfig) -> SyntheticOptions:
    """Return what data the study makes.

    Raises
    ------
    ConfigError
        The study file has no section ``synthetic``.
    """
    if study.synthetic is None:
        raise ConfigError("synthetic: expected what data to make, found no such section.")
    return study.synthetic


def synthesize(study: StudyConfig, *, progress: Progress = silent) -> Made:
    """Write the synthetic study's data; scans that are there already are kept.

    Parameters
    ----------
    study : StudyConfig
        With a section ``synthetic``; its seed is ``science.seed``.
    progress : Progress, optional
        Told of scans written.

    Returns
    -------
    made : Made
    """
    folder = stage_folder(study, "data")
    made = make_study(what_to_make(study), seed=study.science.seed)
    with stage_lock(folder, "run"):
        remove_leftovers(folder)
        write_study(made, folder, n_jobs=study.run.n_jobs, progress=progress)
    return Made(tuple(made.lines), folder)
