"""The length curve of a study's clock: parts of its reference scans, each a scan of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainage.clock import (
    LENGTH_CUTS,
    ClockOptions,
    CrossValidation,
    measure_length_curve,
    scans_for_curve,
)
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, PartFeatures, build_part_features
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import cohort_paths, cohort_people
from brainage.stages.cutting import how_to_cut
from brainage.stages.features import cohort_series
from brainage.tables import LENGTH_CURVE, LengthCurve, write_table

_TABLE = "length_curve.tsv"


@dataclass(frozen=True)
class LengthParts:
    """Parts of the reference's scans, as a length curve is measured on, and how they were cut."""

    features: PartFeatures
    cut: str


def reference_length_parts(
    study: StudyConfig,
    features: FeatureTable,
    options: ClockOptions,
    *,
    progress: Progress = silent,
) -> LengthParts | str:
    """Cut some of the reference's scans in parts.

    Parameters
    ----------
    study : StudyConfig
        Names the reference's series; ``science.evaluation.length_curve_scans`` says how many.
    features : FeatureTable
        Of the reference.
    options : ClockOptions
        Of the clock.
    progress : Progress, optional
        Told of scans.

    Returns
    -------
    parts : LengthParts or str
        Why there are none, in their place.
    """
    n_most = study.science.evaluation.length_curve_scans
    if n_most == 0:
        return "not asked for (science.evaluation.length_curve_scans: 0)"
    if cohort_paths(study, "reference").matrices:
        return "only matrices are at hand: a scan cannot be cut"
    try:
        cutter, words = how_to_cut(study, "reference")
        parts = build_part_features(
            cohort_series(study, "reference"),
            cohort_people(study, "reference"),
            features,
            views=options.views,
            cuts=LENGTH_CUTS,
            scans=scans_for_curve(features, n_most),
            cutter=cutter,
            n_jobs=study.run.n_jobs,
            progress=progress,
        )
    except BrainAgeError as error:
        # The clock itself is none the worse.
        return str(error)
    return LengthParts(parts, words)


def reference_length_curve(
    parts: LengthParts | str,
    features: FeatureTable,
    options: ClockOptions,
    cv: CrossValidation,
    *,
    progress: Progress = silent,
) -> LengthCurve | str:
    """Measure the length curve of the study's clock on its reference cohort's left-out scans.

    Parameters
    ----------
    parts : LengthParts or str
        As `reference_length_parts` gave them.
    features : FeatureTable
        Of the reference.
    options : ClockOptions
        Of the clock.
    cv : CrossValidation
        Of the clock, with its fold models.
    progress : Progress, optional
        Told of folds.

    Returns
    -------
    curve : LengthCurve or str
        Why there is none, in its place.
    """
    if isinstance(parts, str):
        return parts
    try:
        curve = measure_length_curve(
            features, parts.features, options, cv, cut=parts.cut, progress=progress
        )
    except BrainAgeError as error:
        return str(error)
    if np.isnan(curve.rows["shift_years"].to_numpy(float)).all():
        reasons = parts.features.reasons["reason"]
        return f"no part could be used: {reasons.iloc[0]}" if len(reasons) else "too few people"
    return curve


def length_facts(curve: LengthCurve | str) -> dict[str, object]:
    """Return what a clock file keeps of a length curve: figures, or why there are none."""
    if isinstance(curve, str):
        return {"length_curve_not_known": curve}
    return {"length_curve": curve.to_dict()}


def write_length_curve(curve: LengthCurve | str, folder: Path) -> list[Path]:
    """Write the table and its dictionary where there is one; return the paths."""
    path = folder / _TABLE
    for old in (path, path.with_suffix(".json")):
        old.unlink(missing_ok=True)
    if isinstance(curve, str):
        return []
    write_table(curve.rows, path, LENGTH_CURVE)
    return [path, path.with_suffix(".json")]
