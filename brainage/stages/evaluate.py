"""Beside the stages of a trial: a clock on an external test set, against chance, and by size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brainage.clock import (
    EFFICIENCY,
    EXTERNAL,
    EXTERNAL_SLOPES,
    ClockOptions,
    cross_validate_clock,
    evaluate_clock,
    learning_curve,
    measure_efficiency,
    permutation_test,
    predict_halves,
)
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, build_half_features
from brainage.errors import StageError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import cohort_paths, cohort_people, has_cohort, stage_folder
from brainage.stages.features import cohort_features, cohort_series
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.manifest import read_checked_manifest, read_manifest
from brainage.stages.score import clock_parcels
from brainage.stages.separation import refuse_trained_people, separation_input
from brainage.stages.train import study_clocks
from brainage.tables import SCORES, Column, TableSchema, read_table, write_table

PERMUTATION = TableSchema(
    "permutation_test",
    (
        Column("metric", "text", "MAE in years, or r."),
        Column("estimate", "number", "With the true ages, uncorrected, out of fold."),
        Column("p_value", "number", "(b + 1) / (m + 1), b of m shuffles at least as good."),
        Column("n_permutations", "integer", "m."),
    ),
    key=("metric",),
)
LEARNING_CURVE = TableSchema(
    "learning_curve",
    (
        Column("share", "number", "Share of the reference's people."),
        Column("draw", "integer", "Which random part of that size."),
        Column("n_people", "integer", "People or families in it."),
        Column("n_scans", "integer", "Their scans."),
        Column("MAE", "number", "Uncorrected, out of fold.", "years"),
        Column("r", "number", "Uncorrected, out of fold.", nullable=True),
        Column("skill", "number", "1 - MAE / MAE of the median age."),
    ),
)


@dataclass(frozen=True)
class Evaluation:
    """What was asked for, as tables; None for what was not.

    Parameters
    ----------
    external, external_slopes, external_scores : DataFrame or None
        Schemas `EXTERNAL`, `EXTERNAL_SLOPES`, `SCORES`.
    permutation : DataFrame or None
        Schema `PERMUTATION`.
    learning_curve : DataFrame or None
        Schema `LEARNING_CURVE`.
    efficiency : DataFrame or None
        Schema `EFFICIENCY`.
    """

    external: pd.DataFrame | None = None
    external_slopes: pd.DataFrame | None = None
    external_scores: pd.DataFrame | None = None
    permutation: pd.DataFrame | None = None
    learning_curve: pd.DataFrame | None = None
    efficiency: pd.DataFrame | None = None


def asks_for_evaluation(study: StudyConfig) -> bool:
    """Return whether a study names an external test set, a permutation test or a curve."""
    asked = study.science.evaluation
    return has_cohort(study, "external") or bool(
        asked.n_permutations or asked.learning_curve or asked.efficiency
    )


def evaluate(
    study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent
) -> Evaluation:
    """Compute what a study asks to know of its clock; each part is kept on its own.

    Parameters
    ----------
    study : StudyConfig
        ``paths.external`` and ``science.evaluation`` say what. Permutation test and learning
        curve are of the reference cohort.
    overwrite : bool, default=False
        Compute again although nothing changed.
    progress : Progress, optional
        Told of series read, shuffles and parts.

    Returns
    -------
    evaluation : Evaluation

    Raises
    ------
    StageError
        Nothing is asked for.
    LeakageError
        Someone of the external test set trained the clock.
    """
    if not asks_for_evaluation(study):
        raise StageError(
            "evaluate: nothing is asked for. Name an external test set in paths.external, or set "
            "science.evaluation.n_permutations (e.g. 199), science.evaluation.learning_curve "
            "(e.g. [0.25, 0.5, 1.0]) or science.evaluation.efficiency (true)."
        )
    with stage_lock(stage_folder(study, "evaluate"), "evaluate"):
        _evaluate(study, overwrite, progress)
    return load_evaluation(study)


def _evaluate(study: StudyConfig, overwrite: bool, progress: Progress) -> None:
    asked = study.science.evaluation
    if has_cohort(study, "external"):
        _external(study, overwrite, progress)
    options: dict[str, Any]
    if asked.n_permutations:
        options = {"n_permutations": asked.n_permutations}
        _on_reference(
            study, "permutation", permutation_test, PERMUTATION, options, overwrite, progress
        )
    if asked.learning_curve:
        options = {"shares": asked.learning_curve, "n_draws": asked.learning_curve_draws}
        _on_reference(
            study, "learning_curve", learning_curve, LEARNING_CURVE, options, overwrite, progress
        )
    if asked.efficiency:
        measure = partial(_efficiency, study)
        _on_reference(study, "efficiency", measure, EFFICIENCY, {}, overwrite, progress)


def _efficiency(
    study: StudyConfig,
    features: FeatureTable,
    options: ClockOptions,
    *,
    seed: int,
    n_jobs: int,
    progress: Progress,
) -> pd.DataFrame:
    """Return the efficiency of the study's clock, or why it cannot be measured."""
    if cohort_paths(study, "reference").matrices:
        reason = "only matrices are at hand: a scan cannot be cut in two"
        row = ("within_scan_noise_years", np.nan, np.nan, np.nan, 0, reason)
        return pd.DataFrame([row], columns=list(EFFICIENCY.names))
    halves = build_half_features(
        cohort_series(study, "reference"),
        cohort_people(study, "reference"),
        features,
        views=options.views,
        n_jobs=n_jobs,
        progress=progress,
    )
    cv = cross_validate_clock(features, options, seed=seed, n_jobs=n_jobs, progress=progress)
    predictions = predict_halves(features, halves, options, cv, progress=progress)
    n_bootstrap = options.validation.n_bootstrap
    return measure_efficiency(predictions, n_bootstrap=n_bootstrap, seed=seed)


