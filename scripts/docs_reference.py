"""Writes the reference pages of the documentation: every key, every verb, every public name.

Made from the options' docstrings, the command line's own parser and the package's public names,
so that a page cannot say otherwise than the code. `scripts/docs` runs it before Sphinx.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

import brainage
from brainage.cli.parser import build_parser
from brainage.config import StudyConfig, SweepConfig
from brainage.options import key_descriptions

PROJECT = Path(__file__).resolve().parent.parent
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
GENERATED = "<!-- Made by scripts/docs_reference.py; do not edit. -->\n\n"


def sections(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each section's dotted name and type, outermost first."""
    yield prefix, model
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            listed = "[]" if _is_list(field.annotation) else ""
            yield from sections(inner, f"{prefix}.{name}{listed}".lstrip("."))


def _model_in(annotation) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _is_list(annotation) -> bool:
    return "tuple" in str(annotation) or "list" in str(annotation)


def config_page() -> str:
    """Return the page of every key of a study file."""
    lines = [
        "# Every key of a study file",
        "",
        "A study file is YAML. Sections mirror the package's options one to one; an unknown key "
        'is refused with "did you mean". `--set section.key=value` changes any key on the command '
        "line. `science` enters every fingerprint; `paths` and `run` never change a number.",
        "",
    ]
    models = [
        *sections(StudyConfig),
        *((n, m) for n, m in sections(SweepConfig) if n[:5] == "sweep"),
    ]
    for prefix, model in models:
        lines += [f"## `{prefix}`" if prefix else "## The file itself", ""]
        lines += [_first_line(model), ""]
        told = key_descriptions(model)
        for name, field in model.model_fields.items():
            lines += [f"`{name}`", f": {told[name]} {_default(field)}", ""]
    return "\n".join(lines)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _default(field) -> str:
    if field.default is PydanticUndefined:
        return "*Has no default.*"
    if isinstance(field.default, BaseModel):
        return "*A section of its own, below.*"
    default = json.dumps(to_jsonable_python(field.default), ensure_ascii=False)
    return f"*{_allowed(field.annotation)}Default: `{default}`.*"


def _allowed(annotation) -> str:
    """Return "One of ..." for a key with a closed list of values."""
    values = [value for part in _parts(annotation) for value in _literals(part)]
    return f"One of {', '.join(f'`{value}`' for value in values)}. " if values else ""


def _parts(annotation) -> tuple:
    return (
        (annotation, *get_args(annotation))
        if get_origin(annotation) is not Literal
        else (annotation,)
    )


def _literals(annotation) -> tuple:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def verbs_page() -> str:
    """Return the page of every verb, as its own help has it."""
    lines = ["# Every verb", "", "The same text as `brainage VERB --help`.", ""]
    verbs = next(
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for name, parser in verbs.items():
        parser.formatter_class = _wide
        lines += [f"## {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _wide(prog: str) -> argparse.RawDescriptionHelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=88)


def api_page() -> str:
    """Return the page of every public name."""
    lines = [
        "# Every public function and type",
        "",
        "`import brainage as ba`. Names load on first use.",
        "",
    ]
    for name in brainage.__all__:
        if name.startswith("__"):
            continue
        thing = getattr(brainage, name)
        if not callable(thing):
            # A module of examples, or a record to look things up in.
            what = _first_line(thing) if inspect.ismodule(thing) else f"A {type(thing).__name__}."
            lines += [f"## {name}", "", what, ""]
            continue
        kind = "autoclass" if isinstance(thing, type) else "autofunction"
        options = "\n   :no-index-entry:" if kind == "autofunction" else ""
        lines += [
            f"## {name}",
            "",
            "```{eval-rst}",
            f".. {kind}:: brainage.{name}{options}",
            "```",
            "",
        ]
    return "\n".join(lines)


def doors_page() -> str:
    """Return the page of what each room's door has beside `brainage` itself."""
    lines = [
        "# Every room's door",
        "",
        "What `import brainage` does not name is entered through its room, for example "
        "`from brainage.trial import TrialResult`. The first line of each docstring; "
        "`help(name)` in Python has the rest.",
        "",
    ]
    for room in ROOMS:
        door = importlib.import_module(f"brainage.{room}")
        lines += [f"## brainage.{room}", ""]
        for name in sorted(set(door.__all__) - set(brainage.__all__), key=str.lower):
            thing = getattr(door, name)
            # Constants and names of types ("FigureFile") are no doors to anything.
            if (inspect.isfunction(thing) or isinstance(thing, type)) and thing.__doc__:
                lines += [f"`{name}{_signature(thing)}`", f": {_first_line(thing)}", ""]
    return "\n".join(lines)


def _signature(thing: object) -> str:
    """Return a function's parameters by name; a type has its own documentation."""
    if isinstance(thing, type):
        return ""
    names = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(parameter.name)
    return f"({', '.join(names)})"


def main() -> int:
    """Write the four pages."""
    folder = PROJECT / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (
        ("config", config_page),
        ("verbs", verbs_page),
        ("api", api_page),
        ("doors", doors_page),
    ):
        with contextlib.redirect_stdout(io.StringIO()):
            text = make()
        (folder / f"{name}.md").write_text(GENERATED + text, encoding="utf-8")
        print(f"wrote docs/reference/{name}.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
