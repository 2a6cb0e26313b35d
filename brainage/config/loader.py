"""YAML without surprises: what PyYAML would silently turn into something else is refused.

PyYAML follows YAML 1.1, in which ``no`` is False, ``010`` is 8, ``1:30`` is 90 and ``1e-3`` is
text. The first three are refused here with the line they stand on; the last meets the options'
strict types and is explained there. A file that is made to exhaust a reader (aliases of aliases, an
alias of itself, brackets without end, tags that build Python objects) is refused before it is
built.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from brainage.errors import ConfigError

_OCTAL = re.compile(r"[-+]?0[0-9_]+$")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
_PLAIN_TRUTH = {"true", "false", "True", "False", "TRUE", "FALSE"}
#: What YAML itself knows; any other tag asks a reader to build something of its own.
_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
}
#: No study file comes near these; more is refused before it costs time or memory.
_MOST_BYTES = 1_000_000
_DEEPEST = 40
_MOST_VALUES = 20_000
_MOST_DIGITS = 18
#: Characters that no path, name or title may hold: NUL and other controls, halves of characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass
class YamlText:
    """A parsed YAML mapping with the line of each dotted key."""

    values: dict
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    n_values: int = 0


def parse_yaml(text: str, *, where: str) -> YamlText:
    """Parse one YAML document.

    Parameters
    ----------
    text : str
        The document.
    where : str
        The file, for messages.

    Returns
    -------
    parsed : YamlText
        With `problems` already holding what PyYAML would have read as something else.

    Raises
    ------
    ConfigError
        The text is not YAML, or not a mapping.
    """
    try:
        _refuse_depth(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}," if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{where}:{line} expected YAML, found: {problem}.") from error
    if node is None:
        return YamlText({})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{where}: expected sections such as 'science:', found a {node.id}.")
    parsed = YamlText({})
    parsed.values = _construct(node, "", parsed, where)
    return parsed


def read_yaml(path: str | Path) -> YamlText:
    """Read and parse a YAML file; ConfigError where it cannot be read."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            kind = "folder" if path.is_dir() else "device"
            raise ConfigError(f"{path}: expected a YAML file, found a {kind}.")
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise ConfigError(f"{path}: expected a study file, found {size / 1e6:.0f} MB.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. `brainage init` writes one.") from None
    # A NUL in a path is a ValueError, and so is text that is not UTF-8.
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(path)!r}: cannot be read ({error}).") from error
    return parse_yaml(text, where=str(path))


def parse_value(text: str, *, where: str) -> Any:
    """Parse the right-hand side of ``--set key=value`` as YAML would be in a file."""
    parsed = parse_yaml(f"value: {text}", where=where)
    if parsed.problems:
        raise ConfigError("\n".join(parsed.problems))
    if set(parsed.values) != {"value"}:
        raise ConfigError(f"{where}: expected one value, found several lines.")
    return parsed.values["value"]


def _refuse_depth(text: str, where: str) -> None:
    """Refuse brackets without end while they are read: building them would overflow the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ConfigError(
                f"{where} line {event.start_mark.line + 1}: expected at most {_DEEPEST} levels of "
                "sections and lists, found more."
            )


def _construct(node: yaml.Node, key: str, parsed: YamlText, where: str, within: tuple = ()) -> Any:
    line = node.start_mark.line + 1
    parsed.lines[key] = line
    parsed.n_values += 1
    if parsed.n_values > _MOST_VALUES:
        raise ConfigError(
            f"{where} line {line}: expected at most {_MOST_VALUES:,} values, found more "
            "(aliases of aliases?)."
        )
    own = {yaml.MappingNode: ":map", yaml.SequenceNode: ":seq"}.get(type(node), "")
    if node.tag not in _TAGS or not node.tag.endswith(own):
        parsed.problems.append(
            f"{where} line {line}: {key}: expected a plain value, found the tag {node.tag!r}."
        )
        return None
    if id(node) in within:
        raise ConfigError(f"{where} line {line}: {key}: an alias of itself (&, *) never ends.")
    within = (*within, id(node))
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, key, parsed, where, within)
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(item, f"{key}.{i}" if key else str(i), parsed, where, within)
            for i, item in enumerate(node.value)
        ]
    return _construct_scalar(node, key, parsed, where)


def _construct_mapping(
    node: yaml.MappingNode, key: str, parsed: YamlText, where: str, within: tuple
) -> dict:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        name = key_node.value
        if not isinstance(name, str) or key_node.tag not in _TAGS or _UNWRITABLE.search(name):
            parsed.problems.append(
                f"{where} line {key_node.start_mark.line + 1}: expected a plain "
                "key, found a list, a mapping, a tag or characters that cannot be shown."
            )
            continue
        dotted = f"{key}.{name}" if key else name
        if name in values:
            parsed.problems.append(
                f"{where} line {key_node.start_mark.line + 1}: {dotted} stands "
                f"twice (first on line {parsed.lines[dotted]}); keep one."
            )
        values[name] = _construct(value_node, dotted, parsed, where, within)
        parsed.lines[dotted] = key_node.start_mark.line + 1
    return values


def _construct_scalar(node: yaml.ScalarNode, key: str, parsed: YamlText, where: str) -> Any:
    here = f"{where} line {node.start_mark.line + 1}: {key}"
    plain = node.style is None
    if plain and node.tag == "tag:yaml.org,2002:bool" and node.value not in _PLAIN_TRUTH:
        parsed.problems.append(
            f"{here}: YAML reads {node.value} as a truth value; write true or "
            f'false, or "{node.value}" if it is text.'
        )
        return node.value
    if plain and node.tag == "tag:yaml.org,2002:int" and _OCTAL.match(node.value):
        parsed.problems.append(
            f"{here}: YAML reads {node.value} as an octal number; write "
            f'{node.value.lstrip("0") or "0"}, or "{node.value}" if it is '
            "text such as a participant id."
        )
        return node.value
    if plain and node.tag.endswith((":int", ":float")) and _SEXAGESIMAL.match(node.value):
        parsed.problems.append(
            f"{here}: YAML reads {node.value} as base 60; quote it if it is text."
        )
        return node.value
    if node.tag.endswith((":timestamp", ":value", ":merge")):
        return node.value
    if node.tag.endswith(":int") and len(re.sub("[^0-9a-fA-F]", "", node.value)) > _MOST_DIGITS:
        parsed.problems.append(
            f"{here}: expected a number of at most {_MOST_DIGITS} digits, found "
            f"{len(node.value)}; quote it if it is text."
        )
        return None
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, KeyError, yaml.YAMLError):
        # A tag that says !!int before what is none.
        parsed.problems.append(f"{here}: '{node.value[:40]}' is no {node.tag.rpartition(':')[2]}.")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        parsed.problems.append(f"{here}: expected a finite number, found {node.value[:40]}.")
    if isinstance(value, str) and (bad := _UNWRITABLE.search(value)):
        parsed.problems.append(
            f"{here}: expected text that can be shown and written, found the character "
            f"{ascii(bad[0])[1:-1]} in it."
        )
    return value
