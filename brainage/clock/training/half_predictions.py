"""Out-of-fold predictions of parts of scans, by the fold models that never saw the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.regressors.registry import GivenRegressor
from brainage.clock.training.fit import prepared_views
from brainage.clock.training.folds import groups_of
from brainage.clock.training.pipeline import FoldFit, Problem
from brainage.clock.training.validation import CrossValidation
from brainage.connectivity import FeatureTable, HalfFeatures
from brainage.progress import Progress, silent
from brainage.showing import Shown
from brainage.tables import Column, TableSchema

#: View -> rows of scans.
Views = Mapping[str, np.ndarray]

HALVES = TableSchema(
    "predictions of half scans",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("site", "text", "Site that scanned.", nullable=True),
        Column("age_years", "number", "Age at that scan.", "years"),
        Column("whole_years", "number", "Prediction of the whole scan.", "years"),
        Column("first_years", "number", "Prediction of its first half.", "years", nullable=True),
        Column("second_years", "number", "Prediction of its second half.", "years", nullable=True),
        Column(
            "planted_share",
            "number",
            "Rise of the prediction for each year that the scan's brain age was planted higher, "
            "same noise; n/a where nothing was planted.",
            nullable=True,
        ),
    ),
    key=("participant_id", "session_id"),
)


@dataclass(frozen=True, repr=False)
class PartOfScans(Shown):
    """A part of scans of a feature table, or other scans of the same people.

    Parameters
    ----------
    views : mapping of str to ndarray of shape (n, n_features)
        View -> rows; NaN throughout for a scan that has no such part.
    scans : ndarray of int (n,) or None, default=None
        Which rows of the feature table they belong to; None: all of them, in order.

    Examples
    --------
    >>> edges = np.asarray(examples.features()["fisher_z"].values)
    >>> first_ten = ba.clock.PartOfScans({"fisher_z": edges[:10]}, np.arange(10))
    >>> len(first_ten.scans)
    10
    """

    views: Views
    scans: np.ndarray | None = None


@dataclass(frozen=True, repr=False)
class PlantedScans(Shown):
    """The same scans, same noise, of a brain age planted some years higher: a twin's.

    Parameters
    ----------
    part : PartOfScans
        Of those scans that were made again.
    shift_years : float
        By how much brain age was planted higher.

    Examples
    --------
    >>> edges = np.asarray(examples.features()["fisher_z"].values)
    >>> part = ba.clock.PartOfScans({"fisher_z": edges})
    >>> planted = ba.clock.PlantedScans(part, shift_years=2.0)
    >>> planted.shift_years
    2.0
    """

    part: PartOfScans
    shift_years: float


@dataclass(frozen=True, repr=False)
class ScanParts(Shown):
    """Halves of the scans of a feature table, in its order, and a twin's scans where there is one.

    Parameters
    ----------
    halves : HalfFeatures
        Both halves.
    planted : PlantedScans or None, default=None
        The same scans of a higher brain age.
    scans : ndarray of int or None, default=None
        Which rows of the feature table the halves are of; None: all.

    Examples
    --------
    >>> from brainage.connectivity import HalfFeatures
    >>> edges = np.asarray(examples.features()["fisher_z"].values)
    >>> halves = HalfFeatures({"fisher_z": edges}, {"fisher_z": edges}, pd.DataFrame())
    >>> parts = ba.clock.ScanParts(halves)
    >>> bool(parts.halves.usable.all())
    True
    """

    halves: HalfFeatures
    planted: PlantedScans | None = None
    scans: np.ndarray | None = None


def predict_halves(
    features: FeatureTable,
    halves: HalfFeatures,
    options: ClockOptions | str,
    cv: CrossValidation,
    *,
    scans: np.ndarray | None = None,
    planted: PlantedScans | None = None,
    regressor: GivenRegressor | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Predict both halves of every scan with the model of the fold that held its person out.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort, whole scans: what the models were trained on.
    halves : HalfFeatures
        Of the same scans, in the same order.
    options : ClockOptions or str
        Of the clock.
    cv : CrossValidation
        Made of `features` with `options`; its first repeat is used.
    scans : ndarray of int, optional
        Rows of `features` that `halves` are of; None: all.
    planted : PlantedScans, optional
        Of the same scans, where there is a twin.
    regressor : ClockRegressor, RegressorMixin or str, optional
        As `cv` was made with.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    predictions : DataFrame
        Schema `HALVES`, in the order of `features`: uncorrected, NaN where a scan could not be
        halved.

    Raises
    ------
    BrainAgeError
        A regressor that cannot be kept, whose fold models are therefore not at hand.

    Examples
    --------
    >>> from brainage.connectivity import HalfFeatures
    >>> features, cv = examples.features(), examples.cross_validation()
    >>> edges = np.asarray(features["fisher_z"].values)
    >>> halves = HalfFeatures({"fisher_z": edges}, {"fisher_z": edges}, pd.DataFrame())
    >>> table = ba.predict_halves(features, halves, examples.clock_options(), cv)
    >>> bool((table["first_years"] == table["second_years"]).all())
    True
    """
    parts = {
        "first": PartOfScans(halves.first, scans),
        "second": PartOfScans(halves.second, scans),
    }
    if planted is not None:
        parts["planted"] = planted.part
    predicted = predict_parts(features, parts, options, cv, regressor=regressor, progress=progress)
    lacking = np.isnan(predicted["first"]) | np.isnan(predicted["second"])
    rows, first = features.rows, cv.predictions[cv.predictions["repeat"] == 0]
    whole = first["predicted_age_years"].to_numpy(float)
    share = np.full(len(rows), np.nan)
    if planted is not None:
        share = (predicted["planted"] - whole) / planted.shift_years
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"].to_numpy(),
            "session_id": rows["session_id"].to_numpy(),
            "site": rows["site"].to_numpy(),
            "age_years": rows["age_years"].to_numpy(float),
            "whole_years": whole,
            "first_years": np.where(lacking, np.nan, predicted["first"]),
            "second_years": np.where(lacking, np.nan, predicted["second"]),
            "planted_share": share,
        }
    )


