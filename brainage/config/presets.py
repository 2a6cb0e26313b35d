"""Presets: finding them, laying a study on one, and the one of a study that names none."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainage.config.loader import read_yaml
from brainage.errors import ConfigError
from brainage.files import configs_folder
from brainage.wording import did_you_mean

DEFAULT = "recommended"
DEFAULT_OF_MATRICES = "recommended_matrices"
#: Any of these is a choice of clock, which nothing of the default is mixed into.
_CHOICES = (
    ("science", "connectivity", "kinds"),
    ("science", "clock", "estimator"),
    ("science", "clock", "views"),
)
_COHORTS = ("reference", "trial", "external")


def default_preset(values: Mapping[str, Any]) -> str | None:
    """Return the preset of a study that says nothing of its clock; None where it needs none.

    Parameters
    ----------
    values : mapping
        Of the file, what it extends and what overrides it, as read: not yet checked.

    Returns
    -------
    preset : str or None
        "recommended"; of matrices "recommended_matrices". None where kinds, estimator or views
        are chosen, and where nothing is trained: a clock was lent, or scores are all there is.

    Examples
    --------
    >>> default_preset({"title": "mine"})
    'recommended'
    >>> default_preset({"paths": {"reference": {"matrices": "m"}}})
    'recommended_matrices'
    >>> default_preset({"science": {"clock": {"estimator": "svr"}}}) is None
    True
    """
    if any(_at(values, path) is not None for path in _CHOICES):
        return None
    trains = values.get("synthetic") is not None or _at(values, ("paths", "reference")) is not None
    if _at(values, ("paths", "clock")) is not None:
        return None
    if _at(values, ("paths", "scores")) is not None and not trains:
        return None
    of_matrices = any(_at(values, ("paths", name, "matrices")) is not None for name in _COHORTS)
    return DEFAULT_OF_MATRICES if of_matrices else DEFAULT


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(values, Mapping):
            return None
        values = values.get(name)
    return values


def extends_line(preset: str) -> str:
    """Return the line by which a new study file rests on a preset.

    What speaks against the default stands where it is chosen.

    Examples
    --------
    >>> extends_line("lisa_like")
    'extends: lisa_like'
    """
    plainer = (
        "   # or fisher_z_ridge, where scanners change between visits or an arm may lose more"
        " of its scans"
    )
    return f"extends: {preset}" + (plainer if preset.startswith(DEFAULT) else "")


def find_study_file(name: str | Path) -> Path:
    """Return the file a path or packaged name points to; ConfigError lists the names known.

    Examples
    --------
    >>> find_study_file("recommended").name
    'recommended.yaml'
    >>> find_study_file("recomended")
    Traceback (most recent call last):
        ...
    brainage.errors.ConfigError: recomended: no such study file or preset. Did you mean ...
    """
    path = Path(name)
    # A folder may be called like a preset: `brainage demo` itself makes one.
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    packaged = configs_folder() / f"{name}.yaml"
    if packaged.is_file():
        return packaged
    if path.is_dir():
        return path
    known = sorted(p.stem for p in configs_folder().glob("*.yaml"))
    raise ConfigError(
        f"{name}: no such study file or preset.{did_you_mean(str(name), known)} Packaged ones: "
        f"{', '.join(known)}."
    )


def on_preset(values: Mapping[str, Any], preset: Any, path: Path, problems: list[str]) -> dict:
    """Lay a study's values on those of a preset.

    Parameters
    ----------
    values : mapping
        Of the study, as read.
    preset : str or None
        Name or file; None: nothing lies below.
    path : Path
        Of the study; files beside it come before packaged names.
    problems : list of str
        Receives what is wrong with the preset.

    Examples
    --------
    >>> on_preset({"title": "mine"}, "lisa_like", Path("study.yaml"), [])["extends"]
    'lisa_like'
    """
    if not preset:
        return dict(values)
    named = {**values, "extends": values.get("extends") or preset}
    return _overlay(_preset_values(str(preset), path, problems), named)


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
    if parent and not isinstance(parent, str):
        problems.append(
            f"{file}: extends: expected one name or file, found {type(parent).__name__}."
        )
    elif parent and depth > 5:
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
