"""Ridges and stacks whose penalties are chosen by inner folds of people, in passes over features.

For cohorts whose Gram matrix and whose ``X'X`` are both too large. Exact leave-one-out needs one of
the two, so people are left out a fold at a time here, and the card says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import GroupKFold

from brainage.clock.regressors.age_scale import AgeScale, to_scale
from brainage.clock.regressors.contract import Weigh
from brainage.clock.regressors.iterative import ShiftedSolutions, solve_shifted, training_sums
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.errors import BrainAgeWarning

Split = tuple[np.ndarray, np.ndarray]

#: Residual, relative to its right-hand side, of the systems that a choice rests on.
CHOICE_TOLERANCE = 1e-4
#: Passes over the features that a choice may take.
MOST_CHOICE_PASSES = 100


@dataclass(frozen=True)
class Level1:
    """One view's ridges of every training set, before weights.

    Parameters
    ----------
    penalties : ndarray of shape (n_splits,)
        Chosen, relative to the mean squared length of a centred scan.
    left_out : list of ndarray of shape (n_train,)
        One a split: what ridges that did not see a scan's fold predict of it, on the age scale.
    left_out_mean : list of ndarray of shape (n_train,)
        Mean target of the scans that such a ridge did see.
    left_out_strong : list of ndarray of shape (n_train,)
        As `left_out`, of ridges at the strong penalty; empty where none was asked for.
    """

    penalties: np.ndarray
    left_out: list[np.ndarray]
    left_out_mean: list[np.ndarray]
    left_out_strong: list[np.ndarray]


@dataclass(frozen=True)
class Fits:
    """One view's ridges at one penalty a split.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_splits)
    intercepts, penalties : ndarray of shape (n_splits,)
        Penalties absolute.
    predicted : list of ndarray of shape (n_scans,)
        One a split: of every scan of the cohort, on the age scale.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    penalties: np.ndarray
    predicted: list[np.ndarray]

    def part(self, splits: slice) -> Fits:
        """Return the fits of some splits."""
        return Fits(
            self.weights[:, splits],
            self.intercepts[splits],
            self.penalties[splits],
            self.predicted[splits],
        )


def choose_penalties(
    features: SeenFeatures,
    age_years: np.ndarray,
    groups: np.ndarray,
    splits: Sequence[Split],
    *,
    penalties: Sequence[float],
    inner_folds: int,
    age_scales: Sequence[AgeScale] = ("years",),
    strong_penalty: float | None = None,
    weigh: Weigh | None = None,
) -> dict[AgeScale, Level1]:
    """Choose each training set's penalty by the squared error of people left out fold by fold.

    Parameters
    ----------
    features : SeenFeatures
        One view, as the outer training sets see it; their inner sets see it so too.
    age_years : ndarray of shape (n_scans,)
        Ages.
    groups : ndarray of shape (n_scans,)
        Person (or family) of each scan; never in two inner folds.
    splits : sequence of (train, test)
        Outer training sets; only `train` is looked at.
    penalties : sequence of float
        Candidates in rising order, relative to the mean squared length of a centred scan.
    inner_folds : int
        Inner folds of each training set.
    age_scales : sequence of {"years", "sqrt", "log"}, default=("years",)
        Scales of the ridge; all are solved in the same passes.
    strong_penalty : float, optional
        Solved beside the candidates and never chosen, in the same unit.
    weigh : callable, optional
        Rows of a training set -> their weights; None: 1 each.
    """
    owner, held, trains = _inner_sets(groups, splits, inner_folds)
    member = _members(len(groups), trains, weigh)
    n_inner, n_scales = len(held), len(age_scales)
    # Scale by scale: what follows sees one long row of training sets.
    of_scale = np.repeat(np.arange(n_scales), n_inner)
    target = np.stack([to_scale(age_years, scale) for scale in age_scales], axis=1)[:, of_scale]
    member = np.tile(member, (1, n_scales))
    features = replace(features, owner=np.tile(owner, n_scales))
    sums = training_sums(features, member, target)
    beside = [] if strong_penalty is None else [strong_penalty]
    choice = _Choice(
        np.tile(owner, n_scales) + of_scale * len(splits),
        held * n_scales,
        target,
        np.asarray(penalties, dtype=float),
        None if weigh is None else [weigh(rows) for rows in held] * n_scales,
    )
    found = solve_shifted(
        features,
        member,
        sums,
        sums.units[:, None] * np.concatenate([choice.grid, beside]),
        watched=choice.held,
        finished=choice.is_made,
        tolerance=CHOICE_TOLERANCE,
        most_passes=MOST_CHOICE_PASSES,
    )
    _warn_unless_made(choice, found)
    best, chosen = choice.best(found.predicted), {}
    for s, scale in enumerate(age_scales):
        sets = slice(s * n_inner, (s + 1) * n_inner)
        of_splits = best[s * len(splits) : (s + 1) * len(splits)]
        inner = _Inner(splits, owner, held)
        predicted = found.predicted[sets]
        at_best = [of_set[:, of_splits[k]] for of_set, k in zip(predicted, owner, strict=True)]
        targets = sums.mean_targets[sets]
        means = [np.full(len(rows), mean) for rows, mean in zip(held, targets, strict=True)]
        chosen[scale] = Level1(
            choice.grid[of_splits],
            inner.assembled(at_best),
            inner.assembled(means),
            inner.assembled([of_set[:, -1] for of_set in predicted]) if beside else [],
        )
    return chosen


