"""Completion for bash, zsh and fish: verbs, flags, what stands behind them, keys and atlases."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brainage.cli.argument_parser import Parser
from brainage.cli.parser import build_parser
from brainage.files import configs_folder

_BASH = """\
# brainage completion for bash: eval "$(brainage completion bash)"
_brainage() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
  # bash splits KEY=VALUE at its "=".
  if [ "$current" = "=" ]; then
    current= before="$before="
  elif [ "$before" = "=" ]; then
    before="${{COMP_WORDS[COMP_CWORD-2]}}="
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{verbs}"
  else
    case "$before" in
{values}
      *) case "${{COMP_WORDS[1]}}" in
{cases}
      esac ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ "${{COMPREPLY[0]-}}" == *= ]] && compopt -o nospace
}}
complete -o default -F _brainage brainage
"""
_ZSH = """\
#compdef brainage
# brainage completion for zsh: eval "$(brainage completion zsh)"
_brainage() {{
  local -a offered
  if (( CURRENT == 2 )); then
    offered=({verbs})
  elif [[ "${{words[CURRENT]}}" == *=* ]]; then
    case "${{words[CURRENT]%%=*}}=" in
{assigned}
    esac
    compset -P "*="
  else
    case "${{words[CURRENT-1]}}" in
{values}
      *) case "${{words[2]}}" in
{cases}
      esac ;;
    esac
  fi
  compadd -S "" -a -- offered
  _files
}}
compdef _brainage brainage
"""


@dataclass(frozen=True)
class _Offered:
    """What may stand behind what.

    Parameters
    ----------
    verbs : mapping of str to sequence of str
        Verb -> its flags, choices, and packaged studies.
    values : mapping of str to sequence of str
        Flag -> its values.
    keys : mapping of str to sequence of str
        Key of the study file -> its values where they are few and known; else none.
    """

    verbs: Mapping[str, Sequence[str]]
    values: Mapping[str, Sequence[str]]
    keys: Mapping[str, Sequence[str]]


def completion_script(shell: str) -> str:
    """Return the script that teaches a shell our verbs, flags, presets, keys and atlases.

    Parameters
    ----------
    shell : {"bash", "zsh", "fish"}
        For which.
    """
    offered = _offered()
    if shell == "fish":
        return _fish(offered)
    word, indent = ("words", "      ") if shell == "bash" else ("offered", "      ")

    def cases(named: Mapping[str, Sequence[str]]) -> str:
        opened, closed = ('"', '"') if shell == "bash" else ("(", ")")
        return "\n".join(
            f"{indent}{name}) {word}={opened}{' '.join(words)}{closed} ;;"
            for name, words in named.items()
        )

    assigned = {f"{key}=": values for key, values in offered.keys.items() if values}
    parts = {"verbs": " ".join(offered.verbs), "cases": cases(offered.verbs)}
    if shell == "bash":
        return _BASH.format(values=cases({**offered.values, **assigned}), **parts)
    return _ZSH.format(values=cases(offered.values), assigned=cases(assigned), **parts)


def _fish(offered: _Offered) -> str:
    lines = [
        "# brainage completion for fish",
        "complete -c brainage -n __fish_use_subcommand -f -a " + _quoted(offered.verbs),
    ]
    values = dict(offered.values)
    # fish completes a whole word: KEY=VALUE stands as one.
    values["--set"] = [
        *values.get("--set", ()),
        *(f"{key}={value}" for key, known in offered.keys.items() for value in known),
    ]
    for verb, words in offered.verbs.items():
        here = f"complete -c brainage -n '__fish_seen_subcommand_from {verb}'"
        for word in words:
            if word.startswith("--"):
                known = f" -x -a {_quoted(values[word])}" if values.get(word) else ""
                lines.append(f"{here} -l {word[2:]}{known}")
        names = [word for word in words if not word.startswith("-")]
        if names:
            lines.append(f"{here} -a {_quoted(names)}")
    return "\n".join(lines) + "\n"


def _quoted(words: Sequence[str] | Mapping[str, object]) -> str:
    return "'" + " ".join(words) + "'"


def _offered() -> _Offered:
    """Return what the parser, the packaged files and the study file's schema offer."""
    from brainage.clock import packaged_clocks

    studies = sorted(path.stem for path in configs_folder().glob("*.yaml"))
    clocks = packaged_clocks()
    keys = dict(_keys())
    verbs: dict[str, list[str]] = {}
    values: dict[str, list[str]] = {
        "--set": [f"{key}=" for key in keys],
        "--preset": studies,
        "--clock": list(clocks),
    }
    for verb, parser in _verbs(build_parser()).items():
        words = [flag for flag in parser.flags() if flag.startswith("--")]
        for action in parser._actions:
            choices = [str(choice) for choice in action.choices or ()]
            if isinstance(action, argparse._SubParsersAction):
                words += [*choices, *clocks]
            elif action.option_strings and choices:
                values[action.option_strings[-1]] = choices
            elif not action.option_strings:
                words += studies if action.dest == "study" else choices
        verbs[verb] = words
    return _Offered(verbs, values, keys)


def _keys() -> Iterator[tuple[str, list[str]]]:
    """Yield each key of the study file with the values that may stand there, where few may."""
    from brainage.config import study_schema
    from brainage.imaging import list_atlases, list_strategies

    schema = study_schema()
    named = {
        "science.atlas.name": list_atlases,
        "science.cleaning.strategy": list_strategies,
    }

    def walk(properties: Mapping, before: str) -> Iterator[tuple[str, list[str]]]:
        for name, value in properties.items():
            kinds = [value, *value.get("anyOf", ()), *value.get("allOf", ())]
            inner = next(
                (kind["$ref"].rpartition("/")[2] for kind in kinds if "$ref" in kind), None
            )
            if inner is not None:
                yield from walk(schema["$defs"][inner].get("properties", {}), f"{before}{name}.")
                continue
            choices = [choice for kind in kinds for choice in kind.get("enum", ())]
            if any(kind.get("type") == "boolean" for kind in kinds):
                choices += ["true", "false"]
            key = f"{before}{name}"
            yield key, named[key]() if key in named else [str(c) for c in choices if c is not None]

    for section in ("science", "paths", "run"):
        yield from walk({section: schema["properties"][section]}, "")


def _verbs(parser: Parser) -> dict[str, Parser]:
    return next(
        dict(action.choices)
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
