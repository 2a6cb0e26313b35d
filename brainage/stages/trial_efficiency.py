"""What a trial asks of a clock: halves of the reference scans, and a twin where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import (
    EFFICIENCY,
    MIN_SCANS,
    BrainClock,
    ClockOptions,
    CrossValidation,
    PartOfScans,
    PlantedScans,
    ScanParts,
    finite,
    measure_efficiency,
    predict_halves,
    score_halves,
    unmeasured,
)
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, build_features
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import Cohort, cohort_paths, cohort_people
from brainage.stages.half_scans import halves_of
from brainage.synthetic import make_study
from brainage.tables import WHOLE_BRAIN, write_table

ONLY_MATRICES = "only matrices are at hand: a scan cannot be cut in two"
#: By how much the twin's brain ages are planted higher, and in how many people.
PLANTED_YEARS = 2.0
N_PLANTED = 100
_TABLE = "efficiency.tsv"


def why_no_halves(study: StudyConfig, cohort: Cohort) -> str | None:
    """Return why a cohort's scans cannot be cut in two; None where they can."""
    return ONLY_MATRICES if cohort_paths(study, cohort).matrices else None


@contextmanager
def scan_parts(
    study: StudyConfig,
    features: FeatureTable,
    *,
    views: Sequence[str],
    folder: Path,
    cohort: Cohort = "reference",
    progress: Progress = silent,
) -> Iterator[ScanParts]:
    """Make the features of both halves of scans, on disk, for as long as they are used.

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
    cohort : {"reference", "external"}, default="reference"
        Whose.
    progress : Progress, optional
        Told of every scan.

    Yields
    ------
    parts : ScanParts
        Of all scans, or of ``science.evaluation.efficiency_scans`` of them.
    """
    scans, most = None, study.science.evaluation.efficiency_scans
    if len(features) > most:
        rng = np.random.default_rng(study.science.seed)
        scans = np.sort(rng.choice(len(features), most, replace=False))
    planted = _planted(study, features, views) if cohort == "reference" else None
    if scans is None and features.halves is not None and set(views) <= set(features.halves.first):
        # The clock was trained on them.
        yield ScanParts(features.halves, planted, scans)
        return
    with halves_of(
        study,
        features,
        views=views,
        folder=folder,
        scans=scans,
        cohort=cohort,
        progress=progress,
    ) as halves:
        yield ScanParts(halves, planted, scans)


def reference_efficiency(
    study: StudyConfig,
    features: FeatureTable,
    options: ClockOptions,
    cv: CrossValidation,
    *,
    folder: Path,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Measure what the study's clock asks of a trial, on its reference cohort's left-out scans.

    Parameters
    ----------
    study : StudyConfig
        Names the reference's series.
    features : FeatureTable
        Of the reference.
    options : ClockOptions
        Of the clock.
    cv : CrossValidation
        Of the clock, with its fold models.
    folder : Path
        For scratch.
    progress : Progress, optional
        Told of scans and folds.

    Returns
    -------
    efficiency : DataFrame
        Schema `EFFICIENCY`; one row that says why where it cannot be measured.
    """
    reason, cut = why_no_halves(study, "reference"), ""
    whole = cv.predictions[cv.predictions["repeat"] == 0]
    halves = whole.rename(columns={"predicted_age_years": "whole_years"})
    if reason is None:
        try:
            with scan_parts(
                study, features, views=options.views, folder=folder, progress=progress
            ) as parts:
                cut = parts.halves.cut
                halves = predict_halves(
                    features,
                    parts.halves,
                    options,
                    cv,
                    scans=parts.scans,
                    planted=parts.planted,
                    progress=progress,
                )
        except BrainAgeError as error:
            # Series that cannot be cut: the clock itself is none the worse.
            reason = str(error)
    return _measured(study, halves, reason, cut)


def external_efficiency(
    study: StudyConfig,
    features: FeatureTable,
    clocks: Mapping[str, BrainClock],
    *,
    folder: Path,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Measure what the frozen whole-brain clock asks of a trial, on the external cohort's scans.

    Parameters
    ----------
    study : StudyConfig
        Names the cohort's series.
    features : FeatureTable
        Of the external cohort.
    clocks : mapping of str to BrainClock
        Frozen.
    folder : Path
        For scratch.
    progress : Progress, optional
        Told of every scan.

    Returns
    -------
    efficiency : DataFrame
        Schema `EFFICIENCY`; one row that says why where it cannot be measured.
    """
    if WHOLE_BRAIN not in clocks:
        return unmeasured("no clock of the whole brain")
    reason, cut, clock = why_no_halves(study, "external"), "", clocks[WHOLE_BRAIN]
    halves = clock.score(features).rename(columns={"predicted_age_years": "whole_years"})
    if reason is None:
        views = tuple(spec.kind for spec in clock.specs)
        try:
            with scan_parts(
                study, features, views=views, folder=folder, cohort="external", progress=progress
            ) as parts:
                cut = parts.halves.cut
                halves = score_halves(clock, features, parts.halves, scans=parts.scans)
        except BrainAgeError as error:
            reason = str(error)
    return _measured(study, halves, reason, cut)


def _measured(
    study: StudyConfig, halves: pd.DataFrame, reason: str | None, cut: str
) -> pd.DataFrame:
    there = halves.get("first_years", pd.Series(dtype=float)).notna().sum()
    if reason is None and there < MIN_SCANS:
        reason = f"{there} scans could be halved, at least {MIN_SCANS} needed"
    return measure_efficiency(
        halves,
        local_ages_years=study.science.evaluation.trial_ages_years,
        why_no_halves=reason or "",
        cut=cut,
        n_bootstrap=study.science.clock.validation.n_bootstrap,
        seed=study.science.seed,
    )


def write_efficiency(efficiency: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the table and its dictionary; return the paths."""
    path = folder / _TABLE
    write_table(finite(efficiency), path, EFFICIENCY)
    return [path, path.with_suffix(".json")]


def efficiency_facts(efficiency: pd.DataFrame) -> list[dict]:
    """Return the table as a clock file holds it: figures and words, None for what is n/a."""
    table = finite(efficiency).astype(object)
    return table.where(table.notna(), None).to_dict("records")


def _planted(
    study: StudyConfig, features: FeatureTable, views: Sequence[str]
) -> PlantedScans | None:
    """Draw the twin's scans again, same noise, with a higher brain age; None without a twin."""
    options = study.synthetic
    if options is None or options.depth != "series":
        return None
    twin = make_study(options, seed=study.science.seed)
    scans = twin.scans("reference")
    keys = list(zip(features.rows["participant_id"], features.rows["session_id"], strict=True))
    row_of = {key: i for i, key in enumerate(keys)}
    chosen = np.unique(np.linspace(0, len(scans) - 1, N_PLANTED).round().astype(int))
    again = []
    for _, row in scans.iloc[chosen].iterrows():
        if (row["participant_id"], row["session_id"]) in row_of:
            shifted = row["brain_age_years"] + PLANTED_YEARS
            again.append(twin.make_series(row.where(row.index != "brain_age_years", shifted)))
    if not again:
        return None
    made = build_features(
        again,
        cohort_people(study, "reference"),
        kinds=tuple(views),
        shrinkage=study.science.connectivity.shrinkage,
        parcels=features[views[0]].spec.parcel_names,
    )
    found = zip(made.rows["participant_id"], made.rows["session_id"], strict=True)
    rows = np.array([row_of[key] for key in found])
    part = PartOfScans({name: made[name].values for name in views}, rows)
    return PlantedScans(part, PLANTED_YEARS)
