"""Flags of the verbs beside the stages: init, demo, sweep, power, clock, completion."""

from __future__ import annotations

from brainage.cli.argument_parser import Parser, Verbs, add_output, add_shared, add_verb


def add_init(verbs: Verbs) -> None:
    """Add the verb that writes a study file."""
    verb = add_verb(
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
        default=None,
        help="recommended, fisher_z_ridge, lisa_like, ... (default: recommended; of matrices "
        "recommended_matrices)",
    )
    verb.add_argument("--overwrite", action="store_true", help="replace an existing file")
    add_output(verb)


def add_demo(verbs: Verbs) -> None:
    """Add the verb that runs every stage on made-up data."""
    verb = add_verb(
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
    add_shared(verb, works=True)


def add_sweep(verbs: Verbs) -> None:
    """Add the verb that compares alternatives."""
    verb = add_verb(
        verbs,
        "sweep",
        "alternatives on identical folds, with a leaderboard",
        "brainage sweep abide_sweep --set paths.reference.series=series",
    )
    verb.add_argument(
        "study", metavar="SWEEP.yaml", help="sweep file, or the name of a packaged one"
    )
    add_shared(verb, works=True)


def add_power(verbs: Verbs) -> None:
    """Add the verb that gives sample size and power."""
    verb = add_verb(
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
    for flag, count, text in _POWER_COUNTS:
        words = "" if count is None else f" (default {count})"
        verb.add_argument(flag, type=int, default=count, metavar="N", help=text + words)
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
    add_output(verb)


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


def add_clock(verbs: Verbs) -> None:
    """Add the verbs that look into clock files."""
    verb = add_verb(verbs, "clock", "look into a clock file", "brainage clock show reference.clock")
    actions = verb.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=Parser
    )
    show = add_verb(
        actions,
        "show",
        "print the model card: cohort, accuracy, bias line, atlas, cleaning, limits",
        "brainage clock show reference.clock",
    )
    show.add_argument("file", help="*.clock, or the name of a packaged one")
    add_output(show)
    listed = add_verb(
        actions,
        "list",
        "list the clocks that come with the package",
        "brainage clock list",
    )
    add_output(listed)


def add_completion(verbs: Verbs) -> None:
    """Add the verb that prints a shell's completion."""
    verb = add_verb(
        verbs,
        "completion",
        "print the completion of verbs, flags and presets for a shell",
        'eval "$(brainage completion bash)"',
        "brainage completion fish > ~/.config/fish/completions/brainage.fish",
    )
    verb.add_argument("shell", choices=("bash", "zsh", "fish"))
    add_output(verb)
