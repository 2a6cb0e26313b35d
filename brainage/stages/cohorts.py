"""Where a cohort's people and series are, by the study file; never reads an arm."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from brainage.config import CohortPaths, StudyConfig
from brainage.errors import ConfigError
from brainage.tables import read_people

Cohort = Literal["reference", "trial", "external"]
COHORTS: tuple[Cohort, ...] = get_args(Cohort)


def stage_folder(study: StudyConfig, stage: str) -> Path:
    """Return ``output/STAGE``."""
    return Path(study.paths.output) / stage


def cohort_paths(study: StudyConfig, cohort: Cohort) -> CohortPaths:
    """Return the paths section of one cohort."""
    return getattr(study.paths, cohort)


def has_cohort(study: StudyConfig, cohort: Cohort) -> bool:
    """Return whether the study file names scans, series or matrices of this cohort."""
    paths = cohort_paths(study, cohort)
    return bool(paths.scans or made_elsewhere(paths))


def made_elsewhere(paths: CohortPaths) -> str | None:
    """Return the series or matrices that the study file names; None: scans are extracted."""
    return paths.series or paths.matrices


def trains(study: StudyConfig) -> bool:
    """Return whether a run of this study trains a clock.

    Not where one is named, and not where the scores are there already and no reference cohort is.
    """
    if study.paths.clock is not None:
        return False
    return has_cohort(study, "reference") or study.paths.scores is None


def series_folder(study: StudyConfig, cohort: Cohort) -> Path:
    """Return the folder of parcel series: the one named, or what `extract` writes."""
    paths = cohort_paths(study, cohort)
    elsewhere = made_elsewhere(paths)
    if elsewhere:
        return Path(elsewhere)
    return stage_folder(study, "extract") / cohort


def extraction_summary(study: StudyConfig, cohort: Cohort) -> Path | None:
    """Return the table of a cohort's extraction, if there is one and its series are in use.

    A study whose series come from elsewhere may still have an earlier extraction in its output.
    """
    path = stage_folder(study, "extract") / cohort / "scans.tsv"
    return path if path.is_file() and not made_elsewhere(cohort_paths(study, cohort)) else None


def people_files(study: StudyConfig, cohort: Cohort) -> dict[str, Path]:
    """Return the tables that say who was scanned at which age, by name.

    A cohort that names no participants table has the one beside its scans, if there is one.
    """
    paths = cohort_paths(study, cohort)
    participants: str | Path | None = paths.participants
    if participants is None and paths.scans and Path(paths.scans).is_dir():
        beside = Path(paths.scans) / "participants.tsv"
        participants = beside if beside.is_file() else None
    found: dict[str, str | Path | None] = {
        "participants": participants,
        "sessions": paths.sessions,
    }
    return {name: Path(path) for name, path in found.items() if path is not None}


def cohort_people(study: StudyConfig, cohort: Cohort) -> pd.DataFrame:
    """Read who was scanned at which age.

    Raises
    ------
    ConfigError
        The study file names no participants table.
    TableError
        The table is not valid.
    """
    files = people_files(study, cohort)
    if "participants" not in files:
        raise ConfigError(
            f"paths.{cohort}.participants: expected a table with participant_id and age_years, "
            "found none. It usually lies in the raw BIDS folder."
        )
    return read_people(
        files["participants"], files.get("sessions"), columns=cohort_paths(study, cohort).columns
    )
