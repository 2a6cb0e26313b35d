"""Fitting the clock that is kept: cross-validated, refitted on everyone (or averaged), frozen."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any, cast

import numpy as np

from brainage import __version__
from brainage.clock.model.age_sex import AgeSexLine
from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.clock.model.distance import ReferenceDistance
from brainage.clock.model.intervals import CvPlusIntervals
from brainage.clock.model.model import BY_INNER_FOLDS, BrainClock
from brainage.clock.model.networks import network_edges
from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.preparation.directions_in_passes import DirectedView
from brainage.clock.preparation.harmonize_in_passes import HarmonizedView
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.age_scale import AgeScale
from brainage.clock.regressors.frozen import LinearRegression, Regression
from brainage.clock.regressors.lines import weights_of_lines
from brainage.clock.regressors.registry import GivenRegressor
from brainage.clock.training.folds import groups_of
from brainage.clock.training.pipeline import FoldFit, Problem, fit_and_predict
from brainage.clock.training.validation import CrossValidation, cross_validate_clock
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.tables import WHOLE_BRAIN

#: Fewest scans a fold must hold out for its preparation to stand in a clock file.
MIN_HELD_OUT = 5
_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def fit_clock(
    features: FeatureTable,
    options: ClockOptions | str,
    *,
    cv: CrossValidation | None = None,
    network: str = WHOLE_BRAIN,
    regressor: GivenRegressor | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> BrainClock:
    """Fit and freeze a clock with its bias line, intervals, distance and model card.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions or str
        How.
    cv : CrossValidation, optional
        Made before with the same features, options and network; None: made here.
    network : str, default="whole_brain"
        Or the name of a network: only edges within it; or two networks joined by " - ": only
        edges from one to the other.
    regressor : ClockRegressor, RegressorMixin or str, optional
        A regressor of a clock, or scikit-learn's or its import path, in the place of
        ``options.estimator``. Of scikit-learn's only one that is linear (``coef_``,
        ``intercept_``) can be kept: a file holds no code.
    seed : int, default=0
        Of folds and bootstraps.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    clock : BrainClock

    Examples
    --------
    >>> features, options = examples.features(), examples.clock_options()
    >>> clock = ba.fit_clock(features, options, cv=examples.cross_validation())
    >>> clock.network, len(clock.score(features))
    ('whole_brain', 40)
    """
    options = as_clock_options(options)
    columns = network_columns(features, options, network)
    if cv is None:
        cv = cross_validate_clock(
            features,
            options,
            columns=columns,
            regressor=regressor,
            seed=seed,
            n_jobs=n_jobs,
            progress=progress,
        )
    problem = Problem.of(
        features, options, groups_of(features.rows), columns=columns, regressor=regressor
    )
    _refuse_ensemble_that_learns(problem)
    problem.share_logarithms()
    fits = list(cv.fits)
    kept = fits if options.ensemble else [cv.everyone or _fit_on_everyone(problem)]
    preparations = kept[0].preparations
    prepared = list(prepared_views(problem, preparations))
    models, trains = [fit.model for fit in kept], [fit.train for fit in kept]
    regression = problem.regressor.freeze(models, trains, prepared)
    weights, intercepts, scales, of_folds = _fold_models(problem, fits, prepared, regression)
    bias = _bias(options, cv)
    age_sex = _age_sex_line(options, cv, bias, features)
    first = cv.predictions[cv.predictions["repeat"] == 0]
    residual = (first["predicted_age_years"] - first["age_years"]).to_numpy(float)
    return BrainClock(
        network=network,
        specs=tuple(problem.specs),
        preparations=preparations,
        regression=regression,
        bias=bias,
        fold_weights=weights,
        fold_intercepts=intercepts,
        fold_scales=scales,
        fold_preparations=of_folds,
        age_sex=age_sex,
        intervals=CvPlusIntervals().fit(first["fold"].to_numpy(int), residual),
        distance=_distance(problem, prepared),
        facts=_facts(features, problem, cv, kept, cv_plus=len(weights) > 0)
        | {
            "gap_slope_out_of_fold": _out_of_fold_slopes(bias, cv, age_sex, features),
            "gap_slope_within_sites": _slope_within_sites(cv),
        },
    )


def _distance(problem: Problem, prepared: list[np.ndarray]) -> ReferenceDistance:
    """Summarise the reference's whole scans; halves, which stand behind them, are none."""
    n = problem.n_scans
    return ReferenceDistance().fit(_Beside(prepared, n), groups=problem.groups[:n])


