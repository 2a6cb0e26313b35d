"""What the command line understands: verbs, flags, examples, and "did you mean"."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from brainage import __version__
from brainage.wording import did_you_mean

EXIT_CODES = (
    "exit codes: 0 done; 1 done, but some scans failed; 2 bad input or config; 70 a bug; "
    "130 interrupted; 143 terminated"
)
#: Verb -> what it does, and a command to copy.
_STAGES = {
    "check": (
        "show what would run, on which scans, visits and arms; compute nothing",
        "brainage check study.yaml",
    ),
    "extract": (
        "scans -> parcel time series",
        "brainage extract study.yaml --cohort trial --shard 3/16",
    ),
    "train": (
        "reference series -> a brain clock with honest out-of-fold accuracy",
        "brainage train study.yaml --set science.clock.validation.n_folds=5",
    ),
    "evaluate": (
        "the clock on an external test set, a permutation test, a learning curve",
        "brainage evaluate study.yaml --set science.evaluation.n_permutations=199",
    ),
    "score": (
        "trial series -> predicted ages and gaps; never sees an arm",
        "brainage score study.yaml --set paths.clock=reference.clock",
    ),
    "compare": (
        "scores + allocation -> per-arm deltas and contrasts",
        "brainage compare study.yaml --plan    # before anyone knows the arms",
    ),
    "report": ("results -> one offline HTML page", "brainage report study.yaml"),
    "run": ("every stage, doing only what is missing", "brainage run study.yaml"),
}
#: Verbs that make something which they could make again, and on several cores.
_WORKERS = ("extract", "train", "evaluate", "score", "compare", "run")


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


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse a command; exit 2 with the verb's usage where it is not understood."""
    parser = build_parser()
    arguments, extra = parser.parse_known_args(argv)
    if extra:
        own = _verb_parser(parser, arguments)
        flags = [word for word in extra if word.startswith("-")]
        unknown = flags[0].partition("=")[0] if flags else ""
        hint = did_you_mean(unknown, own.flags()) if unknown else ""
        own.error(f"not understood: {' '.join(extra)}.{hint}")
    return arguments


def _verb_parser(parser: Parser, arguments: argparse.Namespace) -> Parser:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and arguments.verb in action.choices:
            own = action.choices[arguments.verb]
            return _verb_parser_of_clock(own, arguments) if arguments.verb == "clock" else own
    return parser


def _verb_parser_of_clock(own: Parser, arguments: argparse.Namespace) -> Parser:
    for action in own._actions:
        if isinstance(action, argparse._SubParsersAction) and arguments.action in action.choices:
            return action.choices[arguments.action]
    return own


