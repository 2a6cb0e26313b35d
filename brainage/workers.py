"""Worker processes that do not outlive the command that started them."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import joblib

# joblib has no public name for the class of its own processes.
from joblib._parallel_backends import LokyBackend
from joblib.parallel import get_active_backend

_EVERY_S = 1.0


def processes(n_jobs: int, **named: Any) -> joblib.Parallel:
    """Return joblib's pool of processes, each of which ends with this command.

    A command that is killed cannot end its workers: those of joblib would wait for work for
    minutes, holding memory. In the place of processes a caller's `joblib.parallel_config` may
    name another backend.

    Parameters
    ----------
    n_jobs : int
        Processes; with 1 the calls run in this one.
    **named
        As for `joblib.Parallel`.
    """
    if isinstance(get_active_backend()[0], LokyBackend):
        named["backend"] = _Watched()
    return joblib.Parallel(n_jobs=n_jobs, **named)


class _Watched(LokyBackend):
    """Processes that look at their parent, from the first moment and whether they work or wait."""

    def configure(self, *arguments: Any, **named: Any) -> int:
        return super().configure(
            *arguments, initializer=_start_watch, initargs=(os.getpid(),), **named
        )


def _start_watch(parent: int) -> None:
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    # An orphan is given another parent.
    while os.getppid() == parent:
        time.sleep(_EVERY_S)
    os._exit(1)
