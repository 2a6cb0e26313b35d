"""SIGTERM ends a command as Ctrl-C does, with its workers, and is told from it by exit code 143."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """SIGTERM came: a batch system or a person ends this command."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` in the main thread when SIGTERM comes within the block."""
    # Elsewhere than in the main thread Python takes no signal handlers.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        # A second one must not disturb the clearing up of the first.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end_workers() -> None:
    """End the processes that joblib started for this command, without waiting for their work."""
    with contextlib.suppress(ImportError):
        from joblib.externals.loky import reusable_executor

        # Asking loky for its executor would start one where there is none.
        executor = getattr(reusable_executor, "_executor", None)
        if executor is not None:
            executor.shutdown(wait=False, kill_workers=True)
