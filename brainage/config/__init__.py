"""YAML in, ``StudyConfig`` out: the only reader of YAML."""

from brainage.config.study import (
    CohortPaths,
    PathsSection,
    RunSection,
    ScienceSection,
    StudyConfig,
    load_study,
    study_from_mapping,
    study_schema,
    study_template,
)

__all__ = [
    "CohortPaths",
    "PathsSection",
    "RunSection",
    "ScienceSection",
    "StudyConfig",
    "load_study",
    "study_from_mapping",
    "study_schema",
    "study_template",
]
