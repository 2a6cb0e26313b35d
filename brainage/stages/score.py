"""Stage 3: trial series in, scores out. Arms are never read here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import BrainClock, free_scores
from brainage.config import StudyConfig
from brainage.errors import ConfigError, FeatureMismatchError
from brainage.files import read_json, write_json
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

_GAP_LINES = "gap_lines.json"


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
    described: dict[str, object] = {
        "shows_nothing": clocks_that_show_nothing(clocks),
        "gap_freed_of_age_and_sex": study.science.clock.gap_freed_of_age_and_sex,
    }
    if study.science.clock.gap_freed_of_age_and_sex == "baselines":
        described["baselines"] = _baselines(study)

    def write() -> list[Path]:
        refuse_trained_people(study, features)
        calibrated = calibrate_clocks(study, clocks, features)
        tables = []
        for clock in calibrated.values():
            tables.append(clock.score(features))
            progress(len(tables), len(clocks), "score")
        scores, freed = _freed(study, pd.concat(tables, ignore_index=True), folder)
        write_table(scores, path, SCORES)
        return [
            path,
            path.with_suffix(".json"),
            *freed,
            *_write_calibrated(calibrated, folder),
            *write_reliability(scores, folder, seed=study.science.seed),
        ]

    Making(folder, "score", described, inputs).make(write, overwrite=overwrite)
    return read_table(path, SCORES)


def gap_lines(study: StudyConfig) -> dict[str, str]:
    """Return how the last scoring freed gaps of age and sex, by network; empty where it did not."""
    path = stage_folder(study, "score") / _GAP_LINES
    return read_json(path) if path.is_file() else {}


def _freed(
    study: StudyConfig, scores: pd.DataFrame, folder: Path
) -> tuple[pd.DataFrame, list[Path]]:
    """Return scores freed of age and sex on the trial's own scans, where that is asked for."""
    path, fitted_on = folder / _GAP_LINES, study.science.clock.gap_freed_of_age_and_sex
    path.unlink(missing_ok=True)
    if fitted_on not in ("baselines", "everyone"):
        return scores, []
    on = np.ones(len(scores), dtype=bool)
    if fitted_on == "baselines":
        on = scores["session_id"].isin(_baselines(study)).to_numpy()
    freed, words = free_scores(scores, on, fitted_on=fitted_on)
    write_json(path, words)
    return freed, [path]


def _baselines(study: StudyConfig) -> list[str]:
    trial = study.science.trial
    if trial is None:
        raise ConfigError(
            "clock.gap_freed_of_age_and_sex: 'baselines' needs science.trial.visits, found no "
            "trial. Choose 'reference', or name the visits."
        )
    first = min(visit.nominal_years for visit in trial.visits)
    return [visit.session_id for visit in trial.visits if visit.nominal_years == first]


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


def scoring_clocks(study: StudyConfig) -> dict[str, BrainClock]:
    """Return the clocks that made the scores, calibrated where that was asked for, by network."""
    folder = stage_folder(study, "score") / "clocks"
    calibrated = [BrainClock.load(path) for path in sorted(folder.glob("*.clock"))]
    return study_clocks(study) | {clock.network: clock for clock in calibrated}


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