def build_parser() -> Parser:
    """Return the parser of every verb."""
    parser = Parser(
        prog="brainage",
        description="Resting-state fMRI brain clocks for randomised trials: scans in, per-arm "
        "brain-age deltas out.",
        epilog="start with:\n"
        "  brainage demo --tiny                     see everything work on made-up data\n"
        "  brainage init path/to/fmriprep           write a study file from what is there\n"
        "  brainage check study.yaml                see what would run\n"
        "  brainage run study.yaml                  run it\n\n" + EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"brainage {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    _add_init(verbs)
    _add_demo(verbs)
    for name, (text, example) in _STAGES.items():
        verb = _add(verbs, name, text, example)
        verb.add_argument("study", help="study file (YAML), or the name of a packaged one")
        _add_shared(verb, works=name in _WORKERS)
        if name == "extract":
            _add_extract(verb)
        if name == "run":
            _add_submit(verb)
        if name in ("extract", "run"):
            verb.add_argument(
                "--executor",
                choices=("local", "dask", "slurm"),
                default=None,
                help="who runs the scans (run.executor)",
            )
        if name in ("train", "score", "compare", "run"):
            verb.add_argument(
                "--allow-partial",
                action="store_true",
                help="go on although scans of the cohort are not extracted yet",
            )
        if name == "compare":
            verb.add_argument(
                "--plan",
                action="store_true",
                help="write the statistical analysis plan with its hash, before the allocation is "
                "read; a plan that is there is kept",
            )
            verb.add_argument(
                "--plan-hash",
                default=None,
                metavar="HASH",
                help="the hash of the plan that was signed off; under any other nothing is done",
            )
        if name == "check":
            verb.add_argument(
                "--verify",
                action="store_true",
                help="compare every file of the output folder with the SHA-256 that its stage "
                "wrote down; nothing else is checked",
            )
    _add_sweep(verbs)
    _add_power(verbs)
    _add_clock(verbs)
    _add_completion(verbs)
    return parser


def _add(verbs: Verbs, name: str, text: str, *examples: str) -> Parser:
    shown = "\n".join(f"  {example}" for example in examples)
    heading = "example" if len(examples) == 1 else "examples"
    return verbs.add_parser(
        name, help=text, description=text, epilog=f"{heading}:\n{shown}\n\n{EXIT_CODES}"
    )


def _add_shared(verb: Parser, *, works: bool) -> None:
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
    _add_output(verb)


def _add_output(verb: Parser) -> None:
    verb.add_argument("--json", action="store_true", help="print the result as one JSON object")
    loud = verb.add_mutually_exclusive_group()
    loud.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="tables in full, every piece of work, where an error came from",
    )
    loud.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_extract(verb: Parser) -> None:
    verb.add_argument(
        "--cohort",
        choices=("reference", "trial", "external"),
        default=None,
        help="one cohort only; default every one named",
    )
    verb.add_argument(
        "--participant",
        action="append",
        default=None,
        metavar="ID",
        help="this participant only; repeatable",
    )
    verb.add_argument(
        "--session",
        action="append",
        default=None,
        metavar="ID",
        help="this session only; repeatable",
    )
    verb.add_argument(
        "--shard",
        default=None,
        metavar="K/N",
        help="the K-th of N parts of the scans, for job arrays; run --collect after all of them",
    )
    verb.add_argument(
        "--collect",
        action="store_true",
        help="only write the summary of what participants and shards made",
    )
    verb.add_argument(
        "--list",
        action="store_true",
        help="only list the scans anew, for --shard, --participant and --session to read",
    )
    verb.add_argument(
        "--status",
        action="store_true",
        help="only show how many scans are done, running, failed and missing",
    )
    _add_submit(verb)


def _add_submit(verb: Parser) -> None:
    verb.add_argument(
        "--submit",
        action="store_true",
        help="write the scripts of a SLURM job array to extract/slurm and give them to sbatch",
    )
    verb.add_argument(
        "--dry-run", action="store_true", help="as --submit, but only write the scripts"
    )


def _add_init(verbs: Verbs) -> None:
    verb = _add(
        verbs,
        "init",
        "write a study file to start from, and its JSON schema for editors",
        "brainage init study.yaml                      # an example to edit",
        "brainage init derivatives/fmriprep            # from what is found there",
        "brainage init --scores scores.tsv             # the statistician with scores alone",
        "brainage init derivatives/fmriprep --clock reference.clock",
    )
    verb.add_argument(
        "where",
        nargs="?",
        default=None,
        metavar="STUDY.yaml | DERIVATIVES",
        help="the study file to write, or a folder of fMRIPrep or other derivatives to describe",
    )
    verb.add_argument(
        "--to",
        default=None,
        metavar="STUDY.yaml",
        help="the study file to write when a folder, scores or a clock are given "
        "(default: study.yaml)",
    )
    verb.add_argument("--scores", default=None, metavar="TABLE", help="a table of scores")
    verb.add_argument("--clock", default=None, metavar="FILE", help="a clock trained elsewhere")
    verb.add_argument(
        "--reference",
        default=None,
        metavar="DERIVATIVES",
        help="derivatives of the reference cohort, where DERIVATIVES are those of the trial",
    )
    verb.add_argument(
        "--preset",
        default="recommended",
        help="recommended, lisa_like, levakov2023, ... (default: recommended)",
    )
    verb.add_argument("--overwrite", action="store_true", help="replace an existing file")
    _add_output(verb)


def _add_demo(verbs: Verbs) -> None:
    verb = _add(
        verbs,
        "demo",
        "make a synthetic NIfTI study with known truth, and run every stage on it",
        "brainage demo --tiny --output tiny",
    )
    verb.add_argument(
        "--output",
        default="brainage-demo",
        metavar="DIR",
        help="where to work (default: brainage-demo)",
    )
    verb.add_argument(
        "--tiny",
        action="store_true",
        help="a few people only: shows that everything works, shows no effect",
    )
    _add_shared(verb, works=True)


