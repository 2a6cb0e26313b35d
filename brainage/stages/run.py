"""Every stage of a study in order; what is current is not made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

from brainage.config import StudyConfig
from brainage.progress import Progress, silent
from brainage.stages.already_there import extracted_before, stands_before
from brainage.stages.check import data_are_there, refuse_stops
from brainage.stages.cohorts import COHORTS, Cohort, cohort_paths, has_cohort, trains
from brainage.stages.compare import compare
from brainage.stages.evaluate import asks_for_evaluation, evaluate
from brainage.stages.extract import extract_cohort
from brainage.stages.recovery import recovery, truth
from brainage.stages.report import report
from brainage.stages.score import score
from brainage.stages.synthesize import synthesize
from brainage.stages.train import train


class StageDone(NamedTuple):
    """One finished stage: its name, what it made, how long it took, whether it stood before."""

    name: str
    result: object
    seconds: float
    already_there: bool = False


def run_stages(
    study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent
) -> Iterator[StageDone]:
    """Run a study's stages, yielding each as it ends.

    Parameters
    ----------
    study : StudyConfig
        A study without ``science.trial`` ends with its trained clock, the scores of its
        ``paths.trial`` if it names one, and a report.
    overwrite : bool, default=False
        Make everything again.
    progress : Progress, optional
        Told of every piece of work.

    Yields
    ------
    done : StageDone

    Raises
    ------
    StageError
        Before the first scan is read: what `check` stops at, which would end the run later.
    """

    def timed(
        name: str, make: Callable[..., object], *arguments: object, **options: object
    ) -> StageDone:
        before = stands_before(study, name)
        started = time.monotonic()
        result = make(*arguments, **options)
        return StageDone(name, result, time.monotonic() - started, before.is_all)

    def extracted() -> StageDone:
        started = time.monotonic()
        tables = extract_all(study, cohorts, overwrite=overwrite, progress=progress)
        n_scans = sum(map(len, tables.values()))
        there = 0 < n_scans == extracted_before(tables.values())
        return StageDone("extract", tables, time.monotonic() - started, there)

    def extract_all(
        study: StudyConfig, cohorts: list[Cohort], *, overwrite: bool, progress: Progress
    ) -> dict[Cohort, pd.DataFrame]:
        return {
            c: extract_cohort(study, c, overwrite=overwrite, progress=progress) for c in cohorts
        }

    shared = {"overwrite": overwrite, "progress": progress}
    if study.synthetic is not None:
        if not data_are_there(study):
            refuse_stops(study)
        yield timed("synthetic", synthesize, study, progress=progress)
    refuse_stops(study)
    cohorts = [c for c in COHORTS if cohort_paths(study, c).scans]
    if cohorts:
        yield extracted()
    if trains(study):
        yield timed("train", train, study, **shared)
    if asks_for_evaluation(study):
        yield timed("evaluate", evaluate, study, **shared)
    # A study without arms may still have scans to score.
    if study.paths.scores is None and has_cohort(study, "trial"):
        yield timed("score", score, study, **shared)
    if study.science.trial is not None:
        done = timed("compare", compare, study, **shared)
        yield done
        if study.synthetic is not None:
            yield timed("truth", truth, study, **shared)
            yield timed("recovery", recovery, study, done.result)
    yield timed("report", report, study)
