"""What the command line understands: verbs, flags, examples, and "did you mean"."""

from __future__ import annotations

import argparse

from brainage import __version__
from brainage.cli.argument_parser import EXIT_CODES, Parser, Verbs, add_shared, add_verb
from brainage.cli.side_flags import (
    add_clock,
    add_completion,
    add_demo,
    add_init,
    add_power,
    add_sweep,
)
from brainage.wording import did_you_mean

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


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse a command; exit 2 with the verb's usage where it is not understood."""
    parser = build_parser()
    arguments, extra = parser.parse_known_args(argv)
    if extra:
        own = _verb_parser(parser, arguments)
        flags = [word for word in extra if word.startswith("-")]
        unknown = flags[0].partition("=")[0] if flags else f"--{extra[0]}"
        # A word that was meant as a flag is one but for its dashes.
        hint = did_you_mean(unknown, own.flags(), cutoff=0.6 if flags else 0.8)
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
    add_init(verbs)
    add_demo(verbs)
    for name, (text, example) in _STAGES.items():
        _add_stage(verbs, name, text, example)
    add_sweep(verbs)
    add_power(verbs)
    add_clock(verbs)
    add_completion(verbs)
    return parser


def _add_stage(verbs: Verbs, name: str, text: str, example: str) -> None:
    """Add the verb of a stage, with the flags that it reads."""
    verb = add_verb(verbs, name, text, example)
    verb.add_argument("study", help="study file (YAML), or the name of a packaged one")
    add_shared(verb, works=name in _WORKERS)
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
