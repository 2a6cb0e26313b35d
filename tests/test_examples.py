"""Every public name has an example that runs; every public object fits a screen.

Examples share one namespace: `ba` (brainage), `examples`, `np`, `pd`, `folder` (new and empty),
`written` (what `examples.write_files` wrote) and `derivatives` (what `examples.write_scans` did).
"""

from __future__ import annotations

import builtins
import doctest
import importlib
import inspect
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import brainage
from brainage import examples

ROOMS = (
    "series",
    "tables",
    "connectivity",
    "imaging",
    "clock",
    "trial",
    "synthetic",
    "report",
    "config",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
#: A terminal: characters of a line, and lines.
SCREEN = 110, 40


def public_objects() -> dict[str, object]:
    """Return what `brainage`, its examples and every room's door hold: classes and functions."""
    found = {f"brainage.{name}": getattr(brainage, name) for name in brainage.__all__}
    for room in ROOMS:
        door = importlib.import_module(f"brainage.{room}")
        found |= {f"brainage.{room}.{name}": getattr(door, name) for name in door.__all__}
    for name, value in vars(examples).items():
        if inspect.isfunction(value) and value.__module__ == examples.__name__:
            found[f"brainage.examples.{name}"] = value
        elif hasattr(value, "__wrapped__"):
            found[f"brainage.examples.{name}"] = value.__wrapped__
    return {
        name: value
        for name, value in found.items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and "._" not in name
    }


PUBLIC = public_objects()
#: Each once, under the name of its home.
EXAMPLES = {f"{value.__module__}.{value.__qualname__}": value for value in PUBLIC.values()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return what examples share; costly things are made once."""
    home = tmp_path_factory.mktemp("examples")
    return {
        "ba": brainage,
        "examples": examples,
        "np": np,
        "pd": pd,
        "written": examples.write_files(home / "study"),
        "derivatives": examples.write_scans(home / "scans"),
    }


@pytest.fixture(scope="module")
def seen(shared, tmp_path_factory):
    """Run every example; return the complaints by name, and an instance of each type it made."""
    complaints, made = {}, {}
    for name, value in EXAMPLES.items():
        here = vars(sys.modules[value.__module__]) | shared
        here["folder"] = tmp_path_factory.mktemp("example")
        told: list[str] = []
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        finder = doctest.DocTestFinder(recurse=False)
        for test in finder.find(value, name, globs=here):
            with warnings.catch_warnings():
                # An example shows what a call gives; warnings have tests of their own.
                warnings.simplefilter("ignore")
                runner.run(test, out=told.append, clear_globs=False)
            # What an example shows last is in `_`, as in a session.
            values = [*test.globs.values(), vars(builtins).get("_")]
            made |= {type(each): each for each in values}
        plt.close("all")
        if told:
            complaints[name] = "".join(told)
    return complaints, made


def test_every_public_name_has_an_example():
    without = [name for name, value in EXAMPLES.items() if ">>>" not in (value.__doc__ or "")]
    assert not without


def test_every_example_gives_what_it_says(seen):
    complaints, _ = seen
    assert not complaints, "\n".join(complaints.values())


def test_every_public_object_fits_a_screen_and_has_a_table_for_notebooks(seen):
    _, made = seen
    absent, unfit = [], []
    for value in set(EXAMPLES.values()):
        if not inspect.isclass(value) or issubclass(value, Exception) or inspect.isabstract(value):
            continue
        shown = [each for kind, each in made.items() if issubclass(kind, value)]
        if not shown:
            absent.append(value.__name__)
        elif not fits(shown[0]):
            unfit.append(repr(shown[0])[:2000])
    assert not absent, f"no example holds or last shows one: {absent}"
    assert not unfit, "\n\n".join(unfit)


def fits(value) -> bool:
    """Return whether the text fits a screen, and a notebook gets a table or a page."""
    wide, tall = SCREEN
    lines = repr(value).splitlines()
    as_html = value._repr_html_()
    small = len(lines) <= tall and max(map(len, lines)) <= wide
    return small and ("<table" in as_html or "<div" in as_html)
