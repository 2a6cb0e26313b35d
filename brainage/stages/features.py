"""Between extraction and the clock: one feature table a cohort, kept on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import EXCLUDED, FeatureTable, build_features, find_matrices
from brainage.connectivity.sessions import IN_PEOPLE_TABLE
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.progress import Progress, silent
from brainage.series import SeriesFile, find_series
from brainage.stages.cohorts import (
    Cohort,
    cohort_paths,
    cohort_people,
    people_files,
    series_folder,
    stage_folder,
)
from brainage.stages.extract import SCANS
from brainage.stages.manifest import (
    MANIFEST,
    files_hash,
    is_current,
    listing_hash,
    stage_key,
    write_manifest,
)
from brainage.tables import read_table


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
    options, paths = study.science.connectivity, cohort_paths(study, cohort)
    inputs = series_inputs(study, cohort)
    described = [options.model_dump(mode="json"), None if parcels is None else list(parcels)]
    read_as = {
        name: getattr(paths, name)
        for name in ("columns", "atlas", "parcels_in", "matrix_values", "triangle")
        if getattr(paths, name)
    }
    if read_as:
        # Another column for the age is another table, although no file changed.
        described.append({"columns": paths.columns, "atlas": paths.atlas} | read_as)
    key = stage_key("features", described, inputs)
    if overwrite or not is_current(folder, key):
        # Without its manifest a half-replaced folder cannot be taken for the finished one.
        (folder / MANIFEST).unlink(missing_ok=True)
        build_features(
            cohort_series(study, cohort),
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


def cohort_series(study: StudyConfig, cohort: Cohort) -> list[SeriesFile]:
    """List a cohort's parcel series, or matrices made elsewhere, opening none.

    Of an extraction only what its summary names is used: its folder may also hold series of
    another atlas, of scans that were taken out of the study, or of scans that fail by now.

    Raises
    ------
    StageError
        No series, an extraction that did not come to its end, or a file that has gone since.
    """
    paths, folder = cohort_paths(study, cohort), series_folder(study, cohort)
    named = {"atlas": paths.atlas, "space": paths.space, "task": paths.task}
    if paths.matrices:
        return find_matrices(
            folder,
            **named,
            values=paths.matrix_values,
            triangle=paths.triangle,
            parcels=paths.parcels,
        )
    if paths.series:
        return find_series(folder, **named, parcels_in=paths.parcels_in, parcels=paths.parcels)
    summary = folder / "scans.tsv"
    if not summary.is_file():
        where = "" if paths.scans else f"Name paths.{cohort}.scans or .series. "
        raise StageError(
            f"{summary}: no summary of an extraction of the {cohort} cohort there. "
            f"{where}Run `brainage extract` first (after --shard or --participant: "
            "`brainage extract --collect`)."
        )
    scans = read_table(summary, SCANS)
    made = scans[scans["series"].notna()]
    if made.empty:
        raise StageError(
            f"{summary}: none of {len(scans)} scans could be extracted; the column reason says why."
        )
    files = [
        SeriesFile(folder / row.series, row.participant_id, row.session_id, row.run, row.task)
        for row in made.itertuples()
    ]
    gone = [file.path for file in files if not file.path.is_file()]
    if gone:
        raise StageError(
            f"{gone[0]}: listed in {summary} but not there ({len(gone)} such "
            "files). Run `brainage extract` again."
        )
    return sorted(files, key=lambda file: str(file.path))


def left_out(study: StudyConfig, stage: str) -> pd.DataFrame:
    """Return the sessions without features of a finished train or score stage, and why."""
    path = stage_folder(study, stage) / "features" / "excluded.tsv"
    if not path.is_file():
        return pd.DataFrame(columns=list(EXCLUDED.names), dtype=str)
    return read_table(path, EXCLUDED)


def lacks_a_person(excluded: pd.DataFrame) -> bool:
    """Return whether any session is left out for want of a row or an age, and not by a rule."""
    return bool(excluded["reason"].str.endswith(IN_PEOPLE_TABLE).any())


def series_inputs(study: StudyConfig, cohort: Cohort) -> dict[str, str]:
    """Return the hashes of the series files and the people tables of a cohort."""
    files = list(dict.fromkeys(file.path for file in cohort_series(study, cohort)))
    parcels = cohort_paths(study, cohort).parcels
    if parcels is not None and Path(parcels).is_file():
        files.append(Path(parcels))
    inputs = {f"{cohort} series": files_hash(series_folder(study, cohort), files)}
    for name, path in people_files(study, cohort).items():
        if path.is_file():
            inputs[f"{cohort} {name}"] = hash_file(path)
        elif path.is_dir():
            inputs[f"{cohort} {name}"] = listing_hash(path, "_sessions.tsv")
    return inputs
