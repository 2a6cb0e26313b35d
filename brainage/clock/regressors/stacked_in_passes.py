"""Stacks of ridges fitted in passes over features on disk: level 2 learns from inner folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from brainage.clock.options import STRONG_PENALTY
from brainage.clock.regressors.age_scale import (
    AGE_POWER,
    AgeScale,
    AgeScaleChoice,
    candidate_scales,
    to_scale,
    to_years,
)
from brainage.clock.regressors.contract import PassFit, PassTraining
from brainage.clock.regressors.in_passes import Fits, Level1, choose_penalties, fit_at
from brainage.clock.regressors.lines import FeatureLine
from brainage.clock.regressors.ridge import fit_ridge_on_features, fold_back


@dataclass(frozen=True)
class _Level2:
    """How much one training set's stack trusts each view, and its error in people left out."""

    weights: np.ndarray
    intercept: float
    error_years: float


def fit_stacks_in_passes(
    training: PassTraining,
    penalties: Sequence[float],
    *,
    age_scale: AgeScaleChoice,
    strong: Sequence[int] = (),
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
    strong : sequence of int, default=()
        Views, by number, that enter a second time at `STRONG_PENALTY`.

    Returns
    -------
    fits : list of PassFit
        One a training set.
    """
    scales = candidate_scales(training.ages, age_scale)
    # View by view: a view is read once for all scales.
    of_views = [
        choose_penalties(
            features,
            training.ages,
            training.groups,
            training.splits,
            penalties=penalties,
            inner_folds=training.inner_folds,
            age_scales=scales,
            strong_penalty=STRONG_PENALTY if view in strong else None,
            weigh=training.weigh,
        )
        for view, features in enumerate(training.views)
    ]
    level1 = {scale: [view[scale] for view in of_views] for scale in scales}
    chosen = []
    for k, (train, _) in enumerate(training.splits):
        tried = {
            scale: _level2(_left_out(views, k, strong), training, train, scale)
            for scale, views in level1.items()
        }
        best = min(tried, key=lambda scale: tried[scale].error_years)
        chosen.append((best, tried[best]))
    return _fits(training, level1, chosen, strong)


def _left_out(
    views: Sequence[Level1], k: int, strong: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what every ridge of a split, strong ones last, predicts of people left out.

    And the mean target of those that such a ridge saw; both (n_train, n_ridges).
    """
    predicted = [view.left_out[k] for view in views]
    predicted += [views[i].left_out_strong[k] for i in strong]
    means = [view.left_out_mean[k] for view in views]
    means += [views[i].left_out_mean[k] for i in strong]
    return np.column_stack(predicted), np.column_stack(means)


def _level2(
    level1: tuple[np.ndarray, np.ndarray],
    training: PassTraining,
    train: np.ndarray,
    scale: AgeScale,
) -> _Level2:
    predicted, means = level1
    ages, groups = training.ages[train], training.groups[train]
    counts = None if training.weigh is None else training.weigh(train)
    # As in `stacked`: level 2 sees how far a view moves a scan from the mean of those it saw.
    moved = predicted - means
    target = to_scale(ages, scale)
    ridge = fit_ridge_on_features(moved, target, groups=groups, weights=counts)
    weights = fold_back(ridge.dual, moved)
    intercept = float(np.average(target, weights=counts)) * (1 - float(weights.sum()))
    left_out = to_years(predicted @ weights + intercept, scale)
    error = np.average(np.abs(left_out - ages), weights=counts)
    return _Level2(weights, intercept, float(error))


def _fits_of_view(
    training: PassTraining,
    view: int,
    penalties: np.ndarray,
    scales: list[AgeScale],
    *,
    strong: bool,
) -> list[Fits]:
    """Fit a view at its own penalties and, where it enters twice, in the same passes again."""
    n = len(training.splits)
    ways = [penalties, np.full(n, STRONG_PENALTY)] if strong else [penalties]
    fits = fit_at(
        replace(training.views[view], owner=np.tile(np.arange(n), len(ways))),
        training.ages,
        training.splits * len(ways),
        penalties=np.concatenate(ways),
        age_scales=scales * len(ways),
        weigh=training.weigh,
    )
    return [fits.part(slice(i * n, (i + 1) * n)) for i in range(len(ways))]


def _fits(
    training: PassTraining,
    level1: dict[AgeScale, list[Level1]],
    chosen: list[tuple[AgeScale, _Level2]],
    strong: Sequence[int],
) -> list[PassFit]:
    scales = [scale for scale, _ in chosen]
    n_views = len(training.views)
    coefs: list[list[np.ndarray]] = [[] for _ in chosen]
    intercepts = [level2.intercept for _, level2 in chosen]
    penalties = np.empty((len(chosen), n_views + len(strong)))
    predicted = [np.full(len(training.ages), level2.intercept) for _, level2 in chosen]
    for i in range(n_views):
        own = np.array([level1[scale][i].penalties[k] for k, scale in enumerate(scales)])
        ways = _fits_of_view(training, i, own, scales, strong=i in strong)
        # A view that enters twice has two of level 2's weights, and one weight a feature.
        places = [i, n_views + strong.index(i)] if i in strong else [i]
        for k, (_, level2) in enumerate(chosen):
            pairs = [(level2.weights[place], fit) for place, fit in zip(places, ways, strict=True)]
            coefs[k].append(sum(weight * fit.weights[:, k] for weight, fit in pairs))
            intercepts[k] += sum(float(weight * fit.intercepts[k]) for weight, fit in pairs)
            predicted[k] += sum(weight * fit.predicted[k] for weight, fit in pairs)
            penalties[k, places] = [fit.penalties[k] for fit in ways]
    return [
        PassFit(
            FeatureLine(
                np.concatenate(coefs[k]),
                intercepts[k],
                {
                    "view_weights": [float(weight) for weight in level2.weights],
                    "penalties": penalties[k].tolist(),
                    "age_power": AGE_POWER[scale],
                },
                scale,
            ),
            to_years(predicted[k], scale),
        )
        for k, (scale, level2) in enumerate(chosen)
    ]
