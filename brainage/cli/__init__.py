"""The command line: the only place that prints, and the only exit codes.

0 done; 1 done, but some scans failed; 2 bad input or config; 70 a bug of ours; 130 interrupted.
Nothing heavy is imported before a verb runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from brainage import __version__
from brainage.errors import BrainAgeError, BrainAgeWarning

#: Faults of a disk or of permissions, which no report to us would mend.
_THE_MACHINES = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EMFILE,
}
DONE, SOME_FAILED, BAD_INPUT, BUG, INTERRUPTED = 0, 1, 2, 70, 130


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return its exit code.

    Parameters
    ----------
    argv : list of str, optional
        Arguments after the program's name; default ``sys.argv[1:]``.

    Returns
    -------
    exit_code : int
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.verb is None:
        parser.print_help()
        return BAD_INPUT
    from brainage.cli import verbs

    try:
        with _plain_warnings():
            return getattr(verbs, f"run_{arguments.verb}")(arguments)
    except BrainAgeError as error:
        if getattr(arguments, "verbose", False):
            traceback.print_exc()
        print(f"brainage {arguments.verb}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(
            "\ninterrupted; what is done is kept, the same command goes on from here.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; that is no failure of the work.
        sys.stderr.close()
        return DONE
    except OSError as error:
        if error.errno not in _THE_MACHINES:
            return _bug()
        print(
            f"brainage {arguments.verb}: {error.filename or 'a file'}: {error.strerror}. What is "
            "done is kept; mend this and give the same command again.",
            file=sys.stderr,
        )
        return BAD_INPUT
    except Exception:  # noqa: BLE001 - the outermost frame: the traceback is shown, not hidden
        return _bug()


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print each of our warnings once, as a sentence; those of libraries as they are."""
    with warnings.catch_warnings():
        before, said = warnings.showwarning, set()

        def show(message, category, filename, lineno, file=None, line=None) -> None:
            text = str(message)
            if category is not BrainAgeWarning:
                before(message, category, filename, lineno, file, line)
            elif text not in said:
                said.add(text)
                print(f"warning: {text}", file=sys.stderr)

        warnings.showwarning = show
        warnings.simplefilter("always", BrainAgeWarning)
        yield


def _bug() -> int:
    traceback.print_exc()
    print(
        "brainage: this is a bug of brainage, not of your data. Please report the lines above.",
        file=sys.stderr,
    )
    return BUG


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    parser = argparse.ArgumentParser(
        prog="brainage",
        description="Resting-state fMRI brain clocks for randomised trials: scans in, per-arm "
        "brain-age deltas out.",
        epilog="exit codes: 0 done; 1 done, but some scans failed; 2 bad input or config; "
        "70 a bug; 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"brainage {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    _add_init(verbs)
    _add_demo(verbs)
    for name, text in (
        ("check", "show scans, visits, exclusions and participant flow; compute nothing"),
        ("extract", "scans -> parcel time series"),
        ("train", "reference series -> a brain clock with honest out-of-fold accuracy"),
        ("evaluate", "the clock on an external test set, a permutation test, a learning curve"),
        ("score", "trial series -> predicted ages and gaps; never sees an arm"),
        ("compare", "scores + allocation -> per-arm deltas and contrasts"),
        ("report", "results -> one offline HTML page"),
        ("run", "every stage, doing only what is missing"),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("study", help="study file (YAML), or the name of a packaged one")
        _add_shared(verb)
        if name == "extract":
            _add_extract(verb)
        if name == "compare":
            verb.add_argument(
                "--plan",
                action="store_true",
                help="write the statistical analysis "
                "plan with its hash, before the allocation is read; a plan that is "
                "there is kept",
            )
    _add_sweep(verbs)
    _add_power(verbs)
    _add_clock(verbs)
    return parser


def _add_shared(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        dest="overrides",
        help="change one key of the study file; repeatable",
    )
    verb.add_argument("--n-jobs", type=int, default=None, metavar="N", help="processes")
    verb.add_argument("--overwrite", action="store_true", help="make again what is there")
    _add_output(verb)


def _add_output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print the result as one JSON object")
    loud = verb.add_mutually_exclusive_group()
    loud.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="tables in full, every piece of work, where an error came from",
    )
    loud.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_extract(verb: argparse.ArgumentParser) -> None:
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


def _add_init(verbs) -> None:
    verb = verbs.add_parser(
        "init",
        help="write a study file to start from",
        description="write a study file and its JSON schema for editors",
    )
    verb.add_argument("path", help="the study file to write, e.g. study.yaml")
    verb.add_argument(
        "--preset",
        default="recommended",
        help="recommended, lisa_like, levakov2023, ... (default: recommended)",
    )
    verb.add_argument("--overwrite", action="store_true", help="replace an existing file")
    _add_output(verb)


def _add_demo(verbs) -> None:
    text = "make a synthetic NIfTI study with known truth, and run every stage on it"
    verb = verbs.add_parser("demo", help=text, description=text)
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
    _add_shared(verb)


def _add_sweep(verbs) -> None:
    text = "alternatives on identical folds, with a leaderboard"
    verb = verbs.add_parser("sweep", help=text, description=text)
    verb.add_argument(
        "study", metavar="SWEEP.yaml", help="sweep file, or the name of a packaged one"
    )
    _add_shared(verb)


def _add_power(verbs) -> None:
    text = "sample size and power of an arm contrast, from a clock's own noise"
    verb = verbs.add_parser("power", help=text, description=text)
    verb.add_argument(
        "--effect-years",
        type=float,
        required=True,
        metavar="YEARS",
        help="difference between arms to be found",
    )
    verb.add_argument(
        "--sd-years",
        type=float,
        required=True,
        metavar="YEARS",
        help="standard deviation of the gap between people",
    )
    verb.add_argument(
        "--icc",
        type=float,
        required=True,
        metavar="R",
        help="correlation of two scans of one person, 0 to 1",
    )
    verb.add_argument(
        "--n-per-arm",
        type=int,
        default=None,
        metavar="N",
        help="give the power at this size; default: the size for --power",
    )
    verb.add_argument("--power", type=float, default=0.8, metavar="P", help="default 0.8")
    verb.add_argument("--alpha", type=float, default=0.05, metavar="P", help="default 0.05")
    verb.add_argument(
        "--drop-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share without the follow-up scan (default 0)",
    )
    verb.add_argument(
        "--follow-ups",
        type=int,
        default=2,
        metavar="N",
        help="visits after baseline, for the repeated-measures row (default 2)",
    )
    _add_output(verb)


def _add_clock(verbs) -> None:
    verb = verbs.add_parser(
        "clock", help="look into a clock file", description="look into a clock file"
    )
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser(
        "show",
        help="print the model card",
        description="print the model card: cohort, accuracy, bias line, atlas, cleaning, limits",
    )
    show.add_argument("file", help="*.clock")
    _add_output(show)
