"""The parser behind every verb: "did you mean", its own usage, and flags that verbs share."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from brainage.wording import did_you_mean

EXIT_CODES = (
    "exit codes: 0 done; 1 done, but some scans failed; 2 bad input or config; 70 a bug; "
    "130 interrupted; 143 terminated"
)


#: Where verbs are added.
Verbs = argparse._SubParsersAction


class Parser(argparse.ArgumentParser):
    """An argument parser that offers the nearest name and shows the verb's own usage."""

    def __init__(self, *arguments: Any, **options: Any):
        # Abbreviations would make a flag that is added later change what a script means.
        options |= {
            "allow_abbrev": False,
            "formatter_class": argparse.RawDescriptionHelpFormatter,
        }
        super().__init__(*arguments, **options)

    def error(self, message: str) -> NoReturn:
        """Say what was not understood, what was probably meant, and the usage; exit 2."""
        wrong = re.search(r"invalid choice: '([^']*)'", message)
        if wrong:
            action = self._choices_of(message)
            message = message.partition(" (choose from")[0]
            message += "." + (did_you_mean(wrong[1], action) or f" There are: {', '.join(action)}.")
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")

    def _choices_of(self, message: str) -> list[str]:
        named = message.removeprefix("argument ").partition(":")[0]
        for action in self._actions:
            if action.choices and named in (action.metavar, action.dest, *action.option_strings):
                return [str(choice) for choice in action.choices]
        return []

    def flags(self) -> list[str]:
        """Return every long flag of this verb."""
        return [flag for action in self._actions for flag in action.option_strings]


def add_verb(verbs: Verbs, name: str, text: str, *examples: str) -> Parser:
    """Add a verb with its one-line text and commands to copy."""
    shown = "\n".join(f"  {example}" for example in examples)
    heading = "example" if len(examples) == 1 else "examples"
    return verbs.add_parser(
        name, help=text, description=text, epilog=f"{heading}:\n{shown}\n\n{EXIT_CODES}"
    )


def add_shared(verb: Parser, *, works: bool) -> None:
    """Add the flags of verbs that read a study; those of work where the verb makes something."""
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        dest="overrides",
        help="change one key of the study file; repeatable",
    )
    if works:
        verb.add_argument("--n-jobs", type=int, default=None, metavar="N", help="processes")
        verb.add_argument("--overwrite", action="store_true", help="make again what is there")
    add_output(verb)


def add_output(verb: Parser) -> None:
    """Add how much is printed, and in which form."""
    verb.add_argument("--json", action="store_true", help="print the result as one JSON object")
    loud = verb.add_mutually_exclusive_group()
    loud.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="tables in full, every piece of work, where an error came from",
    )
    loud.add_argument("--quiet", action="store_true", help="print nothing but errors")
