"""Documented defaults equal the code's: the docstring of every public name is checked."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest
from pydantic import BaseModel

import brainage

ROOMS = (
    "imaging",
    "connectivity",
    "clock",
    "trial",
    "synthetic",
    "report",
    "config",
    "series",
    "stages",
    "tables",
    "files",
    "options",
)
DEFAULT = re.compile(r"^(?P<names>[\w, ]+) : .*?,? ?default=(?P<default>.+?)\s*$")


def public_objects():
    seen = {}
    for room in ROOMS:
        module = importlib.import_module(f"brainage.{room}")
        modules = [module]
        if hasattr(module, "__path__"):
            modules += [
                importlib.import_module(info.name)
                for info in pkgutil.walk_packages(module.__path__, f"brainage.{room}.")
            ]
        for inner in modules:
            for name, value in vars(inner).items():
                ours = getattr(value, "__module__", "").startswith("brainage.")
                if ours and not name.startswith("_") and callable(value):
                    seen[f"{value.__module__}.{value.__qualname__}"] = value
    return seen


OBJECTS = public_objects()


def documented_defaults(value):
    for line in (inspect.getdoc(value) or "").splitlines():
        if match := DEFAULT.match(line):
            for name in match["names"].split(","):
                yield name.strip(), match["default"]


def actual_default(value, name):
    if inspect.isclass(value) and issubclass(value, BaseModel):
        field = value.model_fields.get(name)
        return (
            inspect.Parameter.empty
            if field is None
            else field.get_default(call_default_factory=True)
        )
    try:
        parameter = inspect.signature(value).parameters.get(name)
    except ValueError:
        return inspect.Parameter.empty
    return inspect.Parameter.empty if parameter is None else parameter.default


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_documented_defaults_are_the_codes(name):
    value = OBJECTS[name]
    for parameter, documented in documented_defaults(value):
        actual = actual_default(value, parameter)
        assert actual is not inspect.Parameter.empty, f"{name}: no parameter {parameter}"
        shown = documented.strip("`")
        name_of = getattr(actual, "__name__", "")
        said = {repr(actual), repr(actual).strip("'"), str(actual), name_of}
        assert shown.strip("\"'") in said or (_same_value(shown, actual)), (
            f"{name}.{parameter}: documented {shown}, code has {actual!r}"
        )


def _same_value(text, actual):
    import ast

    try:
        return ast.literal_eval(text) == actual
    except (ValueError, SyntaxError):
        return False


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_public_name_says_what_it_is(name):
    assert inspect.getdoc(OBJECTS[name]), f"{name} has no docstring"


def test_the_lazy_names_are_the_rooms_own():
    for name in brainage.__all__:
        getattr(brainage, name)
