"""Between extraction and the clock: one feature table a cohort, kept on disk."""

from __future__ import annotations

from pathlib import Path

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
        # Without its manifest a half-replaced folder cannot be taken for the finished one.
        (folder / MANIFEST).unlink(missing_ok=True)
        build_features(
            find_series(series_folder(study, cohort)),
            cohort_people(study, cohort),
            kinds=options.kinds,
            shrinkage=options.shrinkage,
            parcel_presence=options.parcel_presence,
            incomplete_scans=options.incomplete_scans,
            parcels=parcels,
            n_jobs=study.run.n_jobs,
            progress=progress,
            folder=folder,
        )
        written = [path for path in folder.iterdir() if path.is_file()]
        write_manifest(
            folder, stage="features", key=key, options=described, inputs=inputs, outputs=written
        )
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
