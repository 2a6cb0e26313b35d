"""YAML in, ``StudyConfig`` out: the only reader of YAML."""

from brainage.config.paths import CohortPaths, PathsSection
from brainage.config.presets import DEFAULT, DEFAULT_OF_MATRICES, extends_line, find_study_file
from brainage.config.run import DaskOptions, RunSection, SlurmOptions
from brainage.config.study import (
    ScienceSection,
    StudyConfig,
    load_study,
    study_from_mapping,
    study_schema,
    study_template,
    study_yaml,
)
from brainage.config.sweep import NamedChange, SweepConfig, SweepSection, is_sweep, load_sweep

__all__ = [
    "DEFAULT",
    "DEFAULT_OF_MATRICES",
    "CohortPaths",
    "DaskOptions",
    "SlurmOptions",
    "PathsSection",
    "NamedChange",
    "RunSection",
    "ScienceSection",
    "StudyConfig",
    "SweepConfig",
    "SweepSection",
    "extends_line",
    "find_study_file",
    "is_sweep",
    "load_study",
    "load_sweep",
    "study_from_mapping",
    "study_schema",
    "study_template",
    "study_yaml",
]
