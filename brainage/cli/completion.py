"""Completion of verbs, flags and packaged studies for bash, zsh and fish."""

from __future__ import annotations

import argparse

from brainage.cli.argument_parser import Parser
from brainage.cli.parser import build_parser
from brainage.files import configs_folder

_BASH = """\
# brainage completion for bash: eval "$(brainage completion bash)"
_brainage() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{verbs}"
  else
    case "$verb" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
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
  else
    case "${{words[2]}}" in
{cases}
    esac
  fi
  compadd -a offered
  _files
}}
compdef _brainage brainage
"""


def completion_script(shell: str) -> str:
    """Return the script that teaches a shell our verbs and flags.

    Parameters
    ----------
    shell : {"bash", "zsh", "fish"}
        For which.
    """
    offered = _offered()
    if shell == "fish":
        return _fish(offered)
    verbs = " ".join(offered)
    if shell == "bash":
        cases = [f'      {verb}) words="{" ".join(words)}" ;;' for verb, words in offered.items()]
        return _BASH.format(verbs=verbs, cases="\n".join(cases))
    cases = [f"      {verb}) offered=({' '.join(words)}) ;;" for verb, words in offered.items()]
    return _ZSH.format(verbs=verbs, cases="\n".join(cases))


def _fish(offered: dict[str, list[str]]) -> str:
    lines = [
        "# brainage completion for fish",
        "complete -c brainage -n __fish_use_subcommand -f -a " + _quoted(list(offered)),
    ]
    for verb, words in offered.items():
        here = f"complete -c brainage -n '__fish_seen_subcommand_from {verb}'"
        lines += [f"{here} -l {word[2:]}" for word in words if word.startswith("--")]
        names = [word for word in words if not word.startswith("-")]
        if names:
            lines.append(f"{here} -a {_quoted(names)}")
    return "\n".join(lines) + "\n"


def _quoted(words: list[str]) -> str:
    return "'" + " ".join(words) + "'"


def _offered() -> dict[str, list[str]]:
    """Return what may stand behind each verb: its flags, its choices, packaged studies."""
    studies = sorted(path.stem for path in configs_folder().glob("*.yaml"))
    offered = {}
    for verb, parser in _verbs(build_parser()).items():
        words = [flag for flag in parser.flags() if flag.startswith("--")]
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction) or (
                action.choices and not action.option_strings
            ):
                words += [str(choice) for choice in action.choices or ()]
            elif action.dest == "study":
                words += studies
        offered[verb] = words
    return offered


def _verbs(parser: Parser) -> dict[str, Parser]:
    return next(
        dict(action.choices)
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
