"""Which scans were begun and not ended: a process that is killed cannot say which one it was.

A small file is written before a scan and removed after it. Where one is left, its scan may have
killed the process that read it (most often for want of memory): next time it is run by itself, and
what kills its process again becomes one row with a reason.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainage.files import process_is_gone, process_is_here, this_process
from brainage.series import scan_name

ATTEMPTS = "attempts"
#: A scan whose process was killed this often is a failed row.
MOST_ATTEMPTS = 2


@contextlib.contextmanager
def attempt(folder: Path, labels: tuple[str, str, str, str]) -> Iterator[None]:
    """Mark a scan as being at work while the block runs; an exception is no kill."""
    path = _path(folder, labels)
    told = this_process() | {"attempts": str(attempts_of(folder, labels) + 1)}
    try:
        path.write_text(json.dumps(told), encoding="utf-8")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def attempts_of(folder: Path, labels: tuple[str, str, str, str]) -> int:
    """Return how often a scan was begun by processes that did not end it.

    One that a living process of this machine is at counts as none.
    """
    try:
        told: Any = json.loads(_path(folder, labels).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        # Killed while the mark itself was written.
        return 1
    if not isinstance(told, dict) or process_is_here(told):
        return 0
    count = told.get("attempts", "1")
    return int(count) if isinstance(count, str) and count.isdigit() else 1


def give_another_try(folder: Path) -> None:
    """Count scans that ended several processes as having ended one.

    For a new command: who ends a command ends its workers as well, whatever scan they are at. A
    scan is given up by the command in which it ends its worker again.
    """
    for name in begun(folder):
        path = folder / ATTEMPTS / name
        try:
            told: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and told.get("attempts", "1") != "1":
            path.write_text(json.dumps(told | {"attempts": "1"}), encoding="utf-8")


def is_at_work(folder: Path, labels: tuple[str, str, str, str]) -> bool:
    """Return whether a scan is marked by a process that is alive, or that cannot be seen."""
    try:
        told: Any = json.loads(_path(folder, labels).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and not process_is_gone(told)


def forget(folder: Path, labels: tuple[str, str, str, str]) -> None:
    """Remove a scan's mark: what became of it is on record."""
    _path(folder, labels).unlink(missing_ok=True)


def begun(folder: Path) -> set[str]:
    """Return the names of scans that are marked, in one look at the folder."""
    try:
        return set(os.listdir(folder / ATTEMPTS))
    except FileNotFoundError:
        return set()


def _path(folder: Path, labels: tuple[str, str, str, str]) -> Path:
    return folder / ATTEMPTS / scan_name(*labels)
