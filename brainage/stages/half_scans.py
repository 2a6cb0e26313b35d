"""Halves of a study's reference scans, for clocks that train on them as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from brainage.clock import ClockOptions
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, build_half_features
from brainage.errors import StageError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import cohort_paths, cohort_people
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


def with_half_scans(
    study: StudyConfig,
    features: FeatureTable,
    *,
    clocks: Sequence[ClockOptions] = (),
    progress: Progress = silent,
) -> FeatureTable:
    """Return the reference's features with their halves where a clock asks for them.

    Parameters
    ----------
    study : StudyConfig
        ``science.clock.half_scans``.
    features : FeatureTable
        Of the reference's whole scans.
    clocks : sequence of ClockOptions, optional
        Of a sweep, in the place of the study's own.
    progress : Progress, optional
        Told of every scan.

    Raises
    ------
    StageError
        Only matrices are at hand.
    """
    asking = [own for own in clocks or [study.science.clock] if own.half_scans != "off"]
    if not asking:
        return features
    if cohort_paths(study, "reference").matrices:
        raise StageError(
            f"clock.half_scans: {asking[0].half_scans} needs series, which can be cut in two; "
            "paths.reference.matrices names matrices. Set half_scans: off, or name the series."
        )
    cutter, words = how_to_cut(study, "reference")
    halves = build_half_features(
        cohort_series(study, "reference"),
        cohort_people(study, "reference"),
        features,
        views=tuple(dict.fromkeys(view for own in asking for view in own.views)),
        cutter=cutter,
        n_jobs=study.run.n_jobs,
        progress=progress,
    )
    return replace(features, halves=replace(halves, cut=words))


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
