"""Honest accuracy: every prediction is of a person the clock, and every choice in it, never saw."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from brainage.clock.model.worth import why_it_shows_nothing
from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.preparation.harmonize import PRESERVE_AGE_WARNING
from brainage.clock.regressors.registry import GivenRegressor
from brainage.clock.training.folds import Folds, check_no_copies, groups_of, make_folds, site_folds
from brainage.clock.training.metrics import accuracy
from brainage.clock.training.pipeline import (
    FoldFit,
    Problem,
    fit_all_in_passes,
    fit_and_predict,
)
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError, BrainAgeWarning
from brainage.progress import Progress, silent
from brainage.tables import Column, TableSchema, write_table

PREDICTIONS = TableSchema(
    "cross-validation",
    (
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("site", "text", "Site that scanned.", nullable=True),
        Column("repeat", "integer", "Repeat of the cross-validation."),
        Column("fold", "integer", "Fold in which the scan was held out."),
        Column("age_years", "number", "Age at that scan.", "years"),
        Column("predicted_age_years", "number", "Uncorrected, out of fold.", "years"),
        Column("median_age_years", "number", "Median age of the fold's training scans.", "years"),
    ),
    key=("participant_id", "session_id", "repeat"),
)
METRICS = TableSchema(
    "metrics",
    (
        Column("validation", "text", "How scans were held out."),
        Column("metric", "text", "MAE, RMSE, MAE_median in years; r, R2; skill = 1 - ratio."),
        Column("estimate", "number", "On uncorrected out-of-fold predictions.", nullable=True),
        Column("low", "number", "Lower 95 % bootstrap bound over people.", nullable=True),
        Column("high", "number", "Upper 95 % bootstrap bound over people.", nullable=True),
        Column("shows_nothing", "boolean", "By this validation no better than the median age."),
    ),
    key=("validation", "metric"),
)
CHOSEN = TableSchema(
    "chosen",
    (
        Column("repeat", "integer", "Repeat of the cross-validation."),
        Column("fold", "integer", "Fold that was held out of the choice."),
        Column("parameter", "text", "Hyperparameter."),
        Column("value", "number", "Chosen inside the training scans."),
    ),
    key=("repeat", "fold", "parameter"),
)


@dataclass(frozen=True, repr=False)
class CrossValidation:
    """Out-of-fold predictions of the reference cohort and their accuracy.

    Parameters
    ----------
    predictions : DataFrame
        Schema `PREDICTIONS`: a row a scan and repeat, uncorrected.
    metrics : DataFrame
        Schema `METRICS`.
    chosen : DataFrame
        Schema `CHOSEN`.
    leave_one_site_out : DataFrame or None
        As `predictions`; fold counts the sites in alphabetical order.
    fits : tuple of FoldFit
        The fold models, in order of repeat and fold; not written.
    in_sample : DataFrame or None
        participant_id, age_years, predicted_age_years, model: only for the in_sample bias
        correction.
    everyone : FoldFit or None
        The model of all scans, where it comes of the same passes over the features; not written.

    Examples
    --------
    >>> cv = examples.cross_validation()
    >>> cv.predictions["fold"].nunique(), cv.shows_nothing
    (5, '')
    >>> cv.metrics[["validation", "metric"]].head(2)
      validation metric
    0     5-fold    MAE
    1     5-fold   RMSE
    """

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    chosen: pd.DataFrame
    leave_one_site_out: pd.DataFrame | None = None
    fits: tuple[FoldFit, ...] = field(default=(), repr=False)
    in_sample: pd.DataFrame | None = field(default=None, repr=False)
    everyone: FoldFit | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """Return cohort, folds and accuracy in a few lines."""
        rows = self.predictions
        people, repeats = rows["participant_id"].nunique(), rows["repeat"].nunique()
        lines = [
            f"CrossValidation: {len(rows) // repeats} scans of {people} people, "
            f"{rows['fold'].nunique()} folds x {repeats}"
        ]
        for name, metrics in self.metrics.groupby("validation", sort=False):
            figures = metrics.set_index("metric")["estimate"]
            lines.append(
                f"  {name}: MAE {figures['MAE']:.2f} years, of the median age "
                f"{figures['MAE_median']:.2f}, r {figures['r']:.2f}, uncorrected"
            )
        if self.shows_nothing:
            lines.append(f"  shows nothing of age: {self.shows_nothing}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the metrics as a table, for notebooks."""
        return self.metrics.to_html(index=False, float_format="{:.3f}".format)

    @property
    def shows_nothing(self) -> str:
        """Why the clock shows nothing of age (`why_it_shows_nothing`); empty where it does."""
        validation = self.metrics["validation"]
        return why_it_shows_nothing(self.metrics[validation == validation.iloc[0]])

    def mean_predictions(self) -> pd.DataFrame:
        """Return one row a scan, its predictions averaged over repeats, in stored order."""
        keys = ["participant_id", "session_id"]
        first = self.predictions[self.predictions["repeat"] == 0]
        mean = self.predictions.groupby(keys, sort=False)["predicted_age_years"].mean()
        index = pd.MultiIndex.from_frame(first[keys])
        return first.assign(predicted_age_years=mean.reindex(index).to_numpy())

    def save(self, folder: str | Path) -> list[Path]:
        """Write predictions, metrics and chosen hyperparameters; return the paths."""
        folder = Path(folder)
        tables = [
            ("cross_validation.tsv", self.predictions, PREDICTIONS),
            ("metrics.tsv", self.metrics, METRICS),
            ("chosen.tsv", self.chosen, CHOSEN),
        ]
        if self.leave_one_site_out is not None:
            tables.append(("leave_one_site_out.tsv", self.leave_one_site_out, PREDICTIONS))
        for name, table, schema in tables:
            write_table(table, folder / name, schema)
        return [folder / name for name, _, _ in tables]


