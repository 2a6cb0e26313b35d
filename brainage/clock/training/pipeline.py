"""One training set in, one fitted regression out: everything learnt sees training scans only.

Linear and kernel clocks see features only through Gram matrices. Where nothing is learnt of the
features before the regression, one Gram matrix of the whole cohort serves every fold; otherwise
the preparation is fitted on the fold's training scans and its Gram matrix made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin, clone

from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import (
    Preparation,
    fit_preparation,
    has_missing,
    needs_learning,
    shared_logarithms,
)
from brainage.clock.regressors.age_scale import AGE_POWER, AgeScale, to_years
from brainage.clock.regressors.elastic_net import ElasticNetClock
from brainage.clock.regressors.foreign import line_of
from brainage.clock.regressors.gaussian_process import GaussianProcessClock
from brainage.clock.regressors.grams import centred, directions, gram_of
from brainage.clock.regressors.primal import (
    Moments,
    fit_ridge_on_moments,
    moments_of,
    predict_in_blocks,
)
from brainage.clock.regressors.stacked import fit_ridge_on_gram, fit_stack_on_grams
from brainage.clock.regressors.svr import fit_gram_svr, polynomial_gram
from brainage.connectivity import DirectionTransformer, FeatureTable, ViewSpec
from brainage.errors import FeatureMismatchError


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
        Estimator and harmonisation.
    regressor : RegressorMixin or None, default=None
        A scikit-learn regressor in the place of ``options.estimator``; one view.
    """

    values: list[np.ndarray]
    specs: list[ViewSpec]
    rows: pd.DataFrame
    groups: np.ndarray
    options: ClockOptions
    regressor: RegressorMixin | None = None
    _grams: dict[tuple, np.ndarray] = field(default_factory=dict, repr=False)
    _incomplete: list[bool] = field(default_factory=list, repr=False)
    _learns: list[bool] = field(default_factory=list, repr=False)
    _moments: list[Moments] = field(default_factory=list, repr=False)

    @classmethod
    def of(
        cls,
        features: FeatureTable,
        options: ClockOptions,
        groups: np.ndarray,
        *,
        columns: dict[str, np.ndarray] | None = None,
        grams: dict[tuple, np.ndarray] | None = None,
        regressor: RegressorMixin | None = None,
    ) -> Problem:
        """Take the views that the options name from a feature table.

        `grams` is a store that problems of the same table share, so that a sweep makes each Gram
        matrix once; a problem of one network keeps its own.

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
        new = cls(values, [view.spec for view in views], features.rows, groups, options, regressor)
        if grams is not None and columns is None:
            new._grams = grams
        new._incomplete = [has_missing(view) for view in values]
        new._learns = [
            needs_learning(view.spec, options, incomplete=incomplete)
            for view, incomplete in zip(views, new._incomplete, strict=True)
        ]
        return new

    @property
    def ages(self) -> np.ndarray:
        """Age at each scan, years."""
        return self.rows["age_years"].to_numpy(float)

    @property
    def is_linear(self) -> bool:
        """Whether the clock is one weight per feature: then features may be centred freely."""
        options = self.options
        polynomial = options.estimator == "svr" and options.svr_kernel == "poly"
        return not polynomial and options.estimator != "gaussian_process"

    @property
    def needs_features(self) -> bool:
        """Whether the estimator is fitted on features and not on a Gram matrix."""
        named = self.options.estimator in ("elastic_net", "gaussian_process")
        return named or self.regressor is not None

    def gram(self, view: int) -> np.ndarray:
        """Return the Gram matrix of a view that needs no preparation, computed once."""
        key = (self.specs[view].fingerprint(),)
        if key not in self._grams:
            self._grams[key] = gram_of(self.values[view])
        return self._grams[key]

    @property
    def is_tall(self) -> bool:
        """Whether a ridge is cheaper through features than through scans."""
        n_scans, n_features = self.values[0].shape
        ridge = self.options.estimator == "ridge" and self.regressor is None
        return ridge and not self.learns(0) and n_scans > n_features

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
        return plain and self.specs[view].kind == "log_correlation_direction"

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
class FittedView:
    """One view's part of a fitted clock: how to prepare it, and weights on training scans."""

    preparation: Preparation
    dual: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A regression fitted on one training set.

    Parameters
    ----------
    train : ndarray of int
        Rows it was fitted on.
    views : list of FittedView
        A linear clock predicts ``sum over views of (x @ train.T) @ dual + intercept`` on its age
        scale; empty for a clock that is not linear.
    intercept : float
        On the age scale.
    chosen : dict
        Hyperparameters chosen inside the training set.
    predicted : ndarray
        Predictions of the held-out scans, years.
    in_sample : ndarray or None
        Predictions of the training scans; only for the in_sample bias correction.
    model : object or None
        The estimator of a clock that is not linear in its features.
    coef : list of ndarray or None
        Weights on features, for estimators that are fitted on features.
    age_scale : {"years", "sqrt", "log"}, default="years"
        Scale of duals and intercept; predictions are in years always.
    """

    train: np.ndarray
    views: list[FittedView]
    intercept: float
    chosen: dict
    predicted: np.ndarray
    in_sample: np.ndarray | None = None
    model: object | None = None
    coef: list[np.ndarray] | None = None
    age_scale: AgeScale = "years"


def fit_and_predict(problem: Problem, train: np.ndarray, test: np.ndarray) -> Fitted:
    """Fit on training scans and predict held-out ones; `test` may be empty.

    Parameters
    ----------
    problem : Problem
        The cohort.
    train, test : ndarray of int
        Row numbers.

    Returns
    -------
    fitted : Fitted
    """
    if problem.needs_features:
        return _fit_on_features(problem, train, test)
    if problem.is_tall:
        return _fit_on_moments(problem, train, test)
    return _fit_on_grams(problem, train, test)


def _fit_on_grams(problem: Problem, train, test) -> Fitted:
    options = problem.options
    preparations, own, cross = [], [], []
    for i in range(len(problem.values)):
        preparation, k_own, k_cross = _grams_of_fold(problem, i, train, test)
        preparations.append(preparation)
        own.append(k_own)
        cross.append(k_cross)
    ages, groups, age_scale = problem.ages[train], problem.groups[train], "years"
    if options.estimator == "stacked":
        stack = fit_stack_on_grams(own, ages, groups=groups, age_scale=options.age_scale)
        age_scale = stack.age_scale
        duals = [w * view.dual for w, view in zip(stack.view_weights, stack.views, strict=True)]
        shifts = [w * v.intercept for w, v in zip(stack.view_weights, stack.views, strict=True)]
        intercept = stack.intercept + float(sum(shifts))
        chosen = {
            "view_weights": [float(w) for w in stack.view_weights],
            "penalties": [float(view.penalty) for view in stack.views],
            "age_power": AGE_POWER[age_scale],
        }
    elif options.estimator == "ridge":
        ridge = fit_ridge_on_gram(own[0], ages, groups=groups)
        duals, intercept, chosen = [ridge.dual], ridge.intercept, {"alpha": ridge.penalty}
    else:
        own, cross = _svr_kernels(problem, own, cross)
        svr = fit_gram_svr(
            own[0],
            ages,
            candidates=options.svr_c,
            epsilon=options.svr_epsilon,
            groups=groups,
            inner_folds=options.validation.inner_folds,
        )
        duals, intercept, chosen = [svr.dual], svr.intercept, {"c": svr.c}

    def predict(kernels: list[np.ndarray]) -> np.ndarray:
        parts = [k @ d for k, d in zip(kernels, duals, strict=True)]
        return to_years(intercept + np.sum(parts, axis=0), age_scale)

    in_sample = predict(own) if options.bias_correction == "in_sample" else None
    views = [FittedView(p, d) for p, d in zip(preparations, duals, strict=True)]
    return Fitted(train, views, intercept, chosen, predict(cross), in_sample, age_scale=age_scale)


def _grams_of_fold(problem: Problem, view: int, train, test):
    if not problem.learns(view):
        gram = problem.gram(view)
        own, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        return Preparation(), *(centred(own, cross) if problem.is_linear else (own, cross))
    if problem.takes_directions_alone(view):
        # One Gram matrix still serves every fold: only the mean is the fold's own.
        preparation = problem.fit_direction(view, train)
        own, cross = directions(problem.gram(view), train, test)
        return preparation, *(centred(own, cross) if problem.is_linear else (own, cross))
    preparation, own = problem.prepare(view, train)
    mean = own.mean(axis=0, dtype=np.float64) if problem.is_linear else 0.0
    own = own - mean
    held_out = np.empty((0, own.shape[1]))
    if len(test):
        held_out = problem.prepare_held_out(view, preparation, test) - mean
    return preparation, own @ own.T, held_out @ own.T


def _fit_on_moments(problem: Problem, train, test) -> Fitted:
    values, ages = problem.values[0], problem.ages
    # Off the cohort's sums, because held-out scans are the fewer.
    held_out = np.setdiff1d(np.arange(len(ages)), train)
    moments = problem.moments().without(moments_of(values, ages, held_out))
    ridge = fit_ridge_on_moments(moments, values, ages, train, groups=problem.groups[train])
    predicted = predict_in_blocks(values, test, ridge)
    in_sample = None
    if problem.options.bias_correction == "in_sample":
        in_sample = predict_in_blocks(values, train, ridge)
    return Fitted(
        train,
        [FittedView(Preparation(), np.zeros(0))],
        ridge.intercept,
        {"alpha": ridge.penalty},
        predicted,
        in_sample,
        coef=[ridge.coef],
    )


def _svr_kernels(problem: Problem, own: list, cross: list) -> tuple[list, list]:
    if problem.options.svr_kernel == "linear":
        return own, cross
    # As scikit-learn's gamma="scale", but with the mean square in the place of the variance: it
    # needs the training block's diagonal alone.
    gamma = 1.0 / (np.trace(own[0]) / len(own[0]))
    degree = problem.options.svr_degree
    return (
        [polynomial_gram(own[0], degree=degree, gamma=gamma)],
        [polynomial_gram(cross[0], degree=degree, gamma=gamma)],
    )


def _fit_on_features(problem: Problem, train, test) -> Fitted:
    options = problem.options
    preparation, own = problem.prepare(0, train)
    if problem.regressor is not None:
        model = clone(problem.regressor).fit(own, problem.ages[train])
        line, chosen = line_of(model, own), {}
        coef, intercept = (None, 0.0) if line is None else ([line[0]], line[1])
    elif options.estimator == "elastic_net":
        model = ElasticNetClock(inner_folds=options.validation.inner_folds)
        model.fit(own, problem.ages[train], groups=problem.groups[train])
        chosen = {"alpha": float(model.alpha_), "l1_ratio": float(model.l1_ratio_)}
        coef, intercept = [np.asarray(model.coef_, dtype=float)], float(model.intercept_)
    else:
        model = GaussianProcessClock().fit(own, problem.ages[train])
        chosen = {name: float(share) for name, share in model.shares_.items()}
        coef, intercept = None, 0.0
    predicted = np.empty(0)
    if len(test):
        predicted = model.predict(problem.prepare_held_out(0, preparation, test))
    in_sample = model.predict(own) if options.bias_correction == "in_sample" else None
    views = [FittedView(preparation, np.zeros(0))]
    return Fitted(train, views, intercept, chosen, predicted, in_sample, model, coef)
