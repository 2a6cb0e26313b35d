"""Between extraction and the clock: one feature table a cohort, kept on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, build_features
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.progress import Progress, silent
from brainage.series import find_series
from brainage.stages.cohorts import Cohort, cohort_paths, cohort_people, series_folder
from brainage.stages.manifest import (
    MANIFEST,
    is_current,
    listing_hash,
    stage_key,
    write_manifest,
)
from brainage.tables import Column, TableSchema, write_table

EXCLUDED = TableSchema(
    "excluded",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("reason", "text", "Why the session is not used."),
    ),
)


def cohort_features(
    study: StudyConfig,
    cohort: Cohort,
    folder: Path,
    *,
    parcels: tuple[str, ...] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> tuple[FeatureTable, str]:
    """Build a cohort's features in a folder, or load them where they are current.

    Parameters
    ----------
    study : StudyConfig
        Names series and people.
    cohort : {"reference", "trial"}
        Whose.
    folder : Path
        Written with its own manifest.
    parcels : tuple of str, optional
        The parcels of a frozen clock; None: decided by the rule in `connectivity`.
    overwrite : bool, default=False
        Build again.
    progress : Progress, optional
        Told of every series file.

    Returns
    -------
    features : FeatureTable
        Memory-mapped.
    key : str
        Hash of what they were made from.
    """
    options = study.science.connectivity
    inputs = series_inputs(study, cohort)
    described = [options.model_dump(mode="json"), None if parcels is None else list(parcels)]
    key = stage_key("features", described, inputs)
    if overwrite or not is_current(folder, key):
        features = build_features(
            find_series(series_folder(study, cohort)), cohort_people(study, cohort),
            options=options, parcels=parcels, n_jobs=study.run.n_jobs, progress=progress,
            folder=folder,
        )  # fmt: skip
        write_table(features.excluded, folder / "excluded.tsv", EXCLUDED)
        if len(features.rows) == 0:
            raise StageError(_nobody_left(study, cohort, features.excluded))
        written = [path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST]
        write_manifest(folder, stage="features", key=key, options=described, inputs=inputs,
                       outputs=written)  # fmt: skip
    return FeatureTable.load(folder), key


def series_inputs(study: StudyConfig, cohort: Cohort) -> dict[str, str]:
    """Return the hashes of the series tree and the people tables of a cohort."""
    paths = cohort_paths(study, cohort)
    folder = series_folder(study, cohort)
    if not folder.is_dir():
        raise StageError(f"{folder}: no parcel series of the {cohort} cohort there. "
                         "Run `brainage extract` first.")  # fmt: skip
    inputs = {f"{cohort} series": listing_hash(folder, "_timeseries.tsv")}
    for name in ("participants", "sessions"):
        path = getattr(paths, name)
        if path is not None and Path(path).is_file():
            inputs[f"{cohort} {name}"] = hash_file(path)
        elif path is not None and Path(path).is_dir():
            inputs[f"{cohort} {name}"] = listing_hash(path, "_sessions.tsv")
    return inputs


def _nobody_left(study: StudyConfig, cohort: Cohort, excluded: pd.DataFrame) -> str:
    reasons = excluded["reason"].value_counts()
    listed = "; ".join(f"{count} x {reason}" for reason, count in reasons.head(5).items())
    return (f"{series_folder(study, cohort)}: no session of the {cohort} cohort can be used "
            f"({listed or 'none found'}).")  # fmt: skip
