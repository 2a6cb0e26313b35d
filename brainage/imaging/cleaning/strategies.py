"""Named cleaning strategies: data files in ``configs/cleaning``, or one of your own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainage.errors import ConfigError
from brainage.files import configs_folder, read_toml
from brainage.options import fingerprint_of
from brainage.showing import Shown
from brainage.wording import did_you_mean

_KEYS = {"description", "reference", "scrub_fd_mm", "load_confounds", "all_columns"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and int(value) == value


#: What `nilearn.interfaces.fmriprep.load_confounds` takes, but for the file and its form.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "strategy": ("a list of names", lambda value: all(map(_is_text, value))),
    "motion": ("a name such as 'full'", _is_text),
    "scrub": ("a number of volumes", _is_count),
    "fd_threshold": ("millimetres above 0", lambda value: _is_number(value) and value > 0),
    "std_dvars_threshold": ("a number above 0", lambda value: _is_number(value) and value > 0),
    "wm_csf": ("a name such as 'basic'", _is_text),
    "global_signal": ("a name such as 'basic'", _is_text),
    "compcor": ("a name such as 'anat_combined'", _is_text),
    "n_compcor": ("a number, or 'all'", lambda value: value == "all" or _is_count(value)),
    "ica_aroma": ("a name such as 'full'", _is_text),
}
_ARGUMENTS = set(_KINDS)


@dataclass(frozen=True, repr=False)
class Strategy(Shown):
    """Which confounds are regressed out.

    Parameters
    ----------
    name : str
        Of the file.
    description : str
        One line for reports.
    load_confounds : dict
        Arguments of `nilearn.interfaces.fmriprep.load_confounds`; empty: none of its columns.
    all_columns : bool
        Every column of the confounds table is regressed out, whatever it is called.
    scrub_fd_mm : float or None
        Censoring that belongs to the strategy, unless the study names its own threshold.

    Examples
    --------
    >>> ba.load_strategy("24P")
    Strategy
      name: 24P
      description: 24 motion parameters: 6, their derivatives, and the squares of both
      load_confounds: strategy: motion, motion: full
      all_columns: False
      scrub_fd_mm: None
    """

    name: str
    description: str
    load_confounds: dict
    all_columns: bool
    scrub_fd_mm: float | None

    def fingerprint(self) -> str:
        """Return a hash of what the strategy does, whatever its file is called."""
        return fingerprint_of([self.load_confounds, self.all_columns, self.scrub_fd_mm])


def list_strategies() -> list[str]:
    """Return the names of the strategies that come with the package.

    Examples
    --------
    >>> "36P" in ba.list_strategies()
    True
    """
    return sorted(path.stem for path in (configs_folder() / "cleaning").glob("*.toml"))


def load_strategy(name: str) -> Strategy:
    """Read a strategy by name, or from a path that ends in ``.toml``.

    Raises
    ------
    ConfigError
        No such strategy (the known ones are listed), or a file with unknown keys or values of
        the wrong kind.

    Examples
    --------
    >>> ba.load_strategy("36P").name
    '36P'
    """
    if name.endswith(".toml"):
        return _read_strategy(name, Path(name))
    return _known_strategy(name)


# Every scan asks for it; what comes with the package does not change while it runs.
@functools.lru_cache(maxsize=32)
def _known_strategy(name: str) -> Strategy:
    return _read_strategy(name, configs_folder() / "cleaning" / f"{name}.toml")


def _read_strategy(name: str, path: Path) -> Strategy:
    try:
        values = read_toml(path, error=ConfigError)
    except FileNotFoundError:
        known = list_strategies()
        raise ConfigError(
            f"science.cleaning.strategy: no strategy '{name}'.{did_you_mean(name, known)} Known: "
            f"{', '.join(known)}; or give the path of a .toml file."
        ) from None
    _refuse_unknown(path, "keys", values, _KEYS)
    arguments = values.get("load_confounds", {})
    if not isinstance(arguments, dict):
        raise ConfigError(
            f"{path}: load_confounds: expected a table [load_confounds], found {arguments!r}."
        )
    _refuse_unknown(path, "keys in [load_confounds]", arguments, _ARGUMENTS)
    if arguments and not isinstance(arguments.get("strategy"), list):
        raise ConfigError(
            f"{path}: [load_confounds] strategy: expected a list such as "
            f"['motion', 'wm_csf'], found {arguments.get('strategy')!r}."
        )
    _refuse_wrong_kinds(path, arguments)
    threshold_mm = values.get("scrub_fd_mm")
    if threshold_mm is not None and not (_is_number(threshold_mm) and threshold_mm > 0):
        raise ConfigError(
            f"{path}: scrub_fd_mm: expected millimetres above 0, found {threshold_mm!r}."
        )
    all_columns = values.get("all_columns", False)
    if not isinstance(all_columns, bool) or (all_columns and arguments):
        raise ConfigError(
            f"{path}: all_columns: expected true or false, and true only without "
            f"[load_confounds]; found {all_columns!r}."
        )
    description = values.get("description", path.stem)
    for key in ("description", "reference"):
        if not isinstance(values.get(key, ""), str):
            raise ConfigError(f"{path}: {key}: expected text, found {values[key]!r}.")
    return Strategy(path.stem, description, arguments, all_columns, threshold_mm)


def _refuse_wrong_kinds(path: Path, arguments: dict) -> None:
    """Refuse what `load_confounds` would meet hours later, in the first scan."""
    for key, value in arguments.items():
        kind, holds = _KINDS[key]
        if not holds(value):
            raise ConfigError(
                f"{path}: [load_confounds] {key}: expected {kind}, found {str(value)[:60]!r}."
            )


def _refuse_unknown(path: Path, what: str, found: dict, known: set[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise ConfigError(f"{path}: unknown {what}: {unknown}; known: {sorted(known)}.")
