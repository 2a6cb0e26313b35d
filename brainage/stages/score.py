"""Stage 3: trial series in, scores out. Arms are never read here."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.clock import BrainClock
from brainage.config import StudyConfig
from brainage.errors import FeatureMismatchError
from brainage.progress import Progress, silent
from brainage.stages.blinding import refuse_arm_columns
from brainage.stages.calibrate import (
    CALIBRATIONS,
    calibrate_clocks,
    calibration_input,
    calibrations_table,
)
from brainage.stages.cohorts import stage_folder
from brainage.stages.features import cohort_features
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.manifest import read_manifest
from brainage.stages.repeated_scans import write_reliability
from brainage.stages.separation import refuse_trained_people, separation_input
from brainage.stages.train import (
    clock_file,
    clocks_that_show_nothing,
    study_clocks,
    write_clocks,
)
from brainage.tables import SCORES, WHOLE_BRAIN, read_table, write_table


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
        A trial participant, or a trial scan under another id, is in the reference cohort; or a
        column of the trial's people tables holds arms.
    FeatureMismatchError
        Trial series were made with another atlas, cleaning or estimator than the clock's.
    """
    refuse_arm_columns(study)
    folder = stage_folder(study, "score")
    with stage_lock(folder, "score"):
        return _score(study, folder, overwrite=overwrite, progress=progress)


def _score(
    study: StudyConfig, folder: Path, *, overwrite: bool, progress: Progress
) -> pd.DataFrame:
    clocks = study_clocks(study)
    features, features_key = cohort_features(
        study,
        "trial",
        folder / "features",
        verb="score",
        parcels=clock_parcels(clocks),
        overwrite=overwrite,
        progress=progress,
    )
    inputs = {"features": features_key} | {n: clock.clock_id for n, clock in clocks.items()}
    if any(clock.calibrates for clock in clocks.values()):
        inputs |= calibration_input(study)
    inputs |= separation_input(study)
    path = folder / "scores.tsv"

    def write() -> list[Path]:
        refuse_trained_people(study, features)
        calibrated = calibrate_clocks(study, clocks, features)
        tables = []
        for clock in calibrated.values():
            tables.append(clock.score(features))
            progress(len(tables), len(clocks), "score")
        scores = pd.concat(tables, ignore_index=True)
        write_table(scores, path, SCORES)
        return [
            path,
            path.with_suffix(".json"),
            *_write_calibrated(calibrated, folder),
            *write_reliability(scores, folder, seed=study.science.seed),
        ]

    described = {"shows_nothing": clocks_that_show_nothing(clocks)}
    Making(folder, "score", described, inputs).make(write, overwrite=overwrite)
    return read_table(path, SCORES)


def clock_parcels(clocks: dict[str, BrainClock]) -> tuple[str, ...]:
    """Return the parcels that clocks of one study share.

    Raises
    ------
    FeatureMismatchError
        They do not.
    """
    clock = clocks.get(WHOLE_BRAIN) or next(iter(clocks.values()))
    parcels = clock.parcel_names
    if any(set(other.parcel_names) - set(parcels) for other in clocks.values()):
        raise FeatureMismatchError(
            "The clocks named in paths.clock do not share one atlas: give clocks trained together."
        )
    return parcels


def scored_by_nothing(study: StudyConfig) -> dict[str, str]:
    """Return the clocks of the last scoring that show nothing of age, each with why.

    Empty where every clock shows some, and for scores that were made elsewhere.
    """
    manifest = read_manifest(stage_folder(study, "score"), missing_ok=True) or {}
    return manifest.get("options", {}).get("shows_nothing", {})


def load_calibrations(study: StudyConfig) -> pd.DataFrame:
    """Return what the clocks learnt of new sites in the last scoring; no rows where nothing."""
    path = stage_folder(study, "score") / "calibrations.tsv"
    if not path.is_file():
        return pd.DataFrame(columns=list(CALIBRATIONS.names))
    return read_table(path, CALIBRATIONS)


def scoring_clock(study: StudyConfig) -> BrainClock:
    """Return the whole-brain clock that made the scores, calibrated where that was asked for.

    Of network clocks alone, the first.
    """
    calibrated = stage_folder(study, "score") / "clocks" / clock_file(WHOLE_BRAIN)
    if calibrated.is_file():
        return BrainClock.load(calibrated)
    clocks = study_clocks(study)
    return clocks.get(WHOLE_BRAIN) or next(iter(clocks.values()))


def _write_calibrated(clocks: dict[str, BrainClock], folder: Path) -> list[Path]:
    """Write calibrated clocks and what they learnt; remove those of an earlier scoring."""
    table = folder / "calibrations.tsv"
    found = calibrations_table(clocks)
    for old in [table, table.with_suffix(".json"), *folder.glob("clocks/*.clock")]:
        old.unlink(missing_ok=True)
    if found.empty:
        return []
    write_table(found, table, CALIBRATIONS)
    return [table, table.with_suffix(".json"), *write_clocks(clocks, folder)]
