"""One writer a stage folder: a second command is told of the first, a dead one's lock is free.

The lock is the operating system's (``flock``), so that a holder that was killed holds nothing: no
process number is compared, and none that was given out again can be mistaken. What stands in the
file is only for the message. Where a file system has no such locks (some cluster mounts), the
file itself is the lock, and a holder that cannot be seen from here keeps it for a day.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from brainage.errors import StageError
from brainage.files import process_is_gone, this_process

LOCK = ".lock"
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_FORGOTTEN_S = 86_400.0
_TRIES = 50


@contextlib.contextmanager
def stage_lock(folder: str | Path, stage: str) -> Iterator[None]:
    """Hold a stage's folder while it is written.

    Parameters
    ----------
    folder : str or Path
        The stage's folder; made if absent.
    stage : str
        For the message.

    Raises
    ------
    StageError
        Another command writes the folder (host, process, since when), or nothing can be written
        there.
    """
    path = Path(folder, LOCK)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _taken(path, stage)
    except OSError as error:
        raise StageError(
            f"{folder}: cannot be written ({error.strerror or error}). Free space or mend its "
            "rights, or choose another paths.output."
        ) from error
    try:
        yield
    finally:
        # First the name, then the lock: who opened the old file finds that it has no name.
        path.unlink(missing_ok=True)
        os.close(handle)


def _taken(path: Path, stage: str) -> int:
    for _ in range(_TRIES):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if _holds(path, stage, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    raise StageError(f"{path}: cannot be held; other commands take it again and again. Try later.")


def _holds(path: Path, stage: str, handle: int) -> bool:
    """Lock an open file and say who holds it; False where it has lost its name meanwhile."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError(_busy(path, stage, handle)) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
        if not _is_free_without_flock(path, handle):
            raise StageError(_busy(path, stage, handle)) from None
    if not _has_this_name(handle, path):
        # The holder before removed the file between our opening and our locking it.
        return False
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(_holder(stage)).encode(), 0)
    return True


def _has_this_name(handle: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _holder(stage: str) -> dict[str, str]:
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return this_process() | {"stage": stage, "since": since}


def _read(handle: int) -> dict:
    with contextlib.suppress(ValueError, OSError):
        told = json.loads(os.pread(handle, 10_000, 0).decode("utf-8"))
        if isinstance(told, dict):
            return told
    return {}


def _is_free_without_flock(path: Path, handle: int) -> bool:
    told = _read(handle)
    if not told:
        return True
    if process_is_gone(told):
        return True
    return time.time() - path.stat().st_mtime > _FORGOTTEN_S


def _busy(path: Path, stage: str, handle: int) -> str:
    told = _read(handle)
    who = (
        f"`brainage {told.get('stage', stage)}` on {told.get('host')}, process {told.get('pid')}, "
        f"since {told.get('since')}"
        if told
        else "another command"
    )
    return (
        f"{path.parent}: is being written by {who}. Wait for it to end, or give this command "
        "another paths.output."
    )