@dataclass(frozen=True)
class _Choice:
    """Errors of inner sets' held-out people at every penalty, and whether they settle a choice.

    `owner` is the choice that an inner set takes part in, `held` its held-out rows, `target`
    (n_scans, n_sets) ages on its scale, `grid` the penalties, `weights` those of held-out rows
    where rows have any; what is predicted at others behind them takes no part.
    """

    owner: np.ndarray
    held: list[np.ndarray]
    target: np.ndarray
    grid: np.ndarray
    weights: list[np.ndarray] | None = None

    def best(self, predicted: list[np.ndarray]) -> np.ndarray:
        """Return the place of each choice's best penalty."""
        errors = np.zeros((self.owner.max() + 1, len(self.grid)))
        for i, (rows, of_set) in enumerate(zip(self.held, predicted, strict=True)):
            wrong = of_set[:, : len(self.grid)] - self.target[rows, i, None]
            counts = np.ones(len(rows)) if self.weights is None else self.weights[i]
            errors[self.owner[i]] += counts @ wrong**2
        return np.argmin(errors, axis=1)

    def is_made(self, predicted: list[np.ndarray], relative: np.ndarray) -> bool:
        """Return whether every best penalty and its neighbours are solved."""
        if not (relative.min(axis=1) <= CHOICE_TOLERANCE).all():
            return False
        best = self.best(predicted)[self.owner]
        near = [np.clip(best + step, 0, len(self.grid) - 1) for step in (-1, 0, 1)]
        sets = np.arange(len(self.held))
        beside = relative[:, len(self.grid) :]
        solved = [relative[sets, index].max() <= CHOICE_TOLERANCE for index in near]
        return all(solved) and bool((beside <= CHOICE_TOLERANCE).all())


def _warn_unless_made(choice: _Choice, found: ShiftedSolutions) -> None:
    if not choice.is_made(found.predicted, found.residuals):
        warnings.warn(
            f"ridge in passes: after {found.n_passes} passes some penalties next to the chosen "
            "one are not solved: the choice may be one step off.",
            BrainAgeWarning,
            stacklevel=3,
        )


def _inner_sets(
    groups: np.ndarray, splits: Sequence[Split], inner_folds: int
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return each inner set's split, its held-out rows, and those that are in it."""
    owner, held, trains = [], [], []
    for k, (train, _) in enumerate(splits):
        own = groups[train]
        folds = GroupKFold(min(inner_folds, len(np.unique(own))), shuffle=True, random_state=0)
        for inner, left_out in folds.split(np.empty(len(train)), groups=own):
            owner.append(k)
            held.append(train[left_out])
            trains.append(train[inner])
    return np.array(owner), held, trains


def _members(n_scans: int, trains: Sequence[np.ndarray], weigh: Weigh | None) -> np.ndarray:
    """Return the weight of every scan in every training set, 0 outside it (n_scans, n_sets)."""
    member = np.zeros((n_scans, len(trains)))
    for k, train in enumerate(trains):
        member[train, k] = 1.0 if weigh is None else weigh(train)
    return member


@dataclass(frozen=True)
class _Inner:
    """Outer training sets, and each inner set's split and held-out rows."""

    splits: Sequence[Split]
    owner: np.ndarray
    held: Sequence[np.ndarray]

    def assembled(self, of_held: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Put what inner sets have of their held-out rows together, split by split."""
        n_scans = 1 + max(int(train.max()) for train, _ in self.splits)
        together = []
        for k, (train, _) in enumerate(self.splits):
            of_split = np.empty(n_scans)
            for i in map(int, np.flatnonzero(self.owner == k)):
                of_split[self.held[i]] = of_held[i]
            together.append(of_split[train])
        return together


def fit_at(
    features: SeenFeatures,
    age_years: np.ndarray,
    splits: Sequence[Split],
    *,
    penalties: np.ndarray,
    age_scales: Sequence[AgeScale],
    weigh: Weigh | None = None,
) -> Fits:
    """Fit each training set's ridge at its own penalty and on its own age scale.

    Parameters
    ----------
    features : SeenFeatures
        One view, as these training sets see it.
    age_years : ndarray of shape (n_scans,)
        Ages.
    splits : sequence of (train, test)
        Training sets.
    penalties : ndarray of shape (n_splits,)
        Relative to the mean squared length of a centred scan.
    age_scales : sequence of {"years", "sqrt", "log"}
        One a split.
    weigh : callable, optional
        Rows of a training set -> their weights; None: 1 each.
    """
    everyone = np.arange(len(features))
    member = _members(len(features), [train for train, _ in splits], weigh)
    target = np.stack([to_scale(age_years, scale) for scale in age_scales], axis=1)
    sums = training_sums(features, member, target)
    absolute = sums.units * penalties
    found = solve_shifted(
        features,
        member,
        sums,
        absolute[:, None],
        watched=[everyone] * len(splits),
        keep_weights=True,
    )
    weights = np.asarray(found.weights)
    intercepts = sums.mean_targets - np.einsum("ij,ij->j", sums.means, weights)
    return Fits(weights, intercepts, absolute, [one[:, 0] for one in found.predicted])
