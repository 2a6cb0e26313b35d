"""Stage 3: trial series in, scores out. Arms are never read here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.clock import check_disjoint
from brainage.config import StudyConfig
from brainage.errors import FeatureMismatchError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import stage_folder
from brainage.stages.features import cohort_features
from brainage.stages.manifest import is_current, stage_key, write_manifest
from brainage.stages.train import WHOLE_BRAIN, study_clocks
from brainage.tables import SCORES, read_table, write_table


def score(
    study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent
) -> pd.DataFrame:
    """Score every usable trial session with the frozen clocks.

    Parameters
    ----------
    study : StudyConfig
        ``paths.trial`` names the series, ``paths.clock`` a clock made elsewhere.
    overwrite : bool, default=False
        Score again although nothing changed.
    progress : Progress, optional
        Told of series read and clocks applied.

    Returns
    -------
    scores : DataFrame
        Schema `brainage.tables.SCORES`: a row a session and clock (whole brain, networks).

    Raises
    ------
    LeakageError
        A trial participant is in the reference cohort.
    FeatureMismatchError
        Trial series were made with another atlas, cleaning or estimator than the clock's.
    """
    folder = stage_folder(study, "score")
    clocks = study_clocks(study)
    features, features_key = cohort_features(
        study, "trial", folder / "features", parcels=_parcels(clocks), overwrite=overwrite,
        progress=progress,
    )  # fmt: skip
    inputs = {"features": features_key} | {n: clock.clock_id for n, clock in clocks.items()}
    key = stage_key("score", {}, inputs)
    path = folder / "scores.tsv"
    if overwrite or not is_current(folder, key):
        _refuse_shared_people(study, features.rows)
        tables = []
        for clock in clocks.values():
            tables.append(clock.score(features))
            progress(len(tables), len(clocks), "score")
        write_table(pd.concat(tables, ignore_index=True), path, SCORES)
        write_manifest(folder, stage="score", key=key, options={}, inputs=inputs,
                       outputs=[path, path.with_suffix(".json"),
                                folder / "features" / "excluded.tsv"])  # fmt: skip
    return read_table(path, SCORES)


def _parcels(clocks) -> tuple[str, ...]:
    clock = clocks.get(WHOLE_BRAIN) or next(iter(clocks.values()))
    parcels = clock.parcel_names
    if any(set(other.parcel_names) - set(parcels) for other in clocks.values()):
        raise FeatureMismatchError("The clocks named in paths.clock do not share one atlas: give "
                                   "clocks trained together.")  # fmt: skip
    return parcels


def _refuse_shared_people(study: StudyConfig, rows: pd.DataFrame) -> None:
    # A clock file holds no ids; only a clock trained in this study can be checked here.
    table = stage_folder(study, "train") / "features" / "rows.tsv"
    if study.paths.clock is None and Path(table).is_file():
        reference = pd.read_csv(table, sep="\t", dtype=str, usecols=["participant_id"])
        check_disjoint(reference["participant_id"], rows["participant_id"])