def _fit_on_everyone(problem: Problem) -> FoldFit:
    everyone = np.arange(problem.n_scans)
    return fit_and_predict(problem, everyone, everyone[:0])


def _refuse_ensemble_that_learns(problem: Problem) -> None:
    if problem.options.ensemble and problem.learns_any:
        raise BrainAgeError(
            "clock.ensemble: averaging fold models needs features that nothing is learnt of (no "
            "harmonisation, tangent space, directions or missing parcels). Set ensemble: false, or "
            "harmonization.method: none."
        )


def network_columns(
    features: FeatureTable, options: ClockOptions, network: str
) -> dict[str, np.ndarray] | None:
    """Return the columns of each view that a network's clock sees; None: the whole brain's."""
    if network == WHOLE_BRAIN:
        return None
    views = {name: features.views[name].spec for name in options.views if name in features.views}
    return {name: network_edges(spec, network) for name, spec in views.items()}


def prepared_views(problem: Problem, preparations: tuple[Preparation, ...]) -> Iterator[np.ndarray]:
    """Yield each view of the whole cohort as preparations fitted on some scans make it."""
    everyone = np.arange(len(problem.rows))
    for i, (values, steps) in enumerate(zip(problem.values, preparations, strict=True)):
        if steps.learns_nothing:
            yield values
        # Too large to hold: prepared where it is read, by rows and columns as an array is.
        elif problem.needs == "passes":
            if steps.direction is not None:
                values = cast(np.ndarray, DirectedView(values, steps.direction.mean_))
            if steps.harmonizer is not None:
                values = cast(np.ndarray, HarmonizedView(values, problem.rows, steps.harmonizer))
            yield values
        else:
            logs = problem.logarithms(i, everyone)
            yield steps.transform(np.asarray(values), problem.rows, logs=logs)


@dataclass(frozen=True)
class _Beside:
    """The first scans of views side by side, joined where they are read: more than memory holds."""

    views: list[np.ndarray]
    n_scans: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_scans, sum(view.shape[1] for view in self.views)

    def __len__(self) -> int:
        return self.n_scans

    def __getitem__(self, index: tuple[slice | np.ndarray, slice]) -> np.ndarray:
        rows, columns = index
        if isinstance(rows, slice):
            rows = slice(*rows.indices(self.n_scans))
        parts, start = [], 0
        for view in self.views:
            low, high = max(columns.start - start, 0), min(columns.stop - start, view.shape[1])
            if low < high:
                parts.append(view[rows, low:high])
            start += view.shape[1]
        return parts[0] if len(parts) == 1 else np.hstack(parts)


def _fold_models(
    problem: Problem,
    fits: list[FoldFit],
    prepared: list[np.ndarray],
    regression: Regression,
) -> tuple[np.ndarray, np.ndarray, tuple[AgeScale, ...], tuple[tuple[Preparation, ...], ...]]:
    """Return weights, intercepts, age scales and preparations of the CV+ fold models.

    Empty where a file must not hold them: the interval is then centred on the final prediction,
    and the card says so. A site's effect in one fold, beside that of all scans, would give back
    the edges of the few people whom the fold held out at that site; a fold of few people likewise.
    """
    fits = fits[: problem.options.validation.n_folds]
    learns, n_scans = problem.learns_any, problem.n_scans
    smallest = n_scans - max(int(np.sum(fit.train < n_scans)) for fit in fits)
    if not isinstance(regression, LinearRegression) or (
        learns and (problem.options.harmonization.method != "none" or smallest < MIN_HELD_OUT)
    ):
        return np.zeros((0, 0)), np.zeros(0), (), ()
    models: list[Any] = [fit.model for fit in fits]
    scales = tuple(model.age_scale for model in models)
    if not learns:
        return *weights_of_lines(models, [fit.train for fit in fits], prepared), scales, ()
    preparations = tuple(fit.preparations for fit in fits)
    parts = [
        weights_of_lines([model], [fit.train], prepared_views(problem, fit.preparations))
        for model, fit in zip(models, fits, strict=True)
    ]
    weights, intercepts = (np.concatenate(part) for part in zip(*parts, strict=True))
    return weights, intercepts, scales, preparations


