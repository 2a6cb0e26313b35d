"""A stack of ridge clocks, one per feature view, combined on leave-one-out predictions.

Level 1 fits a ridge to each block of columns and knows, without refitting, what it would have
predicted for each training scan had that scan, and all of its person, been left out. Level 2 learns
from those honest predictions how much to trust each view. The whole stack is linear on its age
scale: it folds back to one weight vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from brainage.clock.options import PENALTIES, STRONG_PENALTY
from brainage.clock.regressors.age_scale import (
    AGE_POWER,
    AgeScale,
    AgeScaleChoice,
    candidate_scales,
    to_scale,
    to_years,
)
from brainage.clock.regressors.contract import (
    MAX_STACK_SQUARE,
    GramTraining,
    Needs,
    PassFit,
    PassTraining,
    TrainingShape,
)
from brainage.clock.regressors.frozen import LinearRegression
from brainage.clock.regressors.left_out import means_of_others
from brainage.clock.regressors.lines import GramLine, freeze_lines
from brainage.clock.regressors.ridge import RidgeBasis, RidgeFit, fit_ridge_on_features, fold_back
from brainage.clock.regressors.stacked_in_passes import fit_stacks_in_passes

Level2 = Literal["ridge", "nonnegative"]


@dataclass(frozen=True)
class StackFit:
    """A fitted stack in terms of training scans.

    Parameters
    ----------
    views : list of RidgeFit
        Level 1, one a view, and after them one a view that enters at the strong penalty as well.
    view_weights : ndarray of shape (n_views,)
        Level 2.
    intercept : float
        ``prediction = sum over views of weight x (level-1 prediction) + intercept``, on the age
        scale.
    age_scale : {"years", "sqrt", "log"}, default="years"
        Scale of both levels.
    strong : tuple of int, default=()
        Views that enter a second time, by number.
    """

    views: list[RidgeFit]
    view_weights: np.ndarray
    intercept: float
    age_scale: AgeScale = "years"
    strong: tuple[int, ...] = ()

    def predict(self, cross_grams: list[np.ndarray]) -> np.ndarray:
        """Return ages in years from ``new @ X.T`` of each view, each (n_new, n_scans)."""
        again = [cross_grams[view] for view in self.strong]
        pairs = zip([*cross_grams, *again], self.views, strict=True)
        level1 = np.column_stack([cross @ view.dual + view.intercept for cross, view in pairs])
        return to_years(level1 @ self.view_weights + self.intercept, self.age_scale)

    def loo_error_years(self, age_years: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the (weighted) mean absolute error of the combined leave-one-out predictions."""
        level1 = np.column_stack([view.loo for view in self.views])
        predicted = to_years(level1 @ self.view_weights + self.intercept, self.age_scale)
        return float(np.average(np.abs(predicted - age_years), weights=weights))


def fit_stack_on_grams(
    grams: list[np.ndarray],
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    level2: Level2 = "ridge",
    age_scale: AgeScaleChoice = "years",
    penalties: Sequence[float] = PENALTIES,
    strong: Sequence[int] = (),
    weights: np.ndarray | None = None,
) -> StackFit:
    """Fit a stack on one Gram matrix a view.

    Parameters
    ----------
    grams : list of ndarray of shape (n_scans, n_scans)
        ``X @ X.T`` of each view's training rows.
    y : ndarray of shape (n_scans,)
        Ages in years.
    groups : ndarray of shape (n_scans,) or None, default=None
        Person (or family) of each scan, whose scans are left out together; None: each its own.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        Ridge with its own leave-one-out penalty, or least squares with no negative weight.
    age_scale : {"auto", "years", "sqrt", "log"}, default="years"
        On which scale both levels are fitted; "auto": the one with the smallest mean absolute
        leave-one-out error in years. All scales share one decomposition of each Gram matrix.
    penalties : sequence of float, optional
        Candidates of level 1, relative to the mean squared length of a centred scan.
    strong : sequence of int, default=()
        Views, by number, that enter a second time at `STRONG_PENALTY`.
    weights : ndarray of shape (n_scans,) or None, default=None
        Of each row's squared error, at both levels; None: 1 each.

    Returns
    -------
    stack : StackFit
    """
    bases = [RidgeBasis.of_gram(gram, weights) for gram in grams]
    return _best_stack(
        bases,
        y,
        groups=groups,
        level2=level2,
        age_scale=age_scale,
        penalties=penalties,
        strong=strong,
    )


