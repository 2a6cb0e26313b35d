"""Worker processes that do not outlive the command that started them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_WATCH = "brainage: ends with its parent"
_EVERY_S = 1.0


def in_worker(
    parent: int, function: Callable[_P, _R], *arguments: _P.args, **named: _P.kwargs
) -> _R:
    """Call a function in a worker process that ends with the command that started it.

    A command that is killed cannot end its workers: they would wait for work for minutes, holding
    memory. In the parent itself (one job, threads) this only calls the function.

    Parameters
    ----------
    parent : int
        ``os.getpid()`` of the command.
    function : callable
        Of module level, so that it can be sent.
    *arguments, **named
        Its arguments.
    """
    if os.getppid() == parent and _WATCH not in {t.name for t in threading.enumerate()}:
        threading.Thread(target=_watch, args=(parent,), name=_WATCH, daemon=True).start()
    return function(*arguments, **named)


def _watch(parent: int) -> None:
    # An orphan is given another parent.
    while os.getppid() == parent:
        time.sleep(_EVERY_S)
    os._exit(1)