def predict_parts(
    features: FeatureTable,
    parts: Mapping[str, PartOfScans],
    options: ClockOptions | str,
    cv: CrossValidation,
    *,
    columns: dict[str, np.ndarray] | None = None,
    regressor: GivenRegressor | None = None,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Predict parts of every scan with the model of the fold that held its person out.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort, whole scans: what the models were trained on.
    parts : mapping of str to PartOfScans
        Name of a part -> its features.
    options : ClockOptions or str
        Of the clock.
    cv : CrossValidation
        Made of `features` with `options`; its first repeat is used.
    columns : dict of str to ndarray of int, optional
        The columns of each view that `cv` saw, as of a network; None: all.
    regressor : ClockRegressor, RegressorMixin or str, optional
        As `cv` was made with.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    predicted : dict of str to ndarray of shape (n_scans,)
        Name of a part -> years, uncorrected; NaN where there is no such part.

    Raises
    ------
    BrainAgeError
        A regressor that cannot be kept, whose fold models are therefore not at hand.

    Examples
    --------
    >>> from brainage.connectivity import HalfFeatures
    >>> features, cv = examples.features(), examples.cross_validation()
    >>> edges = np.asarray(features["fisher_z"].values)
    >>> halves = HalfFeatures({"fisher_z": edges}, {"fisher_z": edges}, pd.DataFrame())
    >>> table = ba.predict_halves(features, halves, examples.clock_options(), cv)
    >>> bool((table["first_years"] == table["second_years"]).all())
    True
    """
    options = as_clock_options(options)
    rows = features.rows
    problem = Problem.of(features, options, groups_of(rows), columns=columns, regressor=regressor)
    problem.share_logarithms()
    predicted = {name: np.full(len(rows), np.nan) for name in parts}
    places = {name: _places(part, options, len(rows)) for name, part in parts.items()}
    n_features = sum(values.shape[1] for values in problem.values)
    fits = cv.fits[: options.validation.n_folds]
    for done, fit in enumerate(fits, start=1):
        predict = _Predictor(problem, fit)
        held_out = np.setdiff1d(np.arange(len(rows)), fit.train)
        for name, part in parts.items():
            wanted = held_out[places[name][held_out] >= 0]
            for block in blocks(len(wanted), n_features):
                here = wanted[block]
                own = places[name][here]
                prepared = [
                    step.transform(
                        _seen(part.views[view][own], view, columns),
                        rows.iloc[here],
                        validating=True,
                    )
                    for view, step in zip(options.views, fit.preparations, strict=True)
                ]
                predicted[name][here] = predict(prepared)
        progress(done, len(fits), "predict half scans")
    return predicted


class _Predictor:
    """One fold's model, as prepared features of scans it never saw meet it."""

    def __init__(self, problem: Problem, fit: FoldFit):
        self._model = fit.model if problem.needs == "features" else None
        if self._model is None:
            prepared = list(prepared_views(problem, fit.preparations))
            self._frozen = problem.regressor.freeze([fit.model], [fit.train], prepared)

    def __call__(self, prepared: list[np.ndarray]) -> np.ndarray:
        if self._model is not None:
            return np.asarray(self._model.predict(prepared[0]), dtype=float)
        X = prepared[0] if len(prepared) == 1 else np.hstack(prepared)
        return self._frozen.predict_rows(X)


def _seen(values: np.ndarray, view: str, columns: dict[str, np.ndarray] | None) -> np.ndarray:
    return np.asarray(values if columns is None else values[:, columns[view]], dtype=float)


def _places(part: PartOfScans, options: ClockOptions, n_scans: int) -> np.ndarray:
    """Return in which row of a part each scan stands (n_scans,); -1: it has no such part."""
    there = []
    for name in options.views:
        values = part.views[name]
        found = [np.isfinite(values[rows]).any(axis=1) for rows in blocks(*values.shape)]
        there.append(np.concatenate([np.zeros(0, dtype=bool), *found]))
    own = np.flatnonzero(np.all(there, axis=0))
    places = np.full(n_scans, -1)
    places[own if part.scans is None else part.scans[own]] = own
    return places
