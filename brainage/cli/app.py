"""``brainage-app``: the stages as a BIDS-App, for whoever starts many tools the same way.

``brainage-app BIDS_DIR OUTPUT_DIR participant`` extracts (and, with a clock, scores) the people it
is given; ``group`` collects, trains or scores, compares and reports. Every step is a verb of
`brainage` with the same exit codes; the study is a packaged one or the user's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from brainage import __version__
from brainage.cli import BAD_INPUT, BUG, DONE, INTERRUPTED, SOME_FAILED, TERMINATED, say
from brainage.cli import main as run_verb
from brainage.cli.argument_parser import EXIT_CODES, Parser
from brainage.errors import BrainAgeError, ConfigError

_IMAGES = ("func/*_desc-preproc_bold.nii*", "ses-*/func/*_desc-preproc_bold.nii*")
#: Where in a BIDS dataset the derivatives of fMRIPrep lie, in the order looked for.
_DERIVATIVES = (".", "derivatives/fmriprep", "fmriprep", "derivatives")
#: People of a dataset that are looked at to find out whether it holds images.
_LOOKED_AT = 3
_STOPS = (BAD_INPUT, BUG, INTERRUPTED, TERMINATED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one level of the app and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; default ``sys.argv[1:]``.

    Returns
    -------
    exit_code : int
        As `brainage` has them: the first that stops, else 1 where a step left scans out.
    """
    arguments = _parser().parse_args(argv)
    codes = [DONE]
    try:
        for words in _steps(arguments):
            codes.append(run_verb(words))
            if codes[-1] in _STOPS:
                return codes[-1]
    except BrainAgeError as error:
        say(f"brainage-app: {error}")
        return BAD_INPUT
    return SOME_FAILED if SOME_FAILED in codes else DONE


def _parser() -> Parser:
    parser = Parser(
        prog="brainage-app",
        description="The stages of brainage as a BIDS-App.",
        epilog="example: brainage-app /data/bids /out participant --participant-label 01 02 "
        f"--atlas seitzman300\n\n{EXIT_CODES}",
    )
    parser.add_argument("--version", action="version", version=f"brainage {__version__}")
    parser.add_argument(
        "bids_dir",
        type=Path,
        help="fMRIPrep derivatives, or a BIDS dataset with derivatives/fmriprep in it",
    )
    parser.add_argument("output_dir", type=Path, help="every stage writes one folder in it")
    parser.add_argument("analysis_level", choices=("participant", "group"))
    parser.add_argument(
        "--participant-label",
        "--participant_label",
        nargs="+",
        metavar="LABEL",
        help="at the participant level: only these people, with or without sub-",
    )
    parser.add_argument(
        "--session-id",
        "--session_id",
        nargs="+",
        metavar="LABEL",
        help="at the participant level: only these sessions, with or without ses-",
    )
    parser.add_argument("--task-id", "--task_id", metavar="LABEL", help="only this task")
    parser.add_argument("--space", metavar="SPACE", help="where runs are there in several")
    parser.add_argument("--atlas", metavar="NAME", help="a known atlas, or an atlas file")
    parser.add_argument("--clock", type=Path, metavar="FILE", help="score with this clock")
    parser.add_argument(
        "--study",
        metavar="STUDY",
        default="recommended",
        help="study file or packaged study whose choices hold (default: recommended)",
    )
    parser.add_argument(
        "--cohort",
        choices=("reference", "trial"),
        help="whose scans these are (default: trial with --clock, else reference)",
    )
    parser.add_argument("--participants", type=Path, metavar="FILE", help="table of ages and sex")
    parser.add_argument("--n-jobs", type=int, metavar="N", help="processes")
    return parser


