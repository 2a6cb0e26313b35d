"""Pydantic's errors in our words: file, line, key, expected, found, did you mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from brainage.wording import did_you_mean

_EXPECTED = {
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of key to value",
    "model_type": "a section with keys",
    "model_attributes_type": "a section with keys",
    "missing": "a value (it has no default)",
    "int_from_float": "a whole number",
}
_LOOKS_EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+$")


def describe(
    error: ValidationError,
    model: type[BaseModel],
    *,
    where: str,
    lines: Mapping[str, int | None],
) -> list[str]:
    """Return one message per problem.

    Parameters
    ----------
    error : ValidationError
        What pydantic found, all of it.
    model : type
        The outermost options type, for "did you mean".
    where : str
        The file.
    lines : mapping of str to int or None
        Dotted key -> line in the file, None where ``--set`` gave it; a key that is not in it came
        from a preset.
    """
    return [_describe_one(item, model, where, lines) for item in error.errors()]


def _describe_one(
    item: ErrorDetails, model: type[BaseModel], where: str, lines: Mapping[str, int | None]
) -> str:
    path = [str(part) for part in item["loc"]]
    dotted = ".".join(path)
    here = _place(path, where, lines)
    here += f": {dotted}" if dotted else ""
    if item["type"] == "extra_forbidden":
        return f"{here}: unknown key.{_suggest(path, model)}"
    # A rule on a whole section names the keys it is about; the section itself would bury them.
    silent = item["type"] == "missing" or (
        item["type"] == "value_error" and isinstance(item["input"], Mapping | BaseModel)
    )
    found = "" if silent else f", found {_show(item['input'])}"
    return f"{here}: expected {_expected(item)}{found}.{_hint(item)}"


def _place(path: list[str], where: str, lines: Mapping[str, int | None]) -> str:
    for stop in range(len(path), 0, -1):
        if (dotted := ".".join(path[:stop])) in lines:
            line = lines[dotted]
            return "--set" if line is None else f"{where} line {line}"
    return where


def _expected(item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "literal_error":
        return f"one of {context['expected']}"
    if kind == "value_error":
        return str(context.get("error", item["msg"]))
    bounds = {
        "greater_than": "more than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
    }
    if kind in bounds:
        return "a number " + bounds[kind].format(**context)
    return _EXPECTED.get(kind, item["msg"])


def _show(value: object) -> str:
    text = f"the text '{value}'" if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _hint(item: ErrorDetails) -> str:
    value = item.get("input")
    if item["type"] in ("float_type", "int_type") and isinstance(value, str):
        if _LOOKS_EXPONENT.match(value):
            mantissa, exponent = re.split("[eE]", value)
            mantissa = mantissa if "." in mantissa else mantissa + ".0"
            exponent = exponent if exponent[0] in "+-" else "+" + exponent
            return f" YAML reads {value} as text: write {mantissa}e{exponent}."
        return " Remove the quotes if it is a number."
    if item["type"] == "string_type" and isinstance(value, bool | int | float):
        return f' Write it in quotes: "{value}".'
    if item["type"] == "literal_error" and isinstance(value, str):
        names = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        return did_you_mean(value, names)
    return ""


def _suggest(path: list[str], model: type[BaseModel]) -> str:
    owner = _model_at(path[:-1], model)
    if owner is None:
        return ""
    names = list(owner.model_fields)
    return did_you_mean(path[-1], names) or f" Known keys here: {', '.join(names)}."


def _model_at(path: list[str], model: type[BaseModel]) -> type[BaseModel] | None:
    for part in path:
        if part.isdigit():
            continue
        field = model.model_fields.get(part)
        found = _model_in(field.annotation) if field else None
        if found is None:
            return None
        model = found
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if (found := _model_in(argument)) is not None:
            return found
    return None
