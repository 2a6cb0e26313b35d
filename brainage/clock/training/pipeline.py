"""One training set in, one fitted regression out: everything learnt sees training scans only.

Linear and kernel clocks see features only through Gram matrices. Where nothing is learnt of the
features before the regression, one Gram matrix of the whole cohort serves every fold; otherwise
the preparation is fitted on the fold's training scans and its Gram matrix made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin

from brainage.blocks import blocks
from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import (
    Preparation,
    fit_preparation,
    has_missing,
    learns_sites_alone,
    needs_learning,
    shared_logarithms,
)
from brainage.clock.regressors.contract import (
    ClockRegressor,
    FeatureTraining,
    FittedModel,
    GramTraining,
    MomentTraining,
    Needs,
    PassRegressor,
)
from brainage.clock.regressors.grams import centred, directions, gram_of
from brainage.clock.regressors.primal import Moments, moments_of
from brainage.clock.regressors.registry import regressor_of
from brainage.clock.training.cost import refuse_too_many, way_of
from brainage.clock.training.pass_training import pass_training
from brainage.connectivity import KINDS, DirectionTransformer, FeatureTable, ViewSpec
from brainage.errors import FeatureMismatchError

Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass
class Problem:
    """A cohort, its ages and the views a clock sees; restricted to one network on request.

    Parameters
    ----------
    values : list of ndarray
        One (n_scans, n_features) array a view.
    specs : list of ViewSpec
        One a view.
    rows : DataFrame
        Row table.
    groups : ndarray of shape (n_scans,)
        Scans that must stay together.
    options : ClockOptions
        Harmonisation and bias correction.
    regressor : ClockRegressor
        What is fitted.
    """

    values: list[np.ndarray]
    specs: list[ViewSpec]
    rows: pd.DataFrame
    groups: np.ndarray
    options: ClockOptions
    regressor: ClockRegressor
    _grams: dict[tuple, np.ndarray] = field(default_factory=dict, repr=False)
    _incomplete: list[bool] = field(default_factory=list, repr=False)
    _learns: list[bool] = field(default_factory=list, repr=False)
    _moments: list[Moments] = field(default_factory=list, repr=False)
    _row_sums: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        features: FeatureTable,
        options: ClockOptions,
        groups: np.ndarray,
        *,
        columns: dict[str, np.ndarray] | None = None,
        grams: dict[tuple, np.ndarray] | None = None,
        regressor: str | RegressorMixin | None = None,
    ) -> Problem:
        """Take the views that the options name from a feature table.

        `grams` is a store that problems of the same table share, so that a sweep makes each Gram
        matrix once; a problem of one network keeps its own. `regressor` is a scikit-learn one in
        the place of the options' estimator.

        Raises
        ------
        FeatureMismatchError
            A view that the table does not hold, or an age that is missing.
        """
        absent = [name for name in options.views if name not in features.views]
        if absent:
            raise FeatureMismatchError(
                f"views {absent}: not among the features {list(features.views)}."
            )
        views = [features.views[name] for name in options.views]
        values = [
            view.values if columns is None else np.asarray(view.values[:, columns[name]])
            for name, view in zip(options.views, views, strict=True)
        ]
        specs = [view.spec for view in views]
        learner = regressor_of(options, regressor)
        new = cls(values, specs, features.rows, groups, options, learner)
        if grams is not None and columns is None:
            new._grams = grams
        new._incomplete = [has_missing(view) for view in values]
        new._learns = [
            needs_learning(view.spec, options, incomplete=incomplete)
            for view, incomplete in zip(views, new._incomplete, strict=True)
        ]
        refuse_too_many(len(new.rows), new.needs, learns=new.learns_any, name=learner.name)
        return new

    @property
    def ages(self) -> np.ndarray:
        """Age at each scan, years."""
        return self.rows["age_years"].to_numpy(float)

    @property
    def needs(self) -> Needs:
        """Return what the regressor is fitted on."""
        n_scans, n_features = self.values[0].shape
        return way_of(
            self.regressor,
            n_scans=n_scans,
            n_features=n_features,
            learns=self.learns_any,
            sites_alone=self._sites_alone,
        )

    @property
    def _sites_alone(self) -> bool:
        return all(
            learns_sites_alone(spec, incomplete=incomplete)
            for spec, incomplete in zip(self.specs, self._incomplete, strict=True)
        )

    @property
    def learns_any(self) -> bool:
        """Whether any view is prepared anew in every training set."""
        return any(self._learns)

    @property
    def keeps_in_sample(self) -> bool:
        """Whether training predictions are kept, for the bias correction that needs them."""
        return self.options.bias_correction == "in_sample"

    def gram(self, view: int) -> np.ndarray:
        """Return the Gram matrix of a view that needs no preparation, computed once."""
        key = (self.specs[view].fingerprint(),)
        if key not in self._grams:
            self._grams[key] = gram_of(self.values[view])
        return self._grams[key]

    def row_sums(self, view: int) -> np.ndarray:
        """Return the sum of each scan's features in a view that needs no preparation, once."""
        if view not in self._row_sums:
            values = self.values[view]
            parts = [values[rows].sum(axis=1, dtype=np.float64) for rows in blocks(*values.shape)]
            self._row_sums[view] = np.concatenate(parts)
        return self._row_sums[view]

    def moments(self) -> Moments:
        """Return the cohort's sums for a ridge through features, computed once."""
        if not self._moments:
            self._moments.append(moments_of(self.values[0], self.ages, np.arange(len(self.rows))))
        return self._moments[0]

    def learns(self, view: int) -> bool:
        """Return whether a view is prepared anew in every training set."""
        return self._learns[view]

    def takes_directions_alone(self, view: int) -> bool:
        """Return whether unit vectors from the mean are all that is learnt of a view."""
        plain = self.options.harmonization.method == "none" and not self._incomplete[view]
        return plain and KINDS[self.specs[view].kind].learnt_in_fold == "direction"

    def fit_direction(self, view: int, train: np.ndarray) -> Preparation:
        """Return the preparation of such a view: the mean of training scans."""
        return Preparation(direction=DirectionTransformer().fit(self.values[view][train]))

    def share_logarithms(self) -> None:
        """Take the logarithm of every scan of tangent views, once for all folds to come."""
        for values, spec in zip(self.values, self.specs, strict=True):
            key = (spec.fingerprint(), "logarithms")
            if spec.kind == "tangent" and key not in self._grams:
                logs = shared_logarithms(values)
                if logs is not None:
                    self._grams[key] = logs

    def logarithms(self, view: int, rows: np.ndarray) -> np.ndarray | None:
        """Return the shared logarithms of some scans; None where there are none."""
        logs = self._grams.get((self.specs[view].fingerprint(), "logarithms"))
        return None if logs is None else logs[rows]

    def prepare(self, view: int, train: np.ndarray) -> tuple[Preparation, np.ndarray]:
        """Fit a view's preparation on training scans; return it and their prepared values."""
        return fit_preparation(
            np.asarray(self.values[view][train]),
            self.rows.iloc[train],
            spec=self.specs[view],
            options=self.options,
            incomplete=self._incomplete[view],
            logs=self.logarithms(view, train),
        )

    def prepare_held_out(self, view: int, steps: Preparation, test: np.ndarray) -> np.ndarray:
        """Return held-out scans of a view as a training fold's preparation makes them."""
        return steps.transform(
            np.asarray(self.values[view][test]),
            self.rows.iloc[test],
            validating=True,
            logs=self.logarithms(view, test),
        )


@dataclass(frozen=True)
class FoldFit:
    """A regression fitted on one training set.

    Parameters
    ----------
    train : ndarray of int
        Rows it was fitted on.
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
        problem.rows,
        problem.groups,
        list(splits),
        options=problem.options,
    )
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
    views = [_grams_of_fold(problem, i, train, test) for i in range(len(problem.values))]
    training = GramTraining(
        [view.own for view in views],
        problem.ages[train],
        problem.groups[train],
        [view.variance for view in views if view.variance is not None],
    )
    model = problem.regressor.fit(training)
    in_sample = model.predict(training.grams) if problem.keeps_in_sample else None
    predicted = model.predict([view.cross for view in views])
    return FoldFit(train, tuple(view.preparation for view in views), model, predicted, in_sample)


def _grams_of_fold(problem: Problem, view: int, train: np.ndarray, test: np.ndarray) -> _FoldGrams:
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
        preparation = problem.fit_direction(view, train)
        return _FoldGrams(preparation, *centred(*directions(problem.gram(view), train, test)))
    preparation, own = problem.prepare(view, train)
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
