"""Run damaged inputs in child processes: a crash, a hang or too much memory costs one case.

A case is a number: what it damages follows from the seed and the number alone, so that a fault
can be looked at by itself (``--case``).
"""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from brainage.errors import BrainAgeError

LIMIT_S = 20.0
LIMIT_BYTES = 3 * 2**29
#: Bytes that readers of text stumble over.
SPICE = [b'"', b"\t", b",", b";", b"\n", b"\r\n", b"\r", b"'", b"NA", b"n/a", b"1e9", b"-", b"\0"]
SPICE += [b"\xff", b"\xef\xbb\xbf", b"89+", b"24,5", b" ", b"inf", b"\xc2\xa0", b"\x1b[2J", b"_"]

#: What a leaf of the JSON may become.
_ODD = [None, True, -1, 0, 1, 1e308, -1e308, 2.5, 10**400, "", "x", "\0", "n/a", "1", [], {}]
_ODD += [[1], ["a"], {"a": 1}, [[[]]], "\u202e", "a" * 5000, [0] * 5000]


def mutate(content: bytes, rng: np.random.Generator, spice: Sequence[bytes] = SPICE) -> bytes:
    """Return a file with one to three changes: cut, doubled, moved, spiced, overwritten."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = int(rng.integers(0, len(content) + 1))
        to = min(len(content), at + int(rng.integers(1, 30)))
        pinch = spice[rng.integers(len(spice))]
        content = [
            content[:at],
            content[:at] + content[to:],
            content[:at] + content[at:to] * 2 + content[to:],
            content[:at] + pinch + content[at:],
            content[:at] + pinch + content[at + 1 :],
            content[:at] + bytes([int(rng.integers(256))]) + content[at + 1 :],
            content.replace(b"\n", b"\r\n"),
            content.replace(b".", b",", int(rng.integers(1, 9))),
        ][rng.integers(8)]
        if not content:
            break
    return content


def mutate_values(meta: dict, rng: np.random.Generator) -> dict:
    """Return what JSON holds with one to three values or keys changed."""
    meta = copy.deepcopy(meta)
    for _ in range(rng.choice([1, 1, 2, 3])):
        owner, key = _some_place(meta, rng)
        if owner is None:
            break
        how, value = rng.integers(5), owner[key]
        if how == 0:
            del owner[key]
        elif how == 1 and isinstance(value, int | float) and not isinstance(value, bool):
            factor = float(rng.choice([-1, 0, 0.5, 1.01, 1e3]))
            owner[key] = value * factor if abs(value) < 1e300 else 0
        elif how == 2 and isinstance(value, list):
            owner[key] = value[::-1] if rng.random() < 0.5 else value * 2
        elif how == 3 and isinstance(owner, dict):
            owner[str(key) + "_x"] = value
        else:
            owner[key] = copy.deepcopy(_ODD[rng.integers(len(_ODD))])
    return meta


def _some_place(meta: dict, rng: np.random.Generator) -> tuple[dict | list | None, object]:
    """Return a container and one of its keys, at a random depth."""
    owner, key = None, None
    value: object = meta
    while isinstance(value, dict | list) and value:
        owner = value
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[rng.integers(len(keys))]
        value = value[key]
        if owner is not meta and rng.random() < 0.2:
            break
    return owner, key


class WrongError(Exception):
    """A file was read as what it does not say."""


#: Damages one file and reads it: how it ended ("read", "refused", ...), or an exception. A
#: BrainAgeError counts as refused.
Case = Callable[[Path, np.random.Generator], str]


@dataclass
class Ended:
    """How the cases of one kind ended."""

    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_bytes: int = 0

    def print_lines(self, kind: str, n: int) -> None:
        """Print the counts and every fault."""
        for (name, how), count in sorted(self.counts.items()):
            print(f"{kind:8s} {name:24s} {how:34s} {count}")
        print(
            f"{kind}: {len(self.faults)} faults in {n:,} files; slowest {self.slowest_s:.1f} s, "
            f"most memory {self.peak_bytes / 1e9:.2f} GB"
        )
        for fault in self.faults:
            print(fault)


def run_cases(cases: dict[str, Case], numbers: Sequence[int], *, seed: int) -> Ended:
    """Run each number's case in a child; a child that ends or hangs is a fault, and replaced.

    Parameters
    ----------
    cases : dict of str to callable
        In turn: case number k is of the kind ``k % len(cases)``.
    numbers : sequence of int
        Which.
    seed : int
        With the number it gives the case's random generator.
    """
    ended = Ended()
    child = None
    for number in numbers:
        name = list(cases)[number % len(cases)]
        child = child or _Child(cases, seed)
        outcome = child.run(number)
        if outcome is None:
            how, seconds, peak = child.end(), LIMIT_S, 0
            child = None
        else:
            how, seconds, peak = outcome
        fault = how.startswith("FAULT")
        ended.counts[name, "FAULT" if fault else how] += 1
        if fault:
            ended.faults.append(f"{name} {number} (--case {number}): {how.removeprefix('FAULT ')}")
        ended.slowest_s = max(ended.slowest_s, seconds)
        ended.peak_bytes = max(ended.peak_bytes, peak)
        if peak > LIMIT_BYTES:
            # The next case starts with a peak of its own.
            child.close()
            child = None
    if child is not None:
        child.close()
    return ended


class _Child:
    """A forked process that runs cases by number."""

    def __init__(self, cases: dict[str, Case], seed: int) -> None:
        # Forked: what the cases start from was made once.
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, cases, seed), daemon=True)
        self._process.start()
        other.close()

    def run(self, number: int) -> tuple[str, float, int] | None:
        """Return how it ended, seconds and peak bytes; None where the child hangs or died."""
        self._pipe.send(number)
        if not self._pipe.poll(LIMIT_S):
            return None
        with contextlib.suppress(EOFError):
            return self._pipe.recv()
        return None

    def end(self) -> str:
        self._process.join(0.5)
        code = self._process.exitcode
        if code is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.join()
            return f"FAULT took more than {LIMIT_S:g} s"
        return f"FAULT the process ended with {code}"

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()


def _serve(pipe: Connection, cases: dict[str, Case], seed: int) -> None:
    warnings.simplefilter("ignore")
    _limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        while (number := pipe.recv()) is not None:
            place = Path(folder, str(number))
            place.mkdir()
            started = time.perf_counter()
            how = _one(cases, place, number, seed)
            seconds = time.perf_counter() - started
            peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if peak > LIMIT_BYTES:
                how = f"FAULT {peak / 1e9:.1f} GB of memory"
            pipe.send((how, seconds, peak))
            shutil.rmtree(place)


def _limit_memory() -> None:
    # Address space, not only pages touched: what is asked for counts.
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + LIMIT_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _one(cases: dict[str, Case], place: Path, number: int, seed: int) -> str:
    name = list(cases)[number % len(cases)]
    try:
        return cases[name](place, np.random.default_rng([seed, number]))
    except BrainAgeError:
        return "refused"
    except WrongError as wrong:
        return f"FAULT {wrong}"
    except Exception as error:  # noqa: BLE001 - any other exception is what is sought
        at = error.__traceback__
        while at.tb_next is not None:
            at = at.tb_next
        where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
        return f"FAULT {type(error).__name__} at {where}: {str(error)[:300]}"