def cross_validate_clock(
    features: FeatureTable,
    options: ClockOptions | str,
    *,
    columns: dict[str, np.ndarray] | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
    grams: dict[tuple, np.ndarray] | None = None,
    regressor: GivenRegressor | None = None,
) -> CrossValidation:
    """Predict every reference scan by clocks that never saw that person, nested throughout.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions or str
        Estimator, harmonisation and folds.
    columns : dict of str to ndarray of bool, optional
        View -> edges to use (one network's); None: all.
    seed : int, default=0
        Of the folds and bootstraps.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every finished fold.
    regressor : ClockRegressor, RegressorMixin or str, optional
        A regressor of a clock, or scikit-learn's or its import path, in the place of
        ``options.estimator``.
    grams : dict, optional
        Store of Gram matrices shared by calls on the same `features` (a sweep's).

    Returns
    -------
    cv : CrossValidation

    Raises
    ------
    LeakageError
        The same scan under two ids, or fewer people than folds.
    BrainAgeError
        Ages that are missing or all equal.

    Examples
    --------
    >>> cv = ba.cross_validate_clock(examples.features(), examples.clock_options())
    >>> cv
    CrossValidation: 40 scans of 40 people, 5 folds x 1
      5-fold: MAE 8.52 years, of the median age 19.87, r 0.88, uncorrected
    """
    options = as_clock_options(options)
    rows = features.rows
    _check_ages(rows)
    if options.harmonization.method != "none" and options.harmonization.preserve_age:
        # Once here, and not once in each of the folds.
        warnings.warn(PRESERVE_AGE_WARNING, BrainAgeWarning, stacklevel=2)
    groups = groups_of(rows)
    problem = Problem.of(
        features, options, groups, columns=columns, grams=grams, regressor=regressor
    )
    check_no_copies(problem.values[0][: len(rows)], rows)
    repeats = make_folds(rows, options.validation, seed=seed)
    splits = [split for folds in repeats for split in folds]
    label = "cross-validation"
    whole = []
    if problem.needs == "passes" and not options.ensemble:
        # Every pass reads all features: the model of everyone is one more column of it.
        everyone = np.arange(len(rows))
        whole = [(everyone, everyone[:0])]
    fits = _fit_all(problem, splits + whole, n_jobs, progress, label)
    of_everyone = fits.pop() if whole else None
    n_folds = options.validation.n_folds
    parts = [
        _predictions(rows, fit, test, repeat=i // n_folds, fold=i % n_folds)
        for i, (fit, (_, test)) in enumerate(zip(fits, splits, strict=True))
    ]
    predictions = _in_stored_order(pd.concat(parts, ignore_index=True), rows)
    n_bootstrap = options.validation.n_bootstrap
    metrics = [_named_accuracy(f"{n_folds}-fold", predictions, n_bootstrap, seed)]
    by_site = None
    if options.validation.leave_one_site_out:
        by_site = _leave_one_site_out(problem, rows, n_jobs, progress)
        metrics.append(_named_accuracy("leave one site out", by_site, n_bootstrap, seed))
    in_sample = _in_sample(problem, fits) if options.bias_correction == "in_sample" else None
    return CrossValidation(
        predictions,
        pd.concat(metrics, ignore_index=True),
        _chosen(fits, n_folds),
        by_site,
        tuple(fits),
        in_sample,
        of_everyone,
    )


def _in_sample(problem: Problem, fits: list[FoldFit]) -> pd.DataFrame:
    """Return what each fold's model predicts of the people it was trained on."""
    people = problem.rows["participant_id"].to_numpy()
    parts = [
        pd.DataFrame(
            {
                "participant_id": people[fit.train],
                "age_years": problem.ages[fit.train],
                "model": i,
                "predicted_age_years": fit.in_sample,
            }
        )
        for i, fit in enumerate(fits)
    ]
    return pd.concat(parts, ignore_index=True)


def _check_ages(rows: pd.DataFrame) -> None:
    age = rows["age_years"].to_numpy(float)
    if not np.isfinite(age).all():
        raise BrainAgeError(
            f"training: expected an age for every scan, found {np.sum(~np.isfinite(age))} without."
        )
    if len(age) < 4 or np.ptp(age) == 0:
        raise BrainAgeError(
            f"training: expected at least 4 scans of different ages, found "
            f"{len(age)} of ages {age.min() if len(age) else 'none'}."
        )


def _fit_all(
    problem: Problem, splits: Folds, n_jobs: int, progress: Progress, label: str
) -> list[FoldFit]:
    # Before the threads start: each would otherwise make its own.
    problem.share_logarithms()
    if problem.needs == "moments":
        problem.moments()
    elif problem.needs == "grams" and not problem.learns_any:
        for view in range(len(problem.values)):
            problem.gram(view)
    if problem.needs == "passes":
        fits = fit_all_in_passes(problem, splits)
        progress(len(fits), len(splits), label)
        return fits
    jobs = n_jobs if problem.regressor.threaded else 1
    parallel = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    fits = []
    for fit in parallel(joblib.delayed(fit_and_predict)(problem, *split) for split in splits):
        fits.append(fit)
        progress(len(fits), len(splits), label)
    return fits


def _predictions(
    rows: pd.DataFrame, fit: FoldFit, test: np.ndarray, *, repeat: int, fold: int
) -> pd.DataFrame:
    held_out = rows.iloc[test]
    # Halves of scans, which come behind the whole ones, have no say.
    whole = fit.train[fit.train < len(rows)]
    return pd.DataFrame(
        {
            "participant_id": held_out["participant_id"].to_numpy(),
            "session_id": held_out["session_id"].to_numpy(),
            "site": held_out["site"].to_numpy(),
            "repeat": repeat,
            "fold": fold,
            "age_years": held_out["age_years"].to_numpy(float),
            "predicted_age_years": fit.predicted,
            "median_age_years": float(np.median(rows["age_years"].to_numpy(float)[whole])),
            "_row": test,
        }
    )


def _in_stored_order(predictions: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    ordered = predictions.sort_values(["repeat", "_row"], ignore_index=True)
    return ordered.drop(columns="_row")


def _named_accuracy(
    name: str, predictions: pd.DataFrame, n_bootstrap: int, seed: int
) -> pd.DataFrame:
    found = accuracy(predictions, n_bootstrap=n_bootstrap, seed=seed)
    found.insert(0, "validation", name)
    return found.assign(shows_nothing=bool(why_it_shows_nothing(found)))


def _leave_one_site_out(
    problem: Problem, rows: pd.DataFrame, n_jobs: int, progress: Progress
) -> pd.DataFrame:
    _, splits = site_folds(rows)
    fits = _fit_all(problem, splits, n_jobs, progress, "leave one site out")
    parts = [
        _predictions(rows, fit, test, repeat=0, fold=i)
        for i, (fit, (_, test)) in enumerate(zip(fits, splits, strict=True))
    ]
    return _in_stored_order(pd.concat(parts, ignore_index=True), rows)


def _chosen(fits: list[FoldFit], n_folds: int) -> pd.DataFrame:
    records = []
    for i, fit in enumerate(fits):
        for name, value in fit.model.chosen.items():
            values = value if isinstance(value, list) else [value]
            for j, one in enumerate(values):
                label = f"{name}_{j}" if isinstance(value, list) else name
                records.append((i // n_folds, i % n_folds, label, float(one)))
    table = pd.DataFrame(records, columns=list(CHOSEN.names))
    # A regressor that chooses nothing leaves no row, and an empty column has no type of its own.
    return table.astype({"repeat": int, "fold": int, "value": float})