def load_evaluation(study: StudyConfig) -> Evaluation:
    """Read the finished parts that the study asks for."""
    asked, folder = study.science.evaluation, stage_folder(study, "evaluate")
    parts = {
        "external": ("external", EXTERNAL, has_cohort(study, "external")),
        "external_slopes": ("external", EXTERNAL_SLOPES, has_cohort(study, "external")),
        "external_scores": ("external", SCORES, has_cohort(study, "external")),
        "permutation": ("permutation", PERMUTATION, asked.n_permutations > 0),
        "learning_curve": ("learning_curve", LEARNING_CURVE, bool(asked.learning_curve)),
        "efficiency": ("efficiency", EFFICIENCY, asked.efficiency),
    }
    tables = {}
    for name, (part, schema, wanted) in parts.items():
        if wanted and read_manifest(folder / part, missing_ok=True) is not None:
            read_checked_manifest(folder / part)
            tables[name] = read_table(folder / part / f"{name}.tsv", schema)
    return Evaluation(**tables)


def _external(study: StudyConfig, overwrite: bool, progress: Progress) -> None:
    folder = stage_folder(study, "evaluate") / "external"
    clocks = study_clocks(study)
    features, features_key = cohort_features(
        study,
        "external",
        folder / "features",
        verb="evaluate",
        parcels=clock_parcels(clocks),
        overwrite=overwrite,
        progress=progress,
    )
    described = {
        "n_bootstrap": study.science.clock.validation.n_bootstrap,
        "seed": study.science.seed,
    }
    inputs = {"features": features_key} | {n: clock.clock_id for n, clock in clocks.items()}
    inputs |= separation_input(study)
    making = Making(folder, "external", described, inputs, verb="evaluate")

    def write() -> list[Path]:
        refuse_trained_people(study, features)
        tests = []
        for clock in clocks.values():
            tests.append(evaluate_clock(clock, features, **described))
            progress(len(tests), len(clocks), "external test set")

        def joined(field: str) -> pd.DataFrame:
            return pd.concat([getattr(test, field) for test in tests], ignore_index=True)

        return [
            *_written(folder, "external", joined("metrics"), EXTERNAL),
            *_written(folder, "external_slopes", joined("gap_slopes"), EXTERNAL_SLOPES),
            *_written(folder, "external_scores", joined("scores"), SCORES),
        ]

    making.make(write, overwrite=overwrite)


def _on_reference(
    study: StudyConfig,
    name: str,
    compute: Callable[..., pd.DataFrame],
    schema: TableSchema,
    options: dict[str, Any],
    overwrite: bool,
    progress: Progress,
) -> None:
    folder = stage_folder(study, "evaluate") / name
    features, features_key = _reference_features(study, progress)
    clock, seed = study.science.clock, study.science.seed
    described = options | {"clock": clock.model_dump(mode="json"), "seed": seed}
    inputs = {"features": features_key}
    making = Making(folder, name, described, inputs, verb="evaluate")

    def write() -> list[Path]:
        table = compute(
            features, clock, **options, seed=seed, n_jobs=study.run.n_jobs, progress=progress
        )
        return _written(folder, name, table, schema)

    making.make(write, overwrite=overwrite)


def _reference_features(study: StudyConfig, progress: Progress) -> tuple[FeatureTable, str]:
    folder = stage_folder(study, "train")
    # Built here where they are not there yet: nobody else may be at it.
    with stage_lock(folder, "train"):
        return cohort_features(
            study, "reference", folder / "features", verb="train", progress=progress
        )


def _written(folder: Path, name: str, table: pd.DataFrame, schema: TableSchema) -> list[Path]:
    path = folder / f"{name}.tsv"
    write_table(table, path, schema)
    return [path, path.with_suffix(".json")]