def _add_sweep(verbs: Verbs) -> None:
    verb = _add(
        verbs,
        "sweep",
        "alternatives on identical folds, with a leaderboard",
        "brainage sweep abide_sweep --set paths.reference.series=series",
    )
    verb.add_argument(
        "study", metavar="SWEEP.yaml", help="sweep file, or the name of a packaged one"
    )
    _add_shared(verb, works=True)


def _add_power(verbs: Verbs) -> None:
    verb = _add(
        verbs,
        "power",
        "sample size and power of an arm contrast, from a clock's own noise",
        "brainage power out/score --effect-years -1.4 --share 0.6",
        "brainage power --effect-years -2 --sd-years 5 --icc 0.7 --n-per-arm 103",
    )
    verb.add_argument(
        "source",
        nargs="?",
        default=None,
        help="a finished score or compare folder, a scores table or a clock file; without it the "
        "values given, or a documented band",
    )
    for flag, metavar, text in _POWER_NUMBERS:
        verb.add_argument(flag, type=float, default=None, metavar=metavar, help=text)
    for flag, standard, metavar, text in _POWER_SHARES:
        verb.add_argument(
            flag,
            type=float,
            default=standard,
            metavar=metavar,
            help=f"{text} (default {standard:g})",
        )
    for flag, standard, text in _POWER_COUNTS:
        words = "" if standard is None else f" (default {standard})"
        verb.add_argument(flag, type=int, default=standard, metavar="N", help=text + words)
    verb.add_argument(
        "--whole-sites",
        action="store_true",
        help="sites are randomised and not people; default: people within each site",
    )
    verb.add_argument(
        "--network", default="whole_brain", help="whose clock, in a folder (default whole_brain)"
    )
    verb.add_argument(
        "--curve",
        type=int,
        nargs="+",
        default=None,
        metavar="N",
        help="power at each of these sizes of the control arm",
    )
    _add_output(verb)


_POWER_NUMBERS = (
    ("--effect-years", "YEARS", "difference between arms to be found"),
    ("--sd-years", "YEARS", "standard deviation of the gap between people; with --icc"),
    ("--sd-change-years", "YEARS", "standard deviation of change between two visits; with --icc"),
    ("--icc", "R", "correlation of two scans of one person, 0 to 1"),
    ("--share", "S", "share of a true shift that the clock shows, for the latent effect"),
)
_POWER_SHARES = (
    ("--power", 0.8, "P", "power wanted"),
    ("--alpha", 0.05, "P", "two-sided level"),
    ("--drop-out", 0.0, "SHARE", "share without the last scan"),
    ("--ratio", 1.0, "R", "people of the arm for one of control"),
    ("--site-icc", 0.0, "R", "share of the analysed score's variance between sites"),
)
_POWER_COUNTS = (
    ("--n-per-arm", None, "people of the control arm; default: the size for --power"),
    ("--follow-ups", 2, "visits after baseline, for the repeated-measures rows"),
    ("--sites", 1, "sites of both arms together"),
    ("--simulate", 0, "trials drawn beside the closed form"),
)


def _add_clock(verbs: Verbs) -> None:
    verb = _add(verbs, "clock", "look into a clock file", "brainage clock show reference.clock")
    actions = verb.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=Parser
    )
    show = _add(
        actions,
        "show",
        "print the model card: cohort, accuracy, bias line, atlas, cleaning, limits",
        "brainage clock show reference.clock",
    )
    show.add_argument("file", help="*.clock, or the name of a packaged one")
    _add_output(show)
    listed = _add(
        actions,
        "list",
        "list the clocks that come with the package",
        "brainage clock list",
    )
    _add_output(listed)


def _add_completion(verbs: Verbs) -> None:
    verb = _add(
        verbs,
        "completion",
        "print the completion of verbs, flags and presets for a shell",
        'eval "$(brainage completion bash)"',
        "brainage completion fish > ~/.config/fish/completions/brainage.fish",
    )
    verb.add_argument("shell", choices=("bash", "zsh", "fish"))
