"""One training set in, one fitted regression out: everything learnt sees training scans only.

Linear and kernel clocks see features only through Gram matrices. Where nothing is learnt of the
features before the regression, one Gram matrix of the whole cohort serves every fold; otherwise
the preparation is fitted on the fold's training scans and its Gram matrix made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from brainage.blocks import blocks
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.contract import (
    FeatureTraining,
    FittedModel,
    GramTraining,
    MomentTraining,
    PassRegressor,
)
from brainage.clock.regressors.grams import centred, directions
from brainage.clock.regressors.primal import moments_of
from brainage.clock.training.pass_training import pass_training
from brainage.clock.training.problem import Problem

Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class FoldFit:
    """A regression fitted on one training set.

    Parameters
    ----------
    train : ndarray of int
        Rows of the problem it was fitted on; halves of scans, where there are any, come last.
    preparations : tuple of Preparation
        What was learnt of each view's features there.
    model : FittedModel
        The regression itself.
    predicted : ndarray
        Predictions of the held-out scans, years.
    in_sample : ndarray or None
        Predictions of the training scans; only for the in_sample bias correction.
    """

    train: np.ndarray
    preparations: tuple[Preparation, ...]
    model: FittedModel
    predicted: np.ndarray
    in_sample: np.ndarray | None = None


def fit_all_in_passes(problem: Problem, splits: Folds) -> list[FoldFit]:
    """Fit every training set together, in passes over features that no square matrix can serve."""
    training, steps = pass_training(
        problem.values,
        problem.specs,
        problem.rows,
        problem.groups,
        list(splits),
        options=problem.options,
    )
    if problem.halves is not None:
        # What is learnt of features was learnt of whole scans; the regression sees halves as well.
        splits = [(problem.fitted_rows(train), test) for train, test in splits]
        training = replace(training, splits=splits, weigh=problem.halves.weights_of)
    if not isinstance(problem.regressor, PassRegressor):
        raise TypeError(f"{problem.regressor.name}: not to be fitted in passes")
    fits = problem.regressor.fit_in_passes(training)
    return [
        FoldFit(
            train,
            of_split,
            fit.model,
            fit.predicted[test],
            fit.predicted[train] if problem.keeps_in_sample else None,
        )
        for fit, of_split, (train, test) in zip(fits, steps, splits, strict=True)
    ]


def fit_and_predict(problem: Problem, train: np.ndarray, test: np.ndarray) -> FoldFit:
    """Fit on training scans and predict held-out ones; `test` may be empty.

    Parameters
    ----------
    problem : Problem
        The cohort.
    train, test : ndarray of int
        Row numbers.

    Returns
    -------
    fit : FoldFit
    """
    if problem.needs == "passes":
        return fit_all_in_passes(problem, [(train, test)])[0]
    fit = {"grams": _fit_on_grams, "moments": _fit_on_moments, "features": _fit_on_features}
    return fit[problem.needs](problem, train, test)


@dataclass(frozen=True)
class _FoldGrams:
    """One view in one fold: how it was prepared, products of training scans, and with held-out."""

    preparation: Preparation
    own: np.ndarray
    cross: np.ndarray
    variance: float | None = None


def _fit_on_grams(problem: Problem, train: np.ndarray, test: np.ndarray) -> FoldFit:
    n_whole = len(train)
    train = problem.fitted_rows(train)
    views = [
        _grams_of_fold(problem, i, train, test, n_whole=n_whole) for i in range(len(problem.values))
    ]
    training = GramTraining(
        [view.own for view in views],
        problem.ages[train],
        problem.groups[train],
        [view.variance for view in views if view.variance is not None],
        problem.row_weights(train),
    )
    model = problem.regressor.fit(training)
    in_sample = model.predict(training.grams) if problem.keeps_in_sample else None
    predicted = model.predict([view.cross for view in views])
    return FoldFit(train, tuple(view.preparation for view in views), model, predicted, in_sample)


def _grams_of_fold(
    problem: Problem, view: int, train: np.ndarray, test: np.ndarray, *, n_whole: int
) -> _FoldGrams:
    """Return a view's products in one fold; everything learnt is of the first `n_whole` rows."""
    centre = problem.regressor.centred
    if not problem.learns(view):
        gram = problem.gram(view)
        own, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        if centre:
            return _FoldGrams(Preparation(), *centred(own, cross))
        total = float(problem.row_sums(view)[train].sum())
        spread = _variance(own, total, problem.values[view].shape[1])
        return _FoldGrams(Preparation(), own, cross, spread)
    if centre and problem.takes_directions_alone(view):
        # One Gram matrix still serves every fold: only the mean is the fold's own.
        preparation = problem.fit_direction(view, train[:n_whole])
        n_mean = n_whole if n_whole < len(train) else None
        found = directions(problem.gram(view), train, test, n_mean=n_mean)
        return _FoldGrams(preparation, *centred(*found))
    preparation, own = problem.prepare(view, train[:n_whole])
    if n_whole < len(train):
        halves = problem.prepare_halves(view, preparation, train[n_whole:])
        own = np.vstack([own, halves])
    mean = own.mean(axis=0, dtype=np.float64) if centre else np.zeros(1, own.dtype)
    own = own - mean
    held_out = np.empty((0, own.shape[1]))
    if len(test):
        held_out = problem.prepare_held_out(view, preparation, test) - mean
    gram = own @ own.T
    variance = None if centre else _variance(gram, float(own.sum()), own.shape[1])
    return _FoldGrams(preparation, gram, held_out @ own.T, variance)


def _variance(gram: np.ndarray, total: float, n_features: int) -> float:
    """Return n_features times the variance of all values, of their products and their sum."""
    n = len(gram)
    return float(np.trace(gram)) / n - total**2 / (n**2 * n_features)


def _fit_on_moments(problem: Problem, train: np.ndarray, test: np.ndarray) -> FoldFit:
    values, ages = problem.values[0], problem.ages
    # Off the cohort's sums, because held-out scans are the fewer.
    held_out = np.setdiff1d(np.arange(len(ages)), train)
    moments = problem.moments().without(moments_of(values, ages, held_out))
    training = MomentTraining(moments, values, ages, train, problem.groups[train])
    model = problem.regressor.fit(training)
    in_sample = _in_blocks(model, values, train) if problem.keeps_in_sample else None
    return FoldFit(train, (Preparation(),), model, _in_blocks(model, values, test), in_sample)


def _in_blocks(model: FittedModel, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return predicted ages in years of some scans, reading a block of rows at a time."""
    parts = [
        model.predict(np.asarray(values[rows[part]], dtype=np.float64))
        for part in blocks(len(rows), values.shape[1])
    ]
    return np.concatenate([np.zeros(0), *parts])


def _fit_on_features(problem: Problem, train: np.ndarray, test: np.ndarray) -> FoldFit:
    preparation, own = problem.prepare(0, train)
    model = problem.regressor.fit(FeatureTraining(own, problem.ages[train], problem.groups[train]))
    predicted = np.empty(0)
    if len(test):
        predicted = model.predict(problem.prepare_held_out(0, preparation, test))
    in_sample = model.predict(own) if problem.keeps_in_sample else None
    return FoldFit(train, (preparation,), model, predicted, in_sample)
