"""The study file: sections that mirror the rooms' options types one to one.

``science`` enters every fingerprint; ``paths`` and ``run`` never change a number.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from brainage.clock.options import ClockOptions
from brainage.config.loader import parse_value, read_yaml
from brainage.config.problems import describe
from brainage.connectivity.options import ConnectivityOptions
from brainage.errors import ConfigError
from brainage.files import configs_folder
from brainage.imaging.options import AtlasOptions, CleaningOptions, ExclusionRules
from brainage.options import Options
from brainage.synthetic.options import SyntheticOptions
from brainage.trial.options import TrialOptions


class CohortPaths(Options):
    """Where one cohort's scans, or parcel series made elsewhere, and its people are.

    Parameters
    ----------
    scans : str or None, default=None
        fMRIPrep derivatives folder, or a table of NIfTI files.
    series : str or None, default=None
        Folder of ``*_timeseries.tsv`` made elsewhere; then nothing is extracted.
    participants : str or None, default=None
        ``participants.tsv`` or any table; often in the raw BIDS folder.
    sessions : str or None, default=None
        One table of sessions with age at each, or the raw BIDS folder that holds
        ``sub-*/sub-*_sessions.tsv``.
    columns : dict of str to str, default={}
        Our column name -> the table's.
    space : str or None, default=None
        BIDS space to take where the derivatives hold several.
    task : str or None, default=None
        BIDS task to take where there are several.
    """

    scans: str | None = None
    series: str | None = None
    participants: str | None = None
    sessions: str | None = None
    columns: dict[str, str] = {}
    space: str | None = None
    task: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.scans and self.series:
            raise ValueError("either 'scans' or 'series', not both")
        return self


class PathsSection(Options):
    """Files and folders; relative ones are relative to the study file.

    Parameters
    ----------
    output : str, default="out"
        Every stage writes one folder in it.
    reference, trial : CohortPaths
        The two cohorts.
    allocation : str or None, default=None
        Table with participant_id, arm and strata; None: the trial's participants table.
    clock : str or None, default=None
        A clock file made before; then nothing is trained.
    scores : str or None, default=None
        A scores table made before; then nothing is scored.
    """

    output: str = "out"
    reference: CohortPaths = CohortPaths()
    trial: CohortPaths = CohortPaths()
    allocation: str | None = None
    clock: str | None = None
    scores: str | None = None


class RunSection(Options):
    """How to run; nothing here changes a number.

    Parameters
    ----------
    n_jobs : int, default=2
        Processes.
    """

    n_jobs: int = Field(default=2, ge=1)


class ScienceSection(Options):
    """Every choice that changes a number.

    Parameters
    ----------
    seed : int, default=0
        Of folds, bootstraps and re-randomisation.
    atlas, cleaning, exclusion, connectivity, clock : options
        See each room.
    trial : TrialOptions or None, default=None
        None: a study that ends with a trained clock.
    """

    seed: int = Field(default=0, ge=0)
    atlas: AtlasOptions = AtlasOptions()
    cleaning: CleaningOptions = CleaningOptions()
    exclusion: ExclusionRules = ExclusionRules()
    connectivity: ConnectivityOptions = ConnectivityOptions()
    clock: ClockOptions = ClockOptions()
    trial: TrialOptions | None = None


class StudyConfig(Options):
    """One study, as its YAML file says it.

    Parameters
    ----------
    extends : str or None, default=None
        A preset (``recommended``, ``lisa_like``, ...) or another study file; this file's keys go
        on top.
    title : str, default="brain-age study"
        For the report.
    science, paths, run : sections
        See each.
    synthetic : SyntheticOptions or None, default=None
        Make the data first, from these.
    """

    extends: str | None = None
    title: str = "brain-age study"
    science: ScienceSection = ScienceSection()
    paths: PathsSection = PathsSection()
    run: RunSection = RunSection()
    synthetic: SyntheticOptions | None = None

    @model_validator(mode="after")
    def _views_are_computed(self) -> Self:
        clock, kinds = self.science.clock, self.science.connectivity.kinds
        absent = [view for view in clock.views if view not in kinds]
        if absent:
            raise ValueError(
                f"science.clock.views {absent} to be among science.connectivity.kinds {list(kinds)}"
            )
        return self


Config = TypeVar("Config", bound=StudyConfig)


def load_study(path: str | Path, *, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a study file, its presets and ``--set`` overrides, and check everything at once.

    Parameters
    ----------
    path : str or Path
        YAML file, or the name of a packaged one (``demo``, ``lisa_twin``).
    overrides : sequence of str, default=()
        ``section.key=value``, each parsed as in YAML and validated like the file.

    Returns
    -------
    study : StudyConfig
        With absolute paths.

    Raises
    ------
    ConfigError
        One message with every problem: file, line, key, expected, found.
    """
    return load_config(path, StudyConfig, overrides=overrides)


