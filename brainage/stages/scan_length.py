"""The length curve of a study's clock: parts of its reference scans, cut before any filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from brainage.connectivity import (
    Cut,
    Cutter,
    FeatureTable,
    ParcelMatrix,
    build_part_features,
    cut_cleaned,
)
from brainage.errors import BrainAgeError, ScanError, SeriesError
from brainage.imaging import Scan, clean_measured, measure_scan
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile
from brainage.stages.cohorts import cohort_paths, cohort_people, made_elsewhere
from brainage.stages.extract import scan_work
from brainage.stages.features import cohort_series
from brainage.stages.scan_list import frozen_scans
from brainage.stages.scan_work import ScanWork
from brainage.tables import LENGTH_CURVE, LengthCurve, write_table

BEFORE_FILTERING = "cut, censored and standardised before filtering"
UNFILTERED = "cut, censored and standardised; the series are not filtered"
AFTER_FILTERING = "cut after filtering"
_TABLE = "length_curve.tsv"
_Labels = tuple[str, str, str, str]


@dataclass(frozen=True)
class CutBeforeFiltering:
    """Cuts a run's signals as they were measured, and cleans each part as a scan of its own.

    Parameters
    ----------
    scans : dict of labels to Scan
        Images by participant, session, task and run.
    work : ScanWork
        How the cohort was extracted.
    """

    scans: dict[_Labels, Scan]
    work: ScanWork

    def __call__(
        self, run: SeriesFile | ParcelSeries | ParcelMatrix, cuts: Sequence[Cut]
    ) -> list[ParcelSeries | str]:
        """Return a part of the run for each cut, or why there is none."""
        if not isinstance(run, SeriesFile | ParcelSeries):
            raise SeriesError(f"{type(run).__name__}: a matrix cannot be cut in time.")
        labels = (run.participant_id, run.session_id, run.task, run.run)
        work = self.work
        try:
            measured = measure_scan(
                self.scans[labels],
                atlas=work.atlas,
                cleaning=work.cleaning,
                atlas_options=work.atlas_options,
                cache_folder=work.folder.parent / "operators",
                n_threads=1,
            )
        except (ScanError, OSError) as error:
            raise SeriesError(str(error)) from error
        kept = measured.nuisance.kept_volumes
        parts: list[ParcelSeries | str] = []
        for cut in cuts:
            rows = cut.rows(len(kept), "_".join(labels))
            try:
                part = clean_measured(measured, exclusion=work.exclusion, kept_volumes=kept[rows])
            except ScanError as error:
                parts.append(str(error))
                continue
            # The rules are for whole scans: a part is short on purpose.
            parts.append(replace(part, quality=replace(part.quality, exclusion=None)))
        return parts


def how_to_cut(study: StudyConfig) -> tuple[Cutter, str]:
    """Return how the reference's scans are cut, and that in words."""
    if made_elsewhere(cohort_paths(study, "reference")) is not None:
        return cut_cleaned, f"{AFTER_FILTERING}, if the series were filtered"
    cleaning = study.science.cleaning
    if cleaning.high_pass_hz is None and cleaning.low_pass_hz is None:
        return cut_cleaned, UNFILTERED
    scans = frozen_scans(study, "reference") or []
    if scans and all(scan.bold.is_file() for scan in scans):
        by_labels = {
            (scan.participant_id, scan.session_id, scan.task, scan.run): scan for scan in scans
        }
        return CutBeforeFiltering(by_labels, scan_work(study, "reference")), BEFORE_FILTERING
    return cut_cleaned, AFTER_FILTERING


def reference_length_curve(
    study: StudyConfig,
    features: FeatureTable,
    options: ClockOptions,
    cv: CrossValidation,
    *,
    progress: Progress = silent,
) -> LengthCurve | str:
    """Measure the length curve of the study's clock on its reference cohort's left-out scans.

    Parameters
    ----------
    study : StudyConfig
        Names the reference's series; ``science.evaluation.length_curve_scans`` says how many.
    features : FeatureTable
        Of the reference.
    options : ClockOptions
        Of the clock.
    cv : CrossValidation
        Of the clock, with its fold models.
    progress : Progress, optional
        Told of scans and folds.

    Returns
    -------
    curve : LengthCurve or str
        Why there is none, in its place.
    """
    n_most = study.science.evaluation.length_curve_scans
    if n_most == 0:
        return "not asked for (science.evaluation.length_curve_scans: 0)"
    if cohort_paths(study, "reference").matrices:
        return "only matrices are at hand: a scan cannot be cut"
    cutter, words = how_to_cut(study)
    try:
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
        curve = measure_length_curve(features, parts, options, cv, cut=words, progress=progress)
    except BrainAgeError as error:
        # The clock itself is none the worse.
        return str(error)
    if np.isnan(curve.rows["shift_years"].to_numpy(float)).all():
        reasons = parts.reasons["reason"]
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
