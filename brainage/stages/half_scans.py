"""Halves of a study's reference scans, for clocks that train on them as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import ClockOptions
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, HalfFeatures, build_half_features
from brainage.errors import StageError
from brainage.files import scratch_folder
from brainage.progress import Progress, silent
from brainage.stages.cohorts import Cohort, cohort_paths, cohort_people
from brainage.stages.cutting import how_to_cut
from brainage.stages.features import cohort_series
from brainage.tables import Column, TableSchema, write_table

NOT_HALVED = TableSchema(
    "scans too short to halve",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("reason", "text", "Why it was trained on whole alone."),
    ),
    key=("participant_id", "session_id"),
)
_TABLE = "not_halved.tsv"
#: Said wherever a study asks for half scans.
TRADE_OFF = (
    "half scans as training rows: a single ridge moves less with scan length for it, a stack may "
    "not, and a trial needs other numbers of people (on ABIDE 0.85 times with Fisher z, 1.19 times "
    "with the logarithm); compare train/length_curve.tsv and train/efficiency.tsv with those of "
    "half_scans: off"
)


@contextmanager
def with_half_scans(
    study: StudyConfig,
    features: FeatureTable,
    *,
    folder: Path,
    clocks: Sequence[ClockOptions] = (),
    progress: Progress = silent,
) -> Iterator[FeatureTable]:
    """Give the reference's features with their halves, where a clock asks for them.

    Parameters
    ----------
    study : StudyConfig
        ``science.clock.half_scans``.
    features : FeatureTable
        Of the reference's whole scans.
    folder : Path
        A scratch folder for the halves' features is made in it, and removed.
    clocks : sequence of ClockOptions, optional
        Of a sweep, in the place of the study's own.
    progress : Progress, optional
        Told of every scan.

    Yields
    ------
    features : FeatureTable

    Raises
    ------
    StageError
        Only matrices are at hand.
    """
    asking = [own for own in clocks or [study.science.clock] if own.half_scans != "off"]
    if not asking:
        yield features
        return
    if cohort_paths(study, "reference").matrices:
        raise StageError(
            f"clock.half_scans: {asking[0].half_scans} needs series, which can be cut in two; "
            "paths.reference.matrices names matrices. Set half_scans: off, or name the series."
        )
    views = tuple(dict.fromkeys(view for own in asking for view in own.views))
    with halves_of(study, features, views=views, folder=folder, progress=progress) as halves:
        yield replace(features, halves=halves)


@contextmanager
def halves_of(
    study: StudyConfig,
    features: FeatureTable,
    *,
    views: Sequence[str],
    folder: Path,
    scans: np.ndarray | None = None,
    cohort: Cohort = "reference",
    progress: Progress = silent,
) -> Iterator[HalfFeatures]:
    """Make the features of both halves of a cohort's scans, on disk, for as long as they are used.

    Parameters
    ----------
    study : StudyConfig
        Names series and people.
    features : FeatureTable
        Of the whole scans.
    views : sequence of str
        Which of its views.
    folder : Path
        A scratch folder is made in it, and removed.
    scans : ndarray of int, optional
        Rows of `features` that are halved; None: all.
    cohort : {"reference", "external"}, default="reference"
        Whose.
    progress : Progress, optional
        Told of every scan.

    Yields
    ------
    halves : HalfFeatures
        Features as memory maps: of a stack they are many times what memory holds.
    """
    cutter, words = how_to_cut(study, cohort)
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder) as scratch:
        halves = build_half_features(
            cohort_series(study, cohort),
            cohort_people(study, cohort),
            features,
            views=views,
            scans=scans,
            cutter=cutter,
            folder=scratch,
            n_jobs=study.run.n_jobs,
            progress=progress,
        )
        yield replace(halves, cut=words)


def write_not_halved(features: FeatureTable, folder: Path) -> list[Path]:
    """Name the scans that were too short to halve; return the paths, none where all were."""
    path = folder / _TABLE
    for old in (path, path.with_suffix(".json")):
        old.unlink(missing_ok=True)
    reasons = pd.DataFrame() if features.halves is None else features.halves.reasons
    if reasons.empty:
        return []
    write_table(reasons, path, NOT_HALVED)
    return [path, path.with_suffix(".json")]
