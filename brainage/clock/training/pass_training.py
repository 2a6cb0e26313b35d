"""What a regressor is given to fit all training sets in passes over features on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.clock.options import ClockOptions
from brainage.clock.preparation.harmonize_in_passes import harmonizers_in_passes, site_moves
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.contract import PassTraining


def pass_training(
    values: list[np.ndarray],
    rows: pd.DataFrame,
    groups: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
    *,
    options: ClockOptions,
) -> tuple[PassTraining, list[tuple[Preparation, ...]]]:
    """Return the cohort as solvers see it, and each training set's preparation of each view.

    Parameters
    ----------
    values : list of ndarray of shape (n_scans, n_features)
        One a view, memory maps included.
    rows : DataFrame
        Row table (site, age_years).
    groups : ndarray of shape (n_scans,)
        Person (or family) of each scan.
    splits : list of (train, test)
        Row numbers.
    options : ClockOptions
        Harmonisation, which each training set learns by itself, and inner folds.
    """
    steps = [tuple(Preparation() for _ in values) for _ in splits]
    moves = []
    if options.harmonization.method != "none":
        trains = [train for train, _ in splits]
        for view, of_view in enumerate(values):
            fitted = harmonizers_in_passes(of_view, rows, trains, options.harmonization)
            moves.append(site_moves(fitted, rows))
            for of_split, harmonizer in zip(steps, fitted, strict=True):
                of_split[view].harmonizer = harmonizer
    ages = rows["age_years"].to_numpy(float)
    inner_folds = options.validation.inner_folds
    return PassTraining(values, ages, groups, splits, inner_folds, moves), steps
