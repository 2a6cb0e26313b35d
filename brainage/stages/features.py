"""Between extraction and the clock: one feature table a cohort, kept on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import (
    EXCLUDED,
    IN_PEOPLE_TABLE,
    FeatureTable,
    build_features,
    find_matrices,
)
from brainage.errors import StageError
from brainage.files import hash_file
from brainage.progress import Progress, silent
from brainage.series import SeriesFile, find_series
from brainage.stages.cohorts import (
    Cohort,
    cohort_paths,
    cohort_people,
    extraction_summary,
    made_elsewhere,
    people_files,
    series_folder,
    stage_folder,
)
from brainage.stages.making import Making
from brainage.stages.manifest import (
    MANIFEST,
    files_hash,
    listing_hash,
    read_checked_manifest,
    read_manifest,
)
from brainage.stages.records import SCANS, not_yet, refuse_changed_series
from brainage.tables import read_table


def cohort_features(
    study: StudyConfig,
    cohort: Cohort,
    folder: Path,
    *,
    verb: str = "train",
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
    verb : str, default="train"
        The command that asks for them, for messages.
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
    making = Making(folder, "features", described, inputs, verb=verb)

    def write() -> list[Path]:
        build_features(
            checked_series(study, cohort),
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
        return [
            path
            for path in folder.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.name != MANIFEST
        ]

    making.make(write, overwrite=overwrite)
    return FeatureTable.load(folder), making.key


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
        return [
            *find_matrices(
                folder,
                **named,
                values=paths.matrix_values,
                triangle=paths.triangle,
                parcels=paths.parcels,
            )
        ]
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
    read_checked_manifest(folder)
    scans = read_table(summary, SCANS)
    refuse_partial(study, cohort)
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


def refuse_partial(study: StudyConfig, cohort: Cohort) -> None:
    """Refuse a cohort of which scans are not extracted yet, unless ``run.allow_partial``.

    Raises
    ------
    StageError
        How many of how many, and what to run.
    """
    summary = extraction_summary(study, cohort)
    if summary is None or study.run.allow_partial:
        return
    scans = read_table(summary, SCANS)
    left = scans[not_yet(scans)]
    if len(left):
        first = "_".join(str(left.iloc[0][name]) for name in ("participant_id", "session_id"))
        raise StageError(
            f"{summary}: {len(scans) - len(left)} of {len(scans)} scans are extracted; {len(left)} "
            f"are not yet (the first: {first}). Run what is missing (`brainage extract`, or the "
            "lacking --shard and then --collect), or go on without them by --allow-partial."
        )


def scans_used(study: StudyConfig, cohort: Cohort) -> str:
    """Return how many of a cohort's scans are in use ("reference: 78 of 130 scans")."""
    summary = extraction_summary(study, cohort)
    if summary is None:
        n = len(cohort_series(study, cohort))
        return f"{cohort}: {n} of {n} series"
    scans = read_table(summary, SCANS)
    return f"{cohort}: {int((scans['status'] == 'done').sum())} of {len(scans)} scans"


def checked_series(study: StudyConfig, cohort: Cohort) -> list[SeriesFile]:
    """List a cohort's parcel series, each as its extraction wrote it.

    Raises
    ------
    StageError
        See `cohort_series`; or a series that was changed since it was extracted.
    """
    files = cohort_series(study, cohort)
    if made_elsewhere(cohort_paths(study, cohort)) is None:
        folder = series_folder(study, cohort)
        table = read_table(folder / "scans.tsv", SCANS)
        refuse_changed_series(folder, table, n_threads=study.run.n_jobs)
    return files


def left_out(study: StudyConfig, stage: str) -> pd.DataFrame:
    """Return the sessions without features of a finished train or score stage, and why."""
    path = stage_folder(study, stage) / "features" / "excluded.tsv"
    if path.is_file() and read_manifest(path.parent, missing_ok=True) is not None:
        read_checked_manifest(path.parent, only=[path.name])
    else:
        return pd.DataFrame(columns=list(EXCLUDED.names), dtype=str)
    return read_table(path, EXCLUDED)


def lacks_a_person(excluded: pd.DataFrame) -> bool:
    """Return whether any session is left out for want of a row or an age, and not by a rule."""
    return bool(excluded["reason"].str.endswith(IN_PEOPLE_TABLE).any())


def series_inputs(study: StudyConfig, cohort: Cohort) -> dict[str, str]:
    """Return the hashes of the series files and the people tables of a cohort."""
    by = study.run.input_identity
    files = list(dict.fromkeys(file.path for file in cohort_series(study, cohort)))
    parcels = cohort_paths(study, cohort).parcels
    if parcels is not None and Path(parcels).is_file():
        files.append(Path(parcels))
    inputs = {f"{cohort} series": files_hash(series_folder(study, cohort), files, by=by)}
    for name, path in people_files(study, cohort).items():
        if path.is_file():
            inputs[f"{cohort} {name}"] = hash_file(path)
        elif path.is_dir():
            inputs[f"{cohort} {name}"] = listing_hash(path, "_sessions.tsv", by=by)
    return inputs
