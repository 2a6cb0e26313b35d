"""Named cleaning strategies: data files in ``configs/cleaning``, or one of your own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from brainage.errors import ConfigError
from brainage.files import configs_folder
from brainage.options import fingerprint_of

_KEYS = {"description", "scrub_fd_mm", "load_confounds", "motion_table"}


@dataclass(frozen=True)
class Strategy:
    """Which confounds are regressed out.

    Parameters
    ----------
    name : str
        Of the file.
    description : str
        One line for reports.
    load_confounds : dict
        Arguments of `nilearn.interfaces.fmriprep.load_confounds`; empty: no fMRIPrep columns.
    motion_parameters : int
        0, 6 or 24 made of a plain motion table; -1: the strategy needs fMRIPrep's table.
    scrub_fd_mm : float or None
        Censoring that belongs to the strategy.
    """

    name: str
    description: str
    load_confounds: dict
    motion_parameters: int
    scrub_fd_mm: float | None

    def fingerprint(self) -> str:
        """Return a hash of what the strategy does, whatever its file is called."""
        return fingerprint_of([self.load_confounds, self.motion_parameters, self.scrub_fd_mm])


def load_strategy(name: str) -> Strategy:
    """Read a strategy by name, or from a path that ends in ``.toml``.

    Raises
    ------
    ConfigError
        No such strategy (the known ones are listed), or a file with unknown keys.
    """
    folder = configs_folder() / "cleaning"
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise ConfigError(f"science.cleaning.strategy: no strategy '{name}'. Known: {known}; or "
                          "give the path of a .toml file.") from None  # fmt: skip
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from error
    unknown = sorted(set(values) - _KEYS)
    if unknown:
        raise ConfigError(f"{path}: unknown keys {unknown}; known: {sorted(_KEYS)}.")
    arguments = values.get("load_confounds", {})
    default = -1 if arguments else 0
    return Strategy(
        path.stem, values.get("description", path.stem), arguments,
        int(values.get("motion_table", {}).get("parameters", default)), values.get("scrub_fd_mm"),
    )  # fmt: skip
