"""Beside the stages of a trial: a clock on an external test set, against chance, and by size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from brainage.clock import (
    EFFICIENCY,
    EXTERNAL,
    EXTERNAL_SLOPES,
    ClockOptions,
    cross_validate_clock,
    evaluate_clock,
    finite,
    learning_curve,
    permutation_test,
)
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable
from brainage.errors import StageError
from brainage.progress import Progress, silent
from brainage.stages.cohorts import has_cohort, stage_folder, trains
from brainage.stages.features import cohort_features
from brainage.stages.half_scans import with_half_scans
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.manifest import read_checked_manifest, read_manifest
from brainage.stages.score import clock_parcels
from brainage.stages.separation import refuse_trained_people, separation_input
from brainage.stages.train import load_efficiency, study_clocks
from brainage.stages.trial_efficiency import external_efficiency, reference_efficiency
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
        Schema `EFFICIENCY`, of the reference's left-out scans: that of `train` where it is there.
    external_efficiency : DataFrame or None
        The same of the external test set's scans, by the frozen whole-brain clock.
    """

    external: pd.DataFrame | None = None
    external_slopes: pd.DataFrame | None = None
    external_scores: pd.DataFrame | None = None
    permutation: pd.DataFrame | None = None
    learning_curve: pd.DataFrame | None = None
    efficiency: pd.DataFrame | None = None
    external_efficiency: pd.DataFrame | None = None


def asks_for_evaluation(study: StudyConfig) -> bool:
    """Return whether a study names an external test set, a permutation test or a curve.

    What the clock asks of a trial is measured by `train`.
    """
    asked = study.science.evaluation
    return has_cohort(study, "external") or bool(asked.n_permutations or asked.learning_curve)


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
    if not asks_for_evaluation(study) and not _measures_efficiency(study):
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
    if _measures_efficiency(study) and _trained_efficiency(study) is None:
        measure = partial(_efficiency, study)
        beside = {"efficiency": [asked.efficiency_scans, asked.trial_ages_years]}
        _on_reference(
            study, "efficiency", measure, EFFICIENCY, {}, overwrite, progress, beside=beside
        )


def _measures_efficiency(study: StudyConfig) -> bool:
    asked = study.science.evaluation.efficiency
    return asked and trains(study) and has_cohort(study, "reference")


def _trained_efficiency(study: StudyConfig) -> pd.DataFrame | None:
    """Return what `train` measured; None where it has not run, or was not asked to."""
    folder = stage_folder(study, "train")
    if not trains(study) or read_manifest(folder, missing_ok=True) is None:
        return None
    return load_efficiency(folder)


def _efficiency(
    study: StudyConfig,
    features: FeatureTable,
    options: ClockOptions,
    *,
    seed: int,
    n_jobs: int,
    progress: Progress,
) -> pd.DataFrame:
    """Return what the study's clock asks of a trial, or why it cannot be measured."""
    cv = cross_validate_clock(features, options, seed=seed, n_jobs=n_jobs, progress=progress)
    folder = stage_folder(study, "evaluate") / "efficiency"
    return finite(
        reference_efficiency(study, features, options, cv, folder=folder, progress=progress)
    )


def load_evaluation(study: StudyConfig) -> Evaluation:
    """Read the finished parts that the study asks for."""
    asked, folder = study.science.evaluation, stage_folder(study, "evaluate")
    parts = {
        "external": ("external", EXTERNAL, has_cohort(study, "external")),
        "external_slopes": ("external", EXTERNAL_SLOPES, has_cohort(study, "external")),
        "external_scores": ("external", SCORES, has_cohort(study, "external")),
        "permutation": ("permutation", PERMUTATION, asked.n_permutations > 0),
        "learning_curve": ("learning_curve", LEARNING_CURVE, bool(asked.learning_curve)),
        "efficiency": ("efficiency", EFFICIENCY, _measures_efficiency(study)),
        "external_efficiency": (
            "external",
            EFFICIENCY,
            asked.efficiency and has_cohort(study, "external"),
        ),
    }
    tables = {}
    for name, (part, schema, wanted) in parts.items():
        if wanted and read_manifest(folder / part, missing_ok=True) is not None:
            read_checked_manifest(folder / part)
            tables[name] = read_table(folder / part / f"{name}.tsv", schema)
    trained = _trained_efficiency(study) if asked.efficiency else None
    if trained is not None:
        tables["efficiency"] = trained
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
    n_bootstrap, seed = study.science.clock.validation.n_bootstrap, study.science.seed
    described: dict[str, Any] = {"n_bootstrap": n_bootstrap, "seed": seed}
    inputs = {"features": features_key} | {n: clock.clock_id for n, clock in clocks.items()}
    inputs |= separation_input(study)
    asked = study.science.evaluation
    if asked.efficiency:
        described["efficiency"] = [asked.efficiency_scans, asked.trial_ages_years]
    making = Making(folder, "external", described, inputs, verb="evaluate")

    def write() -> list[Path]:
        refuse_trained_people(study, features)
        tests = []
        for clock in clocks.values():
            tests.append(evaluate_clock(clock, features, n_bootstrap=n_bootstrap, seed=seed))
            progress(len(tests), len(clocks), "external test set")

        def joined(field: str) -> pd.DataFrame:
            return pd.concat([getattr(test, field) for test in tests], ignore_index=True)

        measured = []
        if asked.efficiency:
            table = finite(
                external_efficiency(study, features, clocks, folder=folder, progress=progress)
            )
            measured = _written(folder, "external_efficiency", table, EFFICIENCY)
        return [
            *measured,
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
    *,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Make one part; `beside` are choices that `compute` takes from the study itself."""
    folder = stage_folder(study, "evaluate") / name
    features, features_key = _reference_features(study, progress)
    clock, seed = study.science.clock, study.science.seed
    described = options | dict(beside) | {"clock": clock.model_dump(mode="json"), "seed": seed}
    inputs = {"features": features_key}
    making = Making(folder, name, described, inputs, verb="evaluate")

    def write() -> list[Path]:
        with with_half_scans(study, features, folder=folder, progress=progress) as halved:
            table = compute(
                halved, clock, **options, seed=seed, n_jobs=study.run.n_jobs, progress=progress
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