class StackedClock(RegressorMixin, BaseEstimator):
    """Stack of ridges on blocks of columns.

    Parameters
    ----------
    block_sizes : sequence of int or None, default=None
        Columns of each view, in order, adding up to the columns of X; None: one block.
    level2 : {"ridge", "nonnegative"}, default="ridge"
        How the views' leave-one-out predictions are combined.
    age_scale : {"auto", "years", "sqrt", "log"}, default="years"
        Scale of both levels; "auto" takes the one with the smallest leave-one-out error in years.

    Attributes
    ----------
    age_scale_ : {"years", "sqrt", "log"}
        The scale used.
    coef_ : ndarray of shape (n_features,)
        Units of the age scale per feature unit, the whole stack folded back.
    intercept_ : float
        On the age scale.
    view_weights_ : ndarray of shape (n_blocks,)
        Level-2 weight of each view's prediction.
    penalties_ : ndarray of shape (n_blocks,)
        Level-1 ridge penalties.
    level1_loo_ : ndarray of shape (n_scans, n_blocks)
        Leave-one-out predictions that level 2 learnt from, on the age scale.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> edges = rng.normal(size=(30, 6))
    >>> ages = 50 + 10 * edges[:, 0]
    >>> clock = StackedClock(block_sizes=[3, 3]).fit(edges, ages)
    >>> clock.predict(edges).shape
    (30,)
    """

    def __init__(
        self,
        *,
        block_sizes: Sequence[int] | None = None,
        level2: Level2 = "ridge",
        age_scale: AgeScaleChoice = "years",
    ):
        self.block_sizes = block_sizes
        self.level2 = level2
        self.age_scale = age_scale

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Self:
        """Fit both levels.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Views side by side.
        y : ndarray of shape (n_scans,)
            Ages in years.
        groups : array-like of shape (n_scans,) or None, default=None
            Person (or family) of each scan, whose scans are left out together; None: each its own.
        """
        X, y = validate_data(
            self, X, y, y_numeric=True, ensure_min_samples=2, dtype=[np.float64, np.float32]
        )
        for name, known in (("level2", Level2), ("age_scale", AgeScaleChoice)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"stacked: expected {name} in {get_args(known)}, found {getattr(self, name)!r}."
                )
        y = np.asarray(y, dtype=float)
        blocks = self._blocks(X.shape[1])
        bases = [RidgeBasis.of_features(X[:, block]) for block in blocks]
        groups = None if groups is None else column_or_1d(groups)
        stack = _best_stack(bases, y, groups=groups, level2=self.level2, age_scale=self.age_scale)
        self.age_scale_ = stack.age_scale
        self.view_weights_ = stack.view_weights
        self.penalties_ = np.array([view.penalty for view in stack.views])
        self.level1_loo_ = np.column_stack([view.loo for view in stack.views])
        self.coef_ = np.empty(X.shape[1])
        self.intercept_ = stack.intercept
        for block, view, weight in zip(blocks, stack.views, stack.view_weights, strict=True):
            self.coef_[block] = weight * fold_back(view.dual, X[:, block])
            self.intercept_ += float(weight * view.intercept)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predicted ages, shape (n_scans,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return to_years(X @ self.coef_ + self.intercept_, self.age_scale_)

    def _blocks(self, n_features: int) -> list[slice]:
        sizes = [n_features] if self.block_sizes is None else list(self.block_sizes)
        if not sizes or min(sizes) < 1 or sum(sizes) != n_features:
            raise ValueError(
                f"stacked: expected block sizes that add up to the {n_features} "
                f"columns of X, found {sizes}."
            )
        stops = np.cumsum(sizes)
        return [slice(int(b - a), int(b)) for a, b in zip(sizes, stops, strict=True)]


def _best_stack(
    bases: list[RidgeBasis],
    age_years: np.ndarray,
    *,
    groups: np.ndarray | None,
    level2: Level2,
    age_scale: AgeScaleChoice,
    penalties: Sequence[float] = PENALTIES,
    strong: Sequence[int] = (),
) -> StackFit:
    """Fit the stack on each candidate scale; keep the smallest leave-one-out error in years."""
    stacks = []
    for scale in candidate_scales(age_years, age_scale):
        target = to_scale(age_years, scale)
        views = [basis.ridge(target, groups, penalties) for basis in bases]
        views += [bases[view].ridge(target, groups, (STRONG_PENALTY,)) for view in strong]
        stack = _combine(views, target, groups, level2, bases[0].weights)
        stacks.append(replace(stack, age_scale=scale, strong=tuple(strong)))
    if len(stacks) == 1:
        return stacks[0]
    return min(stacks, key=lambda stack: stack.loo_error_years(age_years, bases[0].weights))


def _combine(
    views: list[RidgeFit],
    y: np.ndarray,
    groups: np.ndarray | None,
    level2: Level2,
    row_weights: np.ndarray | None = None,
) -> StackFit:
    mean_age = float(np.average(y, weights=row_weights))
    # Level 2 sees how far a view moves a left-out scan from the mean age of the *others*. That
    # mean itself falls as the scan's own age rises: a view that knows nothing would otherwise be
    # a perfect predictor with the sign turned round.
    others_mean = means_of_others(y, groups, row_weights)
    moved = np.column_stack([view.loo - others_mean for view in views])
    if level2 == "ridge":
        level_2 = fit_ridge_on_features(moved, y, groups=groups, weights=row_weights)
        weights = fold_back(level_2.dual, moved)
    else:
        root = np.ones(len(y)) if row_weights is None else np.sqrt(row_weights)
        centre = np.average(moved, axis=0, weights=row_weights)
        weights = nnls(root[:, None] * (moved - centre), root * (y - mean_age))[0]
    # A view's training predictions average to the mean age, so the stack's do as well.
    return StackFit(views, weights, mean_age * (1 - float(weights.sum())))


@dataclass(frozen=True)
class StackedRegressor:
    """Ridges on several views, combined; for `ClockOptions.estimator` "stacked".

    Parameters
    ----------
    age_scale : {"auto", "years", "sqrt", "log"}
        Scale of both levels.
    penalties : sequence of float
        Candidates of level 1, relative to the mean squared length of a centred scan.
    max_square : int, default=5000
        Scans beyond which no matrix of all their pairs is decomposed.
    strong : sequence of int
        Views, by number, that enter a second time at the strong penalty.
    """

    age_scale: AgeScaleChoice = "auto"
    penalties: Sequence[float] = PENALTIES
    max_square: int = MAX_STACK_SQUARE
    strong: Sequence[int] = ()
    name = "stacked"
    centred = True
    threaded = False

    def needs(self, shape: TrainingShape) -> Needs:
        """Return "grams", or "passes" where scans are more than a square matrix can serve."""
        in_memory = shape.prepared == "rewritten"
        return "passes" if shape.too_many_pairs(self.max_square) and not in_memory else "grams"

    def fit_in_passes(self, training: PassTraining) -> list[PassFit]:
        """Fit both levels of every training set, level 1 by inner folds of people."""
        return fit_stacks_in_passes(
            training, self.penalties, age_scale=self.age_scale, strong=self.strong
        )

    def fit(self, training: GramTraining) -> GramLine:
        """Fit both levels and fold them into one weight a scan and view."""
        stack = fit_stack_on_grams(
            training.grams,
            training.ages,
            groups=training.groups,
            age_scale=self.age_scale,
            penalties=self.penalties,
            strong=self.strong,
            weights=training.weights,
        )
        pairs = list(zip(stack.view_weights, stack.views, strict=True))
        intercept = stack.intercept + float(sum(weight * view.intercept for weight, view in pairs))
        chosen = {
            "view_weights": [float(weight) for weight in stack.view_weights],
            "penalties": [float(view.penalty) for view in stack.views],
            "age_power": AGE_POWER[stack.age_scale],
        }
        n_views = len(training.grams)
        duals = [weight * view.dual for weight, view in pairs[:n_views]]
        # Both ridges of a view are linear in the same features: one weight a scan is left.
        for of_view, (weight, view) in zip(self.strong, pairs[n_views:], strict=True):
            duals[of_view] = duals[of_view] + weight * view.dual
        return GramLine(duals, intercept, chosen, stack.age_scale)

    def freeze(
        self,
        models: Sequence[GramLine],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> LinearRegression:
        """Return one weight vector (`freeze_lines`)."""
        return freeze_lines(models, trains, prepared)

    def words(self) -> str:
        """Return the method in words."""
        return self._words("their exact leave-one-out predictions")

    def words_in_passes(self, inner_folds: int) -> str:
        """Return the method in words where both levels learn from inner folds of people."""
        return self._words(f"what they predict of {inner_folds} inner folds of people left out")

    def _words(self, learnt_from: str) -> str:
        twice = f", {len(self.strong)} of them also at a strong penalty" if self.strong else ""
        return f"a stack of ridge regressions, one a view{twice}, combined on {learnt_from}"
