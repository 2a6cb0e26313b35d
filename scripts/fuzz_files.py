"""Damage clock files, images and texts; each is read as it then stands, or refused in words.

Every case runs in a child process: an exception that is no `BrainAgeError`, a process that ends, a
file that takes more than 20 s or asks for more than 1.5 GB, and a number that the file does not
say are faults. What each kind counts as right stands in its module.

    python scripts/fuzz_files.py                      # 3,000 clocks, 1,200 images, 500 texts
    python scripts/fuzz_files.py images --n 100
    python scripts/fuzz_files.py clocks --case 1234
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from fuzz_children import Case, Ended, run_cases
from fuzz_clocks import clock_cases
from fuzz_images import image_cases
from fuzz_texts import text_cases

KINDS: dict[str, tuple[int, Callable[[Path], dict[str, Case]]]] = {
    "clocks": (3000, clock_cases),
    "images": (1200, image_cases),
    "texts": (500, text_cases),
}


def fuzz(kind: str, n: int, *, seed: int = 0, case: int | None = None) -> Ended:
    """Run `n` damaged files of a kind, or one case alone."""
    numbers = range(n) if case is None else [case]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        return run_cases(KINDS[kind][1](Path(folder)), numbers, seed=seed)


def main() -> int:
    """Run the kinds asked for; print the counts and every fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="{clocks,images,texts}")
    parser.add_argument("--n", type=int, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="one case alone")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"{', '.join(sorted(unknown))}: expected some of {', '.join(KINDS)}")
    faults = 0
    for kind in options.kinds or KINDS:
        n = options.n or KINDS[kind][0]
        started = time.perf_counter()
        ended = fuzz(kind, n, seed=options.seed, case=options.case)
        ended.print_lines(kind, n if options.case is None else 1)
        print(f"{kind}: {time.perf_counter() - started:.0f} s", flush=True)
        faults += len(ended.faults)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
