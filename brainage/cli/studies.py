"""From the arguments of a command to the study it is about."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from brainage.config import StudyConfig, load_study
from brainage.errors import ConfigError
from brainage.stages.cohorts import Cohort


def overrides_of(arguments: argparse.Namespace) -> list[str]:
    """Return the overrides a command gives, its own flags among them."""
    overrides = list(arguments.overrides)
    if getattr(arguments, "n_jobs", None) is not None:
        overrides.append(f"run.n_jobs={arguments.n_jobs}")
    if getattr(arguments, "executor", None) is not None:
        overrides.append(f"run.executor={arguments.executor}")
    if getattr(arguments, "allow_partial", False):
        overrides.append("run.allow_partial=true")
    return overrides


def as_given(arguments: argparse.Namespace, *, study: str | Path | None = None) -> str:
    """Return the study and the settings of a command, for the next one to be copied.

    Parameters
    ----------
    arguments : Namespace
        Of the command.
    study : str or Path or None, default=None
        Another study file; None: the command's own.
    """
    words = [str(arguments.study if study is None else study)]
    for override in getattr(arguments, "overrides", []):
        words += ["--set", override]
    return shlex.join(words)


def study_of(
    arguments: argparse.Namespace, *, name: str | None = None, first: Sequence[str] = ()
) -> StudyConfig:
    """Load the study a command names.

    Parameters
    ----------
    arguments : Namespace
        Of the command.
    name : str or None, default=None
        Study file or packaged study; None: the one the command names.
    first : sequence of str, default=()
        Overrides that those of the command go on top of.
    """
    overrides = [*first, *overrides_of(arguments)]
    study = load_study(name or arguments.study, overrides=overrides)
    refuse_without_data(study, arguments.verb)
    return study


def refuse_without_data(study: StudyConfig, verb: str) -> None:
    """Refuse a verb that reads the data of a synthetic study which has not made them yet."""
    if study.synthetic is None:
        return
    from brainage.stages.cohorts import stage_folder

    data = stage_folder(study, "data")
    if verb in ("extract", "train", "score", "sweep") and not data.is_dir():
        raise ConfigError(
            f"{data}: the synthetic data are not made yet; `brainage run` makes them."
        )


def people_of(
    study: StudyConfig, cohorts: Sequence[Cohort], wanted: Sequence[str] | None
) -> dict[Cohort, list[str] | None]:
    """Return each cohort's share of the participants asked for; None stands for everybody."""
    from brainage.stages.extract import cohort_scans

    if wanted is None:
        return dict.fromkeys(cohorts)
    names = {name.removeprefix("sub-") for name in wanted}
    found: dict[Cohort, list[str] | None] = {}
    for cohort in cohorts:
        here = names & {scan.participant_id for scan in cohort_scans(study, cohort, frozen=True)}
        if here:
            found[cohort] = sorted(here)
    absent = sorted(names.difference(*(people or () for people in found.values())))
    if absent:
        raise ConfigError(
            f"--participant: no scans of {', '.join(absent)} in the cohort(s) {', '.join(cohorts)}."
        )
    return found


def shard_of(text: str | None) -> tuple[int, int] | None:
    """Return K and N of ``--shard K/N``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ConfigError(f"--shard {text}: expected K/N with 1 <= K <= N, e.g. 3/16.")
    return int(match[1]), int(match[2])
