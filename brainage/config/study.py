"""The study file: sections that mirror the rooms' options types one to one.

``science`` enters every fingerprint; ``paths`` and ``run`` never change a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from brainage.clock import ClockOptions, EvaluationOptions
from brainage.config.loader import parse_value, read_yaml
from brainage.config.made_data import with_made_data
from brainage.config.paths import (
    FILES_OF_ATLAS,
    FILES_OF_COHORT,
    FILES_OF_STUDY,
    PathsSection,
    with_files,
    with_packaged_clock,
)
from brainage.config.presets import default_preset, extends_line, find_study_file, on_preset
from brainage.config.problems import describe
from brainage.config.run import RunSection
from brainage.connectivity import ConnectivityOptions
from brainage.errors import ConfigError
from brainage.files import configs_folder
from brainage.imaging import AtlasOptions, CleaningOptions, ExclusionRules
from brainage.options import Options
from brainage.synthetic import SyntheticOptions
from brainage.trial import TrialOptions
from brainage.wording import printable


class ScienceSection(Options):
    """Every choice that changes a number.

    Parameters
    ----------
    seed : int, default=0
        Of folds, bootstraps and re-randomisation.
    atlas : AtlasOptions
        Which parcellation scans are averaged over.
    cleaning : CleaningOptions
        How parcel signals are cleaned in time.
    exclusion : ExclusionRules
        Which scans are too poor to use.
    connectivity : ConnectivityOptions
        Which features are made of the series.
    clock : ClockOptions
        Which regression, how it is validated, how its gap is freed from age.
    evaluation : EvaluationOptions
        What is tested of the clock beside.
    trial : TrialOptions or None, default=None
        None: a study that ends with a trained clock.

    Examples
    --------
    >>> ScienceSection(seed=1)
    ScienceSection(seed=1)
    """

    seed: int = Field(default=0, ge=0)
    atlas: AtlasOptions = AtlasOptions()
    cleaning: CleaningOptions = CleaningOptions()
    exclusion: ExclusionRules = ExclusionRules()
    connectivity: ConnectivityOptions = ConnectivityOptions()
    clock: ClockOptions = ClockOptions()
    evaluation: EvaluationOptions = EvaluationOptions()
    trial: TrialOptions | None = None


class StudyConfig(Options):
    """One study, as its YAML file says it.

    Parameters
    ----------
    extends : str or None, default=None
        A preset (``recommended``, ``lisa_like``, ...) or another study file; this file's keys go
        on top. None: a study file that chooses no kinds, estimator or views, and trains, extends
        ``recommended`` (with matrices ``recommended_matrices``).
    title : str, default="brain-age study"
        For the report.
    science : ScienceSection
        Every choice that changes a number.
    paths : PathsSection
        Files and folders; they change no number.
    run : RunSection
        How to run; changes no number.
    synthetic : SyntheticOptions or None, default=None
        Make the data first, from these.

    Examples
    --------
    >>> study = ba.load_study("recommended")
    >>> study.science.clock.estimator
    'stacked'
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

    def with_absolute_paths(self, base: Path) -> Self:
        """Return the study with every file and folder absolute, starting at `base`.

        A synthetic study's cohorts are then those that it makes for itself, in ``output/data``.
        """
        paths = with_files(with_packaged_clock(self.paths, base), FILES_OF_STUDY, base)
        paths = paths.model_copy(
            update={
                "reference": with_files(paths.reference, FILES_OF_COHORT, base),
                "trial": with_files(paths.trial, FILES_OF_COHORT, base),
                "external": with_files(paths.external, FILES_OF_COHORT, base),
            }
        )
        cleaning = self.science.cleaning
        if cleaning.strategy.endswith(".toml"):
            cleaning = with_files(cleaning, ("strategy",), base)
        atlas = with_files(self.science.atlas, FILES_OF_ATLAS, base)
        science = self.science.model_copy(update={"atlas": atlas, "cleaning": cleaning})
        study = self.model_copy(update={"paths": paths, "science": science})
        return study.with_data_in(Path(paths.output) / "data")

    def with_data_in(self, folder: Path) -> Self:
        """Return a synthetic study whose data lie in `folder`; any other study as it is."""
        if self.synthetic is None:
            return self
        paths = with_made_data(self.paths, self.synthetic, folder)
        return self.model_copy(update={"paths": paths})


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
        With absolute paths: those of a file relative to it, those of overrides and of a packaged
        file relative to the current folder.

    Raises
    ------
    ConfigError
        One message with every problem: file, line, key, expected, found.

    Examples
    --------
    >>> study = ba.load_study("lisa_like", overrides=["science.seed=7"])
    >>> study.science.seed, study.science.clock.estimator
    (7, 'svr')
    """
    return load_config(path, StudyConfig, overrides=overrides)


def load_config(path: str | Path, model: type[Config], *, overrides: Sequence[str] = ()) -> Config:
    """Read a study file into a config type; see `load_study`."""
    file = find_study_file(path)
    values, lines, problems = _merged(file, overrides)
    # A packaged file lies where nobody's data are: its paths start where the command is given.
    base = file.parent if Path(path) == file else Path.cwd()
    return _validated(values, file, lines, problems, model=model, base=base)


def study_from_mapping(values: Mapping, *, base: str | Path = ".") -> StudyConfig:
    """Build a study from a nested mapping, as the YAML file would; paths relative to `base`.

    Examples
    --------
    >>> values = {"title": "Mine", "paths": {"output": "out"}}
    >>> study = ba.study_from_mapping(values, base=folder)
    >>> study.title, Path(study.paths.output).name
    ('Mine', 'out')
    """
    path = Path(base) / "study.yaml"
    problems: list[str] = []
    merged = on_preset(values, values.get("extends"), path, problems)
    merged = on_preset(merged, default_preset(merged), path, problems)
    return _validated(merged, path, {}, problems, model=StudyConfig)


def study_schema() -> dict:
    """Return the JSON schema of a study file, for editors.

    Examples
    --------
    >>> sorted(study_schema()["properties"])
    ['extends', 'paths', 'run', 'science', 'synthetic', 'title']
    """
    return StudyConfig.model_json_schema()


def study_template(preset: str) -> str:
    """Return the text of a new study file on a preset.

    Examples
    --------
    >>> study_template("recommended").splitlines()[0]
    '# yaml-language-server: $schema=study.schema.json'
    """
    find_study_file(preset)
    text = (configs_folder() / "templates" / "study.yaml").read_text(encoding="utf-8")
    return text.replace("@EXTENDS@", extends_line(preset))


def study_yaml(study: StudyConfig, *, about: Sequence[str] = ()) -> str:
    """Return a study as the text of a study file: its clock, and what differs from the defaults.

    Parameters
    ----------
    study : StudyConfig
        With absolute paths; what it extends is in it already.
    about : sequence of str, default=()
        Lines of comment at the top.

    Examples
    --------
    >>> print(study_yaml(ba.StudyConfig(title="Mine"), about=["by hand"]), end="")
    # by hand
    title: Mine
    science:
      connectivity:
        kinds:
        - fisher_z
      clock:
        estimator: ridge
        views:
        - fisher_z
    """
    values = study.model_dump(mode="json", exclude_defaults=True, exclude={"extends", "sweep"})
    # The clock is written out whatever it is: a file without one would get the default preset's.
    for section, names in (("connectivity", ("kinds",)), ("clock", ("estimator", "views"))):
        chosen = getattr(study.science, section).model_dump(mode="json", include=set(names))
        values.setdefault("science", {}).setdefault(section, {}).update(chosen)
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    comments = [f"# {printable(line)}" for line in about]
    return "\n".join([*comments, body])


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
            value = parse_value(text, where=f"--set {key.strip()}")
            sets[key.strip()] = _from_here(key.strip(), value)
        except ConfigError as error:
            problems.append(str(error))
    preset = sets.pop("extends", values.get("extends"))
    values = on_preset({**values, "extends": preset}, preset, path, problems)
    for key, value in sets.items():
        _assign(values, key.split("."), value, problems)
    values = on_preset(values, default_preset(values), path, problems)
    return values, {**parsed.lines, **dict.fromkeys(sets)}, problems


def _from_here(key: str, value: Any) -> Any:
    """Return an override with its paths absolute: a shell completes them from where it is."""
    if isinstance(value, Mapping):
        return {name: _from_here(f"{key}.{name}", inner) for name, inner in value.items()}
    if isinstance(value, str) and _is_file(key, value):
        try:
            return str(Path.cwd() / Path(value).expanduser())
        except RuntimeError as error:
            raise ConfigError(f"--set {key}: {value!r} is no path here ({error}).") from error
    return value


def _is_file(key: str, value: str) -> bool:
    section, _, name = key.rpartition(".")
    if section == "paths" or section.startswith("paths."):
        return name in FILES_OF_STUDY + FILES_OF_COHORT
    return (section == "science.atlas" and name in FILES_OF_ATLAS) or (
        key == "science.cleaning.strategy" and value.endswith(".toml")
    )


def _assign(values: dict, path: list[str], value: Any, problems: list[str]) -> None:
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
    model: type[Config],
    base: Path | None = None,
) -> Config:
    study: Config | None = None
    try:
        study = model.model_validate(values)
    except ValidationError as error:
        told = {p.split(": ")[1] for p in problems if p.count(": ") >= 2}
        problems += [
            text
            for text in describe(error, model, where=str(path), lines=lines)
            if text.split(": ")[1] not in told
        ]
    if problems or study is None:
        shown = "\n".join(f"  - {p}" for p in problems)
        raise ConfigError(f"{path}: {len(problems)} problem(s):\n{shown}")
    return study.with_absolute_paths((base or path.parent).resolve())
