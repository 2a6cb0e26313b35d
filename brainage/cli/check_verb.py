"""What `check` shows: what would run, or whether an output is still what its stages wrote."""

from __future__ import annotations

import argparse

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED
from brainage.cli.screen import Screen
from brainage.cli.shows import show_end
from brainage.cli.studies import as_given, overrides_of, study_of
from brainage.config import StudyConfig


def run_check(arguments: argparse.Namespace, screen: Screen) -> int:
    """Show what a study would use, computing nothing."""
    from brainage.config import is_sweep, load_sweep
    from brainage.stages.check import check, check_sweep

    if arguments.verify:
        return _verify(arguments, screen)
    study: StudyConfig
    if is_sweep(arguments.study):
        study = load_sweep(arguments.study, overrides=overrides_of(arguments))
        found = check_sweep(study)
    else:
        study = study_of(arguments)
        found = check(study)
    screen.line(f"{study.title}: output in {study.paths.output}")
    for line in found.lines:
        screen.line(line)
    for title, table in found.tables.items():
        screen.table(table, title=title)
    for problem in found.problems:
        screen.problem(f"problem: {problem}")
    for stop in found.stops:
        screen.problem(f"stops here: {stop}")
    screen.result(found.as_dict())
    if found.stops:
        show_end(screen, next_step=f"mend what stops, then: brainage check {as_given(arguments)}")
        return BAD_INPUT
    verb = "sweep" if is_sweep(arguments.study) else "run"
    show_end(screen, next_step=f"brainage {verb} {as_given(arguments)}")
    return SOME_FAILED if found.problems else DONE


def _verify(arguments: argparse.Namespace, screen: Screen) -> int:
    from brainage.stages.verify import verify

    study = study_of(arguments)
    with screen.progress() as bar:
        verified = verify(study, progress=bar)
    for problem in verified.problems:
        screen.problem(f"problem: {problem}")
    screen.line(
        f"{verified.n_files} files of {verified.n_stages} manifests and records compared with "
        f"their SHA-256: {len(verified.problems)} differ"
    )
    screen.result(
        {
            "n_files": verified.n_files,
            "n_stages": verified.n_stages,
            "problems": list(verified.problems),
        }
    )
    if verified.problems:
        show_end(screen, next_step="make again what differs: the stage's verb with --overwrite")
        return BAD_INPUT
    show_end(screen, next_step=f"brainage run {as_given(arguments)} makes what is missing, if any")
    return DONE
