"""What a regressor of a clock is: what it needs of the training scans, how it fits and freezes.

Adding one is a file with a class that does this, and a line in `registry.REGRESSORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from brainage.clock.regressors.frozen import Regression
from brainage.clock.regressors.primal import Moments
from brainage.clock.regressors.seen_features import SeenFeatures

Needs = Literal["grams", "moments", "features", "passes"]
#: How training sets meet features: as stored, the same for all; moved by what each learnt, in a way
#: that solvers can see (site effects, directions); made anew in memory for each.
Prepared = Literal["shared", "seen", "rewritten"]
#: Rows of a training set -> their weights, adding up to its whole scans.
Weigh = Callable[[np.ndarray], np.ndarray]

#: Scans or features beyond which neither a Gram matrix nor ``X'X`` is decomposed (0.8 GB, minutes
#: for each training set): ridges and stacks are then solved in passes over the features.
MAX_SQUARE = 10_000
#: The same for a stack, which decomposes one such matrix a view in every training set: an hour and
#: 4 GB there with eight of them.
MAX_STACK_SQUARE = 5_000
#: The same where rows have weights (whole scans and their halves): leaving out a person's three
#: rows takes many times what leaving out one takes.
MAX_WEIGHTED_SQUARE = 4_000


@dataclass(frozen=True)
class TrainingShape:
    """Size and form of a cohort, by which a regressor says what it is fitted on.

    Parameters
    ----------
    n_rows : int
        Scans and, where they are trained on as well, their halves.
    n_features : int
        Of the first view.
    prepared : {"shared", "seen", "rewritten"}
        How training sets meet the features.
    weighted : bool
        Whether rows have weights of their own, as halves have.
    """

    n_rows: int
    n_features: int
    prepared: Prepared
    weighted: bool

    def too_many_pairs(self, max_square: int) -> bool:
        """Return whether the rows are more than a matrix of all their pairs may serve."""
        return self.n_rows > (min(max_square, MAX_WEIGHTED_SQUARE) if self.weighted else max_square)


@dataclass(frozen=True)
class GramTraining:
    """Training scans through the products of their features.

    Parameters
    ----------
    grams : list of ndarray of shape (n_train, n_train)
        One a view; of features minus the training mean where the regressor is `centred`.
    ages : ndarray of shape (n_train,)
        Years.
    groups : ndarray of shape (n_train,)
        Person (or family) of each scan.
    variances : list of float
        One a view: number of features times the variance of all training values, of which
        scikit-learn's gamma "scale" is the inverse. Empty where the regressor is `centred`.
    weights : ndarray of shape (n_train,) or None, default=None
        Of each row in the fit, adding up to the number of whole scans; None: 1 each.
    """

    grams: list[np.ndarray]
    ages: np.ndarray
    groups: np.ndarray
    variances: list[float] = field(default_factory=list)
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class MomentTraining:
    """Training scans through sums over them, where they outnumber the features.

    Parameters
    ----------
    moments : Moments
        Of the training scans.
    values : ndarray of shape (n_scans, n_features)
        Features of the cohort, of which only training rows are read.
    cohort_ages : ndarray of shape (n_scans,)
        Years.
    train : ndarray of int
        Training rows.
    groups : ndarray of shape (n_train,)
        Person (or family) of each training scan.
    """

    moments: Moments
    values: np.ndarray
    cohort_ages: np.ndarray
    train: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class PassTraining:
    """A whole cohort, for regressors that fit all training sets in passes over the features.

    Parameters
    ----------
    views : list of SeenFeatures
        Of each view the features on disk, as the training sets see them.
    ages : ndarray of shape (n_scans,)
        Years.
    groups : ndarray of shape (n_scans,)
        Person (or family) of each scan.
    splits : list of (train, test)
        Row numbers.
    inner_folds : int
        Inner folds of people that choose penalties.
    weigh : callable or None, default=None
        Rows of a training set -> their weights, adding up to its whole scans; None: 1 each.
    """

    views: list[SeenFeatures]
    ages: np.ndarray
    groups: np.ndarray
    splits: list[tuple[np.ndarray, np.ndarray]]
    inner_folds: int
    weigh: Weigh | None = None


@dataclass(frozen=True)
class PassFit:
    """A model fitted in passes, and what it predicts of every scan of the cohort, years."""

    model: FittedModel
    predicted: np.ndarray


@dataclass(frozen=True)
class FeatureTraining:
    """Training scans' prepared features (n_train, n_features) of the one view, ages and people."""

    X: np.ndarray
    ages: np.ndarray
    groups: np.ndarray


class FittedModel(Protocol):
    """A regression fitted on one training set."""

    @property
    def chosen(self) -> dict[str, Any]:
        """Hyperparameters chosen inside the training set."""

    def predict(self, new: Any) -> np.ndarray:
        """Return ages in years of new scans: of their Gram matrices with training, or features."""


@runtime_checkable
class ClockRegressor(Protocol):
    """A way to learn age from connectivity."""

    @property
    def centred(self) -> bool:
        """Whether Gram matrices are of features minus the training mean.

        Freely so for a clock with one weight a feature.
        """

    @property
    def threaded(self) -> bool:
        """Whether folds gain from threads of their own (LAPACK alone already uses every core)."""

    @property
    def name(self) -> str:
        """As the card names it."""

    def needs(self, shape: TrainingShape) -> Needs:
        """Return what it is fitted on."""

    def fit(self, training: Any) -> FittedModel:
        """Fit on one fold's training scans, in the form that it needs."""

    def freeze(
        self,
        models: Sequence[Any],
        trains: Sequence[np.ndarray],
        prepared: Sequence[np.ndarray],
    ) -> Regression:
        """Return what a clock file keeps of one model, or of the mean of several.

        Parameters
        ----------
        models : sequence of FittedModel
            Fitted on the rows `trains` of the cohort.
        trains : sequence of ndarray of int
            One a model.
        prepared : sequence of ndarray of shape (n_scans, n_features)
            Features of the cohort, one array a view.

        Raises
        ------
        BrainAgeError
            Something that no file may or can hold.
        """

    def words(self) -> str:
        """Return the method in words, for a Methods paragraph."""


@runtime_checkable
class PassRegressor(Protocol):
    """A regressor that can also be fitted in passes over features on disk."""

    def fit_in_passes(self, training: PassTraining) -> list[PassFit]:
        """Fit every training set of a cohort."""

    def words_in_passes(self, inner_folds: int) -> str:
        """Return the method in words, as `words`, where it was fitted so."""