def _bias(options: ClockOptions, cv: CrossValidation) -> AgeBiasCorrector:
    corrector = AgeBiasCorrector(options.bias_correction)
    seen = cv.in_sample
    if options.bias_correction != "in_sample" or seen is None:
        mean = cv.mean_predictions()
        return corrector.fit(
            mean["age_years"].to_numpy(float),
            mean["predicted_age_years"].to_numpy(float),
            people=mean["participant_id"].to_numpy(),
        )
    return corrector.fit(
        seen["age_years"].to_numpy(float),
        seen["predicted_age_years"].to_numpy(float),
        model=seen["model"].to_numpy(int),
        people=seen["participant_id"].to_numpy(),
    )


def _age_sex_line(
    options: ClockOptions, cv: CrossValidation, bias: AgeBiasCorrector, features: FeatureTable
) -> AgeSexLine | None:
    """Return the line of left-out people's corrected gaps on age and sex, where asked for."""
    if options.gap_freed_of_age_and_sex != "reference":
        return None
    mean = cv.mean_predictions()
    age = mean["age_years"].to_numpy(float)
    gap = bias.corrected_gap(age, mean["predicted_age_years"].to_numpy(float))
    return AgeSexLine.fit(age, gap, features.rows["sex"], fitted_on="reference")


def _out_of_fold_slopes(
    bias: AgeBiasCorrector,
    cv: CrossValidation,
    age_sex: AgeSexLine | None,
    features: FeatureTable,
) -> dict:
    """Return the gap's slope on age in left-out people: what a new person meets."""
    mean = cv.mean_predictions()
    age = mean["age_years"].to_numpy(float)
    predicted = mean["predicted_age_years"].to_numpy(float)
    people = mean["participant_id"].to_numpy()
    corrected = bias.corrected_gap(age, predicted)
    if age_sex is not None:
        corrected = corrected - age_sex.expected(age, features.rows["sex"])
    return {
        "before": gap_slope(age, predicted - age, people=people).to_dict(),
        "after": gap_slope(age, corrected, people=people).to_dict(),
    }


def _slope_within_sites(cv: CrossValidation) -> dict:
    """Return the raw gap's slope on age among left-out people of the same site.

    One plus it is the share of a difference in age that the clock shows within a site: predicting
    each site's mean age has a pooled share and none of this.
    """
    mean = cv.mean_predictions()
    site = mean["site"].fillna("(no site)")
    columns = mean[["age_years", "predicted_age_years"]]
    age, predicted = (columns - columns.groupby(site).transform("mean")).to_numpy(float).T
    return gap_slope(age, predicted - age, people=mean["participant_id"].to_numpy()).to_dict()


def _facts(
    features: FeatureTable,
    problem: Problem,
    cv: CrossValidation,
    kept: list[FoldFit],
    *,
    cv_plus: bool,
) -> dict:
    rows, options = features.rows, problem.options
    estimator = problem.regressor.name
    if problem.needs == "passes":
        estimator += (
            f", penalties by {options.validation.inner_folds} {BY_INNER_FOLDS} (too large for "
            "exact leave-one-out)"
        )
    if problem.halves is not None:
        estimator += problem.halves.words()
    people = rows.drop_duplicates("participant_id")
    sites = rows["site"].fillna("(no site)").value_counts().sort_index()
    metrics = [
        {k: None if isinstance(v, float) and v != v else v for k, v in record.items()}
        for record in cv.metrics.to_dict("records")
    ]
    kind = "CV+" if cv_plus else "cross-validation residuals around the final prediction"
    return {
        "cohort": {
            "n_scans": len(rows),
            "n_people": int(rows["participant_id"].nunique()),
            "age_range_years": [float(rows["age_years"].min()), float(rows["age_years"].max())],
            "median_age_years": float(rows["age_years"].median()),
            "sexes": {str(sex): int(n) for sex, n in people["sex"].value_counts().items()},
            "sites": {str(site): int(count) for site, count in sites.items()},
        },
        "estimator": estimator + (f", mean of {len(kept)} fold models" if options.ensemble else ""),
        "options": options.model_dump(mode="json"),
        "chosen": kept[0].model.chosen if len(kept) == 1 else f"in each of {len(kept)} models",
        "metrics": metrics,
        "shows_nothing": cv.shows_nothing,
        "intervals": f"90 % by {kind}, of the uncorrected predicted age of a new person like the "
        "reference; no measurement error of a brain age",
        "versions": {"brainage": __version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in _LIBRARIES},
    }
