"""Clocks that come with the package: to try scoring before a lab has a reference of its own."""

from __future__ import annotations

from pathlib import Path

from brainage.errors import ClockFileError
from brainage.files import configs_folder
from brainage.wording import did_you_mean


def packaged_clocks() -> dict[str, Path]:
    """Return the packaged clocks, name -> file, in order of their names.

    Examples
    --------
    >>> list(ba.packaged_clocks())
    ['lemon_schaefer200']
    """
    return {path.stem: path for path in sorted((configs_folder() / "clocks").glob("*.clock"))}


def find_clock_file(name: str | Path) -> Path:
    """Return the file that a path, or the name of a packaged clock, points to.

    Raises
    ------
    ClockFileError
        Neither is there.

    Examples
    --------
    >>> ba.find_clock_file("lemon_schaefer200").name
    'lemon_schaefer200.clock'
    """
    path = Path(name)
    if path.exists():
        return path
    packaged = packaged_clocks()
    if str(name) in packaged:
        return packaged[str(name)]
    raise ClockFileError(
        f"{name}: no such clock file.{did_you_mean(str(name), packaged)} Packaged ones: "
        f"{', '.join(packaged) or 'none'}."
    )
