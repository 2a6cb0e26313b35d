"""The regressors that a study may name, one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sklearn.base import RegressorMixin

from brainage.clock.options import ClockOptions
from brainage.clock.regressors.contract import (
    ClockRegressor,
    PassRegressor,
)
from brainage.clock.regressors.elastic_net import ElasticNetRegressor
from brainage.clock.regressors.foreign import (
    ForeignRegressor,
    find_regressor,
    made_with,
    why_no_line,
)
from brainage.clock.regressors.gaussian_process import GaussianProcessRegressor
from brainage.clock.regressors.ridge import RidgeRegressor
from brainage.clock.regressors.stacked import StackedRegressor
from brainage.clock.regressors.svr import PolynomialSvrRegressor, SvrRegressor

#: A regressor in the place of the one that options name: one of a clock, or scikit-learn's or its
#: import path.
GivenRegressor: TypeAlias = ClockRegressor | RegressorMixin | str


def _svr(options: ClockOptions) -> ClockRegressor:
    inner_folds = options.validation.inner_folds
    if options.svr_kernel == "linear":
        return SvrRegressor(options.svr_c, options.svr_epsilon, inner_folds)
    return PolynomialSvrRegressor(
        options.svr_c, options.svr_epsilon, inner_folds, options.svr_degree
    )


def _stacked(options: ClockOptions) -> StackedRegressor:
    strong = tuple(options.views.index(view) for view in options.strong_views)
    return StackedRegressor(options.age_scale, options.penalties, strong=strong)


#: `ClockOptions.estimator` -> what makes its regressor.
REGRESSORS: dict[str, Callable[[ClockOptions], ClockRegressor]] = {
    "ridge": lambda options: RidgeRegressor(options.penalties),
    "stacked": _stacked,
    "svr": _svr,
    "elastic_net": lambda options: ElasticNetRegressor(options.validation.inner_folds),
    "gaussian_process": lambda options: GaussianProcessRegressor(),
}


def regressor_of(options: ClockOptions, given: GivenRegressor | None = None) -> ClockRegressor:
    """Return the regressor that options name, or a given one in its place.

    Parameters
    ----------
    options : ClockOptions
        ``estimator`` is one of `REGRESSORS`, or the import path of a scikit-learn regressor.
    given : ClockRegressor, RegressorMixin or str, optional
        Whatever the options name: a regressor of a clock, or scikit-learn's or its import path.

    Raises
    ------
    BrainAgeError
        No regressor there, or options that it does not have.

    Examples
    --------
    >>> type(regressor_of(ba.ClockOptions(estimator="svr"))).__name__
    'SvrRegressor'
    """
    if isinstance(given, ClockRegressor):
        return given
    if given is not None:
        return ForeignRegressor(find_regressor(given))
    if options.estimator in REGRESSORS:
        return REGRESSORS[options.estimator](options)
    return ForeignRegressor(made_with(options.estimator, options.estimator_options))


def why_not_kept(options: ClockOptions) -> str | None:
    """Return why a clock of these options could not be saved; None: it could, or nobody knows yet.

    Parameters
    ----------
    options : ClockOptions
        ``estimator`` and ``estimator_options``.

    Raises
    ------
    BrainAgeError
        No regressor there, or options that it does not have.

    Examples
    --------
    >>> why_not_kept(ba.ClockOptions(estimator="sklearn.cross_decomposition.PLSRegression"))
    >>> neighbours = ba.ClockOptions(estimator="sklearn.neighbors.KNeighborsRegressor")
    >>> why_not_kept(neighbours)[:48]
    'regressor KNeighborsRegressor: cannot be kept, b'
    """
    if options.estimator in REGRESSORS:
        return None
    return why_no_line(options.estimator, options.estimator_options)


def method_words(options: ClockOptions, *, by_inner_folds: bool = False) -> str:
    """Return how options' regressor is fitted, in words for a Methods paragraph.

    Parameters
    ----------
    options : ClockOptions
        Name the regressor.
    by_inner_folds : bool, default=False
        Whether it was too large for leave-one-out (`BrainClock.by_inner_folds`).

    Examples
    --------
    >>> method_words(ba.ClockOptions())
    'ridge regression, its penalty chosen by exact leave-one-out'
    """
    regressor = regressor_of(options)
    if by_inner_folds and isinstance(regressor, PassRegressor):
        return regressor.words_in_passes(options.validation.inner_folds)
    return regressor.words()
