"""The command line: the only place that prints, and the only exit codes.

0 done; 1 done, but some scans failed; 2 bad input or config; 70 a bug of ours; 130 interrupted
(Ctrl-C), 143 terminated (SIGTERM). Nothing heavy is imported before a verb runs, so that
``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import io
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from brainage.cli.parser import build_parser, parse
from brainage.cli.termination import Terminated, end_workers, terminable
from brainage.errors import BrainAgeError, BrainAgeWarning
from brainage.wording import printable

if TYPE_CHECKING:
    from brainage.cli.screen import Screen

__all__ = ["build_parser", "main", "say"]

#: Faults of a disk or of permissions, which no report to us would mend.
_THE_MACHINES = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EMFILE,
}
DONE, SOME_FAILED, BAD_INPUT, BUG, INTERRUPTED, TERMINATED = 0, 1, 2, 70, 130, 143
_KEPT = "what is done is kept, the same command goes on from here."


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        Arguments after the program's name; default ``sys.argv[1:]``.

    Returns
    -------
    exit_code : int
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no "±" still gets the rest of the line.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = parse(argv)
    if arguments.verb is None:
        build_parser().print_help()
        return BAD_INPUT
    try:
        with terminable():
            return _run(arguments)
    except Terminated:
        # No wait for what the workers are at: their files are written whole or not at all.
        end_workers()
        say(f"\nterminated; {_KEPT}")
        return TERMINATED


def _run(arguments: argparse.Namespace) -> int:
    from brainage.cli import verbs
    from brainage.cli.screen import Screen

    screen = Screen(
        quiet=getattr(arguments, "quiet", False),
        as_json=getattr(arguments, "json", False),
        verbose=getattr(arguments, "verbose", False),
    )
    try:
        with _plain_warnings(screen):
            return verbs.VERBS[arguments.verb](arguments, screen)
    except BrainAgeError as error:
        if screen.verbose:
            traceback.print_exc()
        say(f"brainage {arguments.verb}: {error}")
        return BAD_INPUT
    except KeyboardInterrupt:
        end_workers()
        say(f"\ninterrupted; {_KEPT}")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; that is no failure of the work.
        sys.stderr.close()
        return DONE
    except OSError as error:
        if error.errno not in _THE_MACHINES:
            return _bug()
        say(
            f"brainage {arguments.verb}: {error.filename or 'a file'}: {error.strerror}. What is "
            "done is kept; mend this and give the same command again."
        )
        return BAD_INPUT
    except Exception:  # noqa: BLE001 - the outermost frame: the traceback is shown, not hidden
        return _bug()


@contextmanager
def _plain_warnings(screen: Screen) -> Iterator[None]:
    """Print each of our warnings once, as a sentence; those of libraries as they are."""
    with warnings.catch_warnings():
        before, said = warnings.showwarning, set()

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            text = str(message)
            if category is not BrainAgeWarning:
                before(message, category, filename, lineno, file, line)
            elif text not in said:
                said.add(text)
                screen.warning(text)

        warnings.showwarning = show
        warnings.simplefilter("always", BrainAgeWarning)
        yield


def say(text: str) -> None:
    """Print to standard error, what cannot be seen written out."""
    print(printable(text, keep="\n"), file=sys.stderr)


def _bug() -> int:
    traceback.print_exc()
    print(
        "brainage: this is a bug of brainage, not of your data. Please report the lines above.",
        file=sys.stderr,
    )
    return BUG
