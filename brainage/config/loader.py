"""YAML without surprises: what PyYAML would silently turn into something else is refused.

PyYAML follows YAML 1.1, in which ``no`` is False, ``010`` is 8, ``1:30`` is 90 and ``1e-3`` is
text. The first three are refused here with the line they stand on; the last meets the options'
strict types and is explained there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from brainage.errors import ConfigError

_OCTAL = re.compile(r"[-+]?0[0-9_]+$")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
_PLAIN_TRUTH = {"true", "false", "True", "False", "TRUE", "FALSE"}


@dataclass
class YamlText:
    """A parsed YAML mapping with the line of each dotted key."""

    values: dict
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


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
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. `brainage init` writes one.") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: expected a YAML file, found a folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}).") from error
    return parse_yaml(text, where=str(path))


def parse_value(text: str, *, where: str):
    """Parse the right-hand side of ``--set key=value`` as YAML would be in a file."""
    parsed = parse_yaml(f"value: {text}", where=where)
    if parsed.problems:
        raise ConfigError("\n".join(parsed.problems))
    return parsed.values["value"]


def _construct(node: yaml.Node, key: str, parsed: YamlText, where: str):
    parsed.lines[key] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, key, parsed, where)
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(item, f"{key}.{i}" if key else str(i), parsed, where)
            for i, item in enumerate(node.value)
        ]
    return _construct_scalar(node, key, parsed, where)


def _construct_mapping(node: yaml.MappingNode, key: str, parsed: YamlText, where: str) -> dict:
    values = {}
    for key_node, value_node in node.value:
        name = key_node.value
        if not isinstance(name, str):
            parsed.problems.append(
                f"{where} line {key_node.start_mark.line + 1}: expected a plain "
                "key, found a list or mapping."
            )
            continue
        dotted = f"{key}.{name}" if key else name
        if name in values:
            parsed.problems.append(
                f"{where} line {key_node.start_mark.line + 1}: {dotted} stands "
                f"twice (first on line {parsed.lines[dotted]}); keep one."
            )
        values[name] = _construct(value_node, dotted, parsed, where)
        parsed.lines[dotted] = key_node.start_mark.line + 1
    return values


def _construct_scalar(node: yaml.ScalarNode, key: str, parsed: YamlText, where: str):
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
    if plain and node.tag == "tag:yaml.org,2002:timestamp":
        return node.value
    return yaml.SafeLoader("").construct_object(node)
