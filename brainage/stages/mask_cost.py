"""What smoothing in each scan's own mask will cost, told before it is paid."""

from __future__ import annotations

from brainage.config import StudyConfig
from brainage.errors import BrainAgeError
from brainage.imaging import load_atlas, time_own_mask
from brainage.stages.cohorts import Cohort, stage_folder
from brainage.stages.extract import cohort_scans


def own_mask_cost(study: StudyConfig, cohort: Cohort) -> str | None:
    """Say what `science.cleaning.smoothing_mask: scan` costs a cohort; None where it is not used.

    Measured on the first scan that has a mask and can be opened.
    """
    cleaning = study.science.cleaning
    if cleaning.smoothing_fwhm_mm is None or cleaning.smoothing_mask != "scan":
        return None
    scans = cohort_scans(study, cohort)
    with_mask = [scan for scan in scans if scan.mask is not None]
    if not with_mask:
        return (
            f"{cohort}: smoothing_mask: scan costs nothing here, because no scan has a mask: "
            "weights are smoothed once a grid."
        )
    atlas = load_atlas(study.science.atlas)
    cache = stage_folder(study, "extract") / "operators"
    for scan in with_mask:
        try:
            cost_s = time_own_mask(scan, atlas, cleaning, cache_folder=cache)
        except (BrainAgeError, OSError):
            # Its own row will say what is wrong with it.
            continue
        if cost_s is None:
            return None
        return (
            f"{cohort}: smoothing_mask: scan smooths the weights anew in each scan's own mask: "
            f"{cost_s:.1f} s of a core for sub-{scan.participant_id}, "
            f"{_long(cost_s * len(with_mask))} for {len(with_mask)} scans (smoothing_mask: grid "
            "does it once for all)."
        )
    return None


def _long(seconds: float) -> str:
    for unit_s, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds:.0f} s"
