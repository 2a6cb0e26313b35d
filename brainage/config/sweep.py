"""The sweep file: a study file with a section of alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from brainage.config.loader import read_yaml
from brainage.config.paths import FILES_OF_ATLAS, with_files
from brainage.config.presets import find_study_file
from brainage.config.study import StudyConfig, load_config
from brainage.imaging import AtlasOptions
from brainage.options import Listed, Options


class NamedChange(Options):
    """One alternative by name.

    Parameters
    ----------
    name : str
        As it stands in the leaderboard.
    change : dict of str to value
        Dotted clock option -> value, on top of ``science.clock``.

    Examples
    --------
    >>> NamedChange(name="no correction", change={"bias_correction": "none"})
    NamedChange(name='no correction', change={'bias_correction': 'none'})
    """

    name: str
    change: dict[str, Any] = {}


class SweepSection(Options):
    """Alternatives; all are evaluated on identical folds.

    Parameters
    ----------
    alternatives : tuple of NamedChange, default=()
        Clocks by name.
    choices : dict of str to list, default={}
        Dotted clock option -> values; every combination, with every named alternative.
    atlases : tuple of AtlasOptions, default=()
        Parcellations to extract and compare; empty: the study's own.
    n_draws : int, default=2000
        Resampled cohorts behind intervals and the selection-corrected figure.
    rank_by : {"error", "participants"}, default="error"
        Mean absolute error, or participants per arm for one latent year at a state SD of 4 years
        (docs/efficiency.md); both are in the table.

    Examples
    --------
    >>> SweepSection(alternatives=[{"name": "svr", "change": {"estimator": "svr"}}])
    SweepSection(alternatives=(NamedChange(name='svr', change={'estimator': 'svr'}),))
    """

    alternatives: Listed[NamedChange] = ()
    choices: dict[str, list[Any]] = {}
    atlases: Listed[AtlasOptions] = ()
    n_draws: int = Field(default=2000, ge=100)
    rank_by: Literal["error", "participants"] = "error"


class SweepConfig(StudyConfig):
    """A study file with a section ``sweep``.

    Parameters
    ----------
    sweep : SweepSection
        What is compared.

    Examples
    --------
    >>> from brainage.config import load_sweep
    >>> sweep = load_sweep("abide_sweep")
    >>> sweep.sweep.n_draws
    2000
    """

    sweep: SweepSection = SweepSection()

    def with_absolute_paths(self, base: Path) -> Self:
        """Return the sweep with every file and folder absolute, starting at `base`."""
        study = super().with_absolute_paths(base)
        atlases = tuple(with_files(each, FILES_OF_ATLAS, base) for each in self.sweep.atlases)
        return study.model_copy(
            update={"sweep": self.sweep.model_copy(update={"atlases": atlases})}
        )


def is_sweep(path: str | Path) -> bool:
    """Return whether a file, or the packaged one of that name, has a section ``sweep``.

    Examples
    --------
    >>> is_sweep("abide_sweep"), is_sweep("demo_tiny")
    (True, False)
    """
    file = find_study_file(path)
    return file.is_file() and "sweep" in read_yaml(file).values


def load_sweep(path: str | Path, *, overrides: Sequence[str] = ()) -> SweepConfig:
    """Read a sweep file as `load_study` reads a study file.

    Examples
    --------
    >>> len(load_sweep("abide_sweep").sweep.alternatives)
    10
    """
    return load_config(path, SweepConfig, overrides=overrides)
