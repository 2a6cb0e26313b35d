"""Images damaged at random are what the damaged file says, or one clear error.

A small part of what `scripts/fuzz_files.py` runs.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import BrainAgeError

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        found = importlib.import_module("fuzz_images").image_cases(tmp_path_factory.mktemp("whole"))
    for name in ("fuzz_images", "fuzz_children"):
        sys.modules.pop(name)
    return found


def test_damaged_images_are_read_as_they_stand_or_refused(cases, tmp_path):
    ended = Counter()
    for number in range(108):
        name = list(cases)[number % len(cases)]
        place = tmp_path / str(number)
        place.mkdir()
        try:
            # Other numbers than nibabel's and plain means are a WrongError, which fails here.
            ended[cases[name](place, np.random.default_rng([7, number]))] += 1
        except BrainAgeError:
            ended["refused"] += 1
    # Enough of each end that the test could fail.
    read = ended["the undamaged series"], ended["other numbers, as the file says"]
    assert min(*read, ended["refused"]) >= 15
