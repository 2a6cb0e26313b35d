"""Stacks of ridges fitted in passes over features on disk: level 2 learns from inner folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainage.clock.regressors.age_scale import (
    AGE_POWER,
    AgeScale,
    AgeScaleChoice,
    candidate_scales,
    to_scale,
    to_years,
)
from brainage.clock.regressors.contract import PassFit, PassTraining
from brainage.clock.regressors.in_passes import Level1, choose_penalties, fit_at
from brainage.clock.regressors.lines import FeatureLine
from brainage.clock.regressors.ridge import fit_ridge_on_features, fold_back


@dataclass(frozen=True)
class _Level2:
    """How much one training set's stack trusts each view, and its error in people left out."""

    weights: np.ndarray
    intercept: float
    error_years: float


def fit_stacks_in_passes(
    training: PassTraining, penalties: Sequence[float], *, age_scale: AgeScaleChoice
) -> list[PassFit]:
    """Fit a stack to every training set of a cohort.

    Parameters
    ----------
    training : PassTraining
        Cohort and training sets.
    penalties : sequence of float
        Candidates of level 1, relative to the mean squared length of a centred scan.
    age_scale : {"auto", "years", "sqrt", "log"}
        "auto": in each training set the scale with the smallest error in people left out.

    Returns
    -------
    fits : list of PassFit
        One a training set.
    """
    scales = candidate_scales(training.ages, age_scale)
    # View by view: a view is read once for all scales.
    of_views = [
        choose_penalties(
            values,
            training.ages,
            training.groups,
            training.splits,
            penalties=penalties,
            inner_folds=training.inner_folds,
            age_scales=scales,
            moves=training.moves_of(view),
        )
        for view, values in enumerate(training.values)
    ]
    level1 = {scale: [view[scale] for view in of_views] for scale in scales}
    chosen = []
    for k, (train, _) in enumerate(training.splits):
        tried = {
            scale: _level2(views, k, training.ages[train], training.groups[train], scale)
            for scale, views in level1.items()
        }
        best = min(tried, key=lambda scale: tried[scale].error_years)
        chosen.append((best, tried[best]))
    return _fits(training, level1, chosen)


def _level2(
    views: list[Level1], k: int, ages: np.ndarray, groups: np.ndarray, scale: AgeScale
) -> _Level2:
    # As in `stacked`: level 2 sees how far a view moves a scan from the mean of those it saw.
    moved = np.column_stack([view.left_out[k] - view.left_out_mean[k] for view in views])
    target = to_scale(ages, scale)
    weights = fold_back(fit_ridge_on_features(moved, target, groups=groups).dual, moved)
    intercept = float(np.mean(target)) * (1 - float(weights.sum()))
    left_out = np.column_stack([view.left_out[k] for view in views]) @ weights + intercept
    return _Level2(weights, intercept, float(np.mean(np.abs(to_years(left_out, scale) - ages))))


def _fits(
    training: PassTraining,
    level1: dict[AgeScale, list[Level1]],
    chosen: list[tuple[AgeScale, _Level2]],
) -> list[PassFit]:
    scales = [scale for scale, _ in chosen]
    coefs: list[list[np.ndarray]] = [[] for _ in chosen]
    penalties: list[list[float]] = [[] for _ in chosen]
    intercepts = [level2.intercept for _, level2 in chosen]
    predicted = [np.full(len(training.ages), level2.intercept) for _, level2 in chosen]
    for i, values in enumerate(training.values):
        own = np.array([level1[scale][i].penalties[k] for k, scale in enumerate(scales)])
        view = fit_at(
            values,
            training.ages,
            training.splits,
            penalties=own,
            age_scales=scales,
            moves=training.moves_of(i),
        )
        for k, (_, level2) in enumerate(chosen):
            weight = level2.weights[i]
            coefs[k].append(weight * view.weights[:, k])
            penalties[k].append(float(view.penalties[k]))
            intercepts[k] += float(weight * view.intercepts[k])
            predicted[k] += weight * view.predicted[k]
    return [
        PassFit(
            FeatureLine(
                np.concatenate(coefs[k]),
                intercepts[k],
                {
                    "view_weights": [float(weight) for weight in level2.weights],
                    "penalties": penalties[k],
                    "age_power": AGE_POWER[scale],
                },
                scale,
            ),
            to_years(predicted[k], scale),
        )
        for k, (scale, level2) in enumerate(chosen)
    ]
