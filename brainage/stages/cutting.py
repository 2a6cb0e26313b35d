"""How a study's scans are cut in parts: before any filter where the images are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from brainage.config import StudyConfig
from brainage.connectivity import Cut, Cutter, ParcelMatrix, cut_cleaned
from brainage.errors import ScanError, SeriesError
from brainage.imaging import Scan, clean_measured, measure_scan
from brainage.series import ParcelSeries, SeriesFile
from brainage.stages.cohorts import Cohort, cohort_paths, made_elsewhere
from brainage.stages.extract import scan_work
from brainage.stages.scan_list import frozen_scans
from brainage.stages.scan_work import ScanWork

BEFORE_FILTERING = "cut, censored and standardised before filtering"
UNFILTERED = "cut, censored and standardised; the series are not filtered"
AFTER_FILTERING = "cut after filtering"
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


def how_to_cut(study: StudyConfig, cohort: Cohort) -> tuple[Cutter, str]:
    """Return how a cohort's scans are cut, and that in words."""
    if made_elsewhere(cohort_paths(study, cohort)) is not None:
        return cut_cleaned, f"{AFTER_FILTERING}, if the series were filtered"
    cleaning = study.science.cleaning
    if cleaning.high_pass_hz is None and cleaning.low_pass_hz is None:
        return cut_cleaned, UNFILTERED
    scans = frozen_scans(study, cohort) or []
    if scans and all(scan.bold.is_file() for scan in scans):
        by_labels = {
            (scan.participant_id, scan.session_id, scan.task, scan.run): scan for scan in scans
        }
        return CutBeforeFiltering(by_labels, scan_work(study, cohort)), BEFORE_FILTERING
    return cut_cleaned, AFTER_FILTERING
