"""The parent of every options type: strict, frozen, and with a fingerprint.

Options types live in the room whose choices they hold; ``brainage.config`` puts them together.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from brainage.showing import LINE, as_lines, as_table, in_brief

_T = TypeVar("_T")

#: A tuple that a YAML list may fill: strict about its items, lenient about the list.
Listed = Annotated[tuple[_T, ...], Field(strict=False)]


class Options(BaseModel):
    """A frozen set of choices that refuses unknown keys and never guesses a type.

    Strict: the text ``"1e-3"`` is not a number and the number 7 is not a participant id, so a
    YAML surprise is an error and not another analysis.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        validate_default=True,
        json_schema_extra=lambda schema, model: _describe(schema, model),
    )

    def fingerprint(self) -> str:
        """Return a short hash of every value, equal for equal choices."""
        return fingerprint_of(self.model_dump(mode="json"))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Yield what differs from the defaults; all of it would fill a window."""
        for name, value in super().__repr_args__():
            field = type(self).model_fields.get(name or "")
            if field is None or value != field.get_default(call_default_factory=True):
                yield name, value

    def __repr__(self) -> str:
        """Return a line as one would write it, or a line a key where that is too long."""
        line = super().__repr__()
        if len(line) <= LINE:
            return line
        given = [(name or "", in_brief(value)) for name, value in self.__repr_args__()]
        return as_lines(type(self).__name__, given)

    def _repr_html_(self) -> str:
        """Return every choice as a table, for notebooks."""
        return as_table((name, in_brief(value)) for name, value in self)


def key_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return what each key of an options type means, from the Parameters of its docstring.

    One place for both: the docstring that Python shows is the description that the schema and the
    reference pages have.

    Parameters
    ----------
    model : type
        An options type; keys that it inherits are described by its parents.

    Returns
    -------
    descriptions : dict of str to str
        Key -> one paragraph.
    """
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if isinstance(each, type) and issubclass(each, BaseModel):
            found |= _parameters(inspect.cleandoc(each.__doc__ or ""))
    return {name: found[name] for name in model.model_fields if name in found}


def _parameters(doc: str) -> dict[str, str]:
    """Return name -> text of the Parameters section of a numpydoc docstring."""
    _, found, section = doc.partition("Parameters\n----------\n")
    entries: dict[str, list[str]] = {}
    names: list[str] = []
    for line in section.splitlines() if found else ():
        if line and not line.startswith(" "):
            head, typed, _ = line.partition(" : ")
            # An underlined heading ends the section.
            if not typed:
                break
            names = [name.strip() for name in head.split(",")]
            entries |= {name: [] for name in names}
        else:
            for name in names:
                entries[name].append(line.strip())
    return {name: " ".join(" ".join(lines).split()) for name, lines in entries.items()}


def _describe(schema: dict, model: type[BaseModel]) -> None:
    for name, words in key_descriptions(model).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = words


def fingerprint_of(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a JSON-able value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
