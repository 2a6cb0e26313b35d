"""What a regressor is given to fit all training sets in passes over features on disk."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from brainage.clock.options import ClockOptions
from brainage.clock.preparation.directions_in_passes import (
    DirectedView,
    directions_in_passes,
    transformers_of,
)
from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.preparation.harmonize_in_passes import harmonizers_in_passes, site_moves
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.contract import PassTraining
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.connectivity import KINDS, ViewSpec

Splits = list[tuple[np.ndarray, np.ndarray]]


def pass_training(
    values: list[np.ndarray],
    specs: list[ViewSpec],
    rows: pd.DataFrame,
    groups: np.ndarray,
    splits: Splits,
    *,
    options: ClockOptions,
) -> tuple[PassTraining, list[tuple[Preparation, ...]]]:
    """Return the cohort as solvers see it, and each training set's preparation of each view.

    Parameters
    ----------
    values : list of ndarray of shape (n_scans, n_features)
        One a view, memory maps included.
    specs : list of ViewSpec
        One a view.
    rows : DataFrame
        Row table (site, age_years).
    groups : ndarray of shape (n_scans,)
        Person (or family) of each scan.
    splits : list of (train, test)
        Row numbers.
    options : ClockOptions
        Harmonisation, which each training set learns by itself, and inner folds.
    """
    seen, steps = [], []
    for of_view, spec in zip(values, specs, strict=True):
        features, of_splits = _seen(of_view, spec, rows, [train for train, _ in splits], options)
        seen.append(features)
        steps.append(of_splits)
    ages = rows["age_years"].to_numpy(float)
    inner_folds = options.validation.inner_folds
    return PassTraining(seen, ages, groups, splits, inner_folds), list(zip(*steps, strict=True))


def _seen(
    values: np.ndarray,
    spec: ViewSpec,
    rows: pd.DataFrame,
    trains: list[np.ndarray],
    options: ClockOptions,
) -> tuple[SeenFeatures, list[Preparation]]:
    """Return a view as training sets see it, and what each learnt of it."""
    sites = options.harmonization
    if KINDS[spec.kind].learnt_in_fold != "direction":
        if sites.method == "none":
            return SeenFeatures(values), [Preparation() for _ in trains]
        fitted = harmonizers_in_passes(values, rows, trains, sites)
        moved = [Preparation(harmonizer=one) for one in fitted]
        return SeenFeatures(values, site_moves(fitted, rows)), moved
    directions = directions_in_passes(values, trains)
    turned = [Preparation(direction=one) for one in transformers_of(directions)]
    if sites.method == "none":
        return SeenFeatures(values, directions=directions), turned
    # Each training set has directions of its own, and so a pass of its own.
    for k, (own, train) in enumerate(zip(turned, trains, strict=True)):
        view = DirectedView(values, directions.mean[:, k], directions.inverse_length[:, k])
        (own.harmonizer,) = harmonizers_in_passes(cast(np.ndarray, view), rows, [train], sites)
    moves = site_moves([cast(SiteHarmonizer, own.harmonizer) for own in turned], rows)
    return SeenFeatures(values, moves, directions=directions), turned