def load_config(path: str | Path, model: type[Config], *, overrides: Sequence[str] = ()) -> Config:
    """Read a study file into a config type; see `load_study`."""
    path = find_study_file(path)
    values, lines, problems = _merged(path, overrides)
    return _validated(values, path, lines, problems, model=model)


def study_from_mapping(values: Mapping, *, base: str | Path = ".") -> StudyConfig:
    """Build a study from a nested mapping, as the YAML file would; paths relative to `base`."""
    base = Path(base)
    preset = values.get("extends")
    merged = dict(values)
    if preset:
        merged = _overlay(read_yaml(find_study_file(preset)).values, merged)
    return _validated(merged, base / "study.yaml", {}, [])


def find_study_file(name: str | Path) -> Path:
    """Return the file a path or packaged name points to; ConfigError lists the names known."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    packaged = configs_folder() / f"{name}.yaml"
    if packaged.is_file():
        return packaged
    known = ", ".join(sorted(p.stem for p in configs_folder().glob("*.yaml")))
    raise ConfigError(f"{name}: no such study file or preset. Packaged ones: {known}.")


def study_schema() -> dict:
    """Return the JSON schema of a study file, for editors."""
    return StudyConfig.model_json_schema()


def study_template(preset: str) -> str:
    """Return the text of a new study file on a preset."""
    find_study_file(preset)
    text = (configs_folder() / "templates" / "study.yaml").read_text(encoding="utf-8")
    return text.replace("@PRESET@", preset)


def _merged(path: Path, overrides: Sequence[str]) -> tuple[dict, dict, list[str]]:
    parsed = read_yaml(path)
    values, problems = parsed.values, list(parsed.problems)
    sets = {}
    for override in overrides:
        key, found, text = override.partition("=")
        if not found:
            problems.append(f"--set {override}: expected section.key=value, found no '='.")
            continue
        try:
            sets[key.strip()] = parse_value(text, where=f"--set {key.strip()}")
        except ConfigError as error:
            problems.append(str(error))
    preset = sets.pop("extends", values.get("extends"))
    if preset:
        values = _overlay(
            _preset_values(str(preset), path, problems), {**values, "extends": preset}
        )
    for key, value in sets.items():
        _assign(values, key.split("."), value, problems)
    return values, parsed.lines, problems


def _preset_values(name: str, path: Path, problems: list[str], depth: int = 0) -> dict:
    try:
        beside = path.parent / name
        file = beside if beside.is_file() else find_study_file(name)
        parsed = read_yaml(file)
    except ConfigError as error:
        problems.append(f"extends: {error}")
        return {}
    problems.extend(parsed.problems)
    parent = parsed.values.get("extends")
    if parent and depth > 5:
        problems.append(f"{file}: extends: more than five presets upon each other; a circle?")
    elif parent:
        return _overlay(_preset_values(parent, file, problems, depth + 1), parsed.values)
    return parsed.values


def _overlay(below: Mapping, above: Mapping) -> dict:
    merged = copy.deepcopy(dict(below))
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _overlay(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _assign(values: dict, path: list[str], value, problems: list[str]) -> None:
    for part in path[:-1]:
        if values.get(part) is None:
            values[part] = {}
        values = values[part]
        if not isinstance(values, dict):
            problems.append(f"--set {'.'.join(path)}: '{part}' is a value, not a section.")
            return
    values[path[-1]] = value


def _validated(
    values: dict,
    path: Path,
    lines: Mapping,
    problems: list[str],
    *,
    model: type[Config] = StudyConfig,
) -> Config:
    study = None
    try:
        study = model.model_validate(values)
    except ValidationError as error:
        told = {p.split(": ")[1] for p in problems if p.count(": ") >= 2}
        problems += [
            text for text in describe(error, model, where=str(path), lines=lines)
            if text.split(": ")[1] not in told
        ]  # fmt: skip
    if problems:
        shown = "\n".join(f"  - {p}" for p in problems)
        raise ConfigError(f"{path}: {len(problems)} problem(s):\n{shown}")
    return _absolute(study, path.parent.resolve())


def _absolute(study: Config, base: Path) -> Config:
    def fix(value: str | None) -> str | None:
        return None if value is None else str((base / Path(value).expanduser()).resolve())

    def cohort(paths: CohortPaths) -> CohortPaths:
        names = ("scans", "series", "participants", "sessions")
        return paths.model_copy(update={name: fix(getattr(paths, name)) for name in names})

    paths = study.paths
    new = paths.model_copy(update={
        "output": fix(paths.output), "reference": cohort(paths.reference),
        "trial": cohort(paths.trial), "allocation": fix(paths.allocation),
        "clock": fix(paths.clock), "scores": fix(paths.scores),
    })  # fmt: skip
    atlas = study.science.atlas
    atlas = atlas.model_copy(update={"path": fix(atlas.path), "labels": fix(atlas.labels)})
    science = study.science.model_copy(update={"atlas": atlas})
    return study.model_copy(update={"paths": new, "science": science})