def _steps(arguments: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the commands of a level, each after the one before it has ended well."""
    settings = _settings(arguments)
    if arguments.analysis_level == "participant":
        yield from _participant_steps(arguments, settings)
    else:
        if arguments.participant_label or arguments.session_id:
            raise ConfigError(
                "--participant-label, --session-id: expected at the participant level only; the "
                "group level takes everybody who was extracted."
            )
        yield from _group_steps(arguments, settings)


def _settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the keys of the study that the app's arguments stand for."""
    if arguments.clock is not None and _cohort(arguments) == "reference":
        raise ConfigError("--cohort reference: a clock scores a trial; leave out --clock or this.")
    if not arguments.bids_dir.is_dir():
        raise ConfigError(f"{arguments.bids_dir}: expected a BIDS folder, found none.")
    if arguments.clock is not None and not arguments.clock.is_file():
        raise ConfigError(f"{arguments.clock}: expected a clock file (--clock), found none.")
    cohort = f"paths.{_cohort(arguments)}"
    people = arguments.participants or arguments.bids_dir / "participants.tsv"
    sessions = next(arguments.bids_dir.glob("sub-*/sub-*_sessions.tsv"), None)
    own_atlas = arguments.atlas is not None and Path(arguments.atlas).is_file()
    settings = {
        "paths.output": arguments.output_dir,
        f"{cohort}.scans": _derivatives_of(arguments.bids_dir),
        f"{cohort}.participants": people if people.is_file() or arguments.participants else None,
        f"{cohort}.sessions": None if sessions is None else arguments.bids_dir,
        f"{cohort}.task": arguments.task_id,
        f"{cohort}.space": arguments.space,
        "paths.clock": arguments.clock,
        "science.atlas.path" if own_atlas else "science.atlas.name": arguments.atlas,
        "run.n_jobs": arguments.n_jobs,
    }
    return {key: str(value) for key, value in settings.items() if value is not None}


def _cohort(arguments: argparse.Namespace) -> str:
    return arguments.cohort or ("trial" if arguments.clock else "reference")


def _derivatives_of(bids_dir: Path) -> Path:
    for inner in _DERIVATIVES:
        folder = (bids_dir / inner).resolve()
        subjects = sorted(folder.glob("sub-*/"))[:_LOOKED_AT] if folder.is_dir() else []
        if any(next(s.glob(pattern), None) for s in subjects for pattern in _IMAGES):
            return folder
    raise ConfigError(
        f"{bids_dir}: expected images of fMRIPrep (*_desc-preproc_bold.nii.gz) in it or in "
        "derivatives/fmriprep, found none."
    )


def _command(verb: str, study: str, settings: dict[str, str], *flags: str) -> list[str]:
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return [verb, study, *flags, *sets]


def _participant_steps(
    arguments: argparse.Namespace, settings: dict[str, str]
) -> Iterator[list[str]]:
    cohort = _cohort(arguments)
    flags = ["--cohort", cohort]
    for flag, labels in (
        ("--participant", arguments.participant_label),
        ("--session", arguments.session_id),
    ):
        flags += [word for label in labels or () for word in (flag, label)]
    yield _command("extract", arguments.study, settings, *flags)
    if arguments.clock is None:
        return
    extracted = arguments.output_dir / "extract" / cohort
    wanted = {f"sub-{label.removeprefix('sub-')}" for label in arguments.participant_label or ()}
    for person in sorted(extracted.glob("sub-*/")):
        # People are scored in folders of their own: jobs of one person each never meet.
        if wanted and person.name not in wanted:
            continue
        folder = arguments.output_dir / "participants" / person.name
        own = settings | {"paths.output": str(folder)}
        for key in ("scans", "space", "task"):
            own.pop(f"paths.{cohort}.{key}", None)
        own["paths.trial.series"] = str(_series_table(person, folder))
        yield _command("score", arguments.study, own)


def _series_table(person: Path, folder: Path) -> Path:
    """Write the table of one person's series; return its path."""
    import os

    import pandas as pd

    from brainage.files import atomic_path
    from brainage.series import labels_of

    rows = []
    for path in sorted(person.rglob("*_timeseries.tsv")):
        labels = labels_of(path.name)
        rows.append(
            {
                "path": os.path.relpath(path, folder),
                "participant_id": labels["sub"],
                "session_id": labels.get("ses", "n/a"),
                "task": labels.get("task", "n/a"),
                "run": labels.get("run", "n/a"),
            }
        )
    if not rows:
        raise ConfigError(f"{person}: no series was extracted, so nothing can be scored.")
    target = folder / "series.tsv"
    with atomic_path(target) as temporary:
        pd.DataFrame(rows).to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    return target


def _group_steps(arguments: argparse.Namespace, settings: dict[str, str]) -> Iterator[list[str]]:
    from brainage.config import load_study
    from brainage.stages.cohorts import has_cohort
    from brainage.stages.run import trains

    study = load_study(
        arguments.study, overrides=[f"{key}={value}" for key, value in settings.items()]
    )
    verbs = ["train"] if trains(study) else []
    if has_cohort(study, "trial"):
        verbs += ["score"] if study.paths.scores is None else []
        verbs += ["compare"] if study.science.trial is not None else []
    yield _command("extract", arguments.study, settings, "--collect")
    for verb in [*verbs, "report"]:
        yield _command(verb, arguments.study, settings)
