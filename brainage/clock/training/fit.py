"""Fitting the clock that is kept: cross-validated, refitted on everyone (or averaged), frozen."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib import metadata

import numpy as np
from sklearn.base import RegressorMixin

from brainage import __version__
from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.clock.model.distance import ReferenceDistance
from brainage.clock.model.intervals import CvPlusIntervals
from brainage.clock.model.model import BrainClock
from brainage.clock.model.networks import network_edges
from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import Preparation
from brainage.clock.regressors.foreign import find_regressor
from brainage.clock.regressors.frozen import (
    GaussianProcessRegression,
    LinearRegression,
    PolynomialRegression,
    Regression,
)
from brainage.clock.regressors.grams import weights_of
from brainage.clock.training.folds import groups_of
from brainage.clock.training.pipeline import Fitted, Problem, fit_and_predict
from brainage.clock.training.validation import CrossValidation, cross_validate_clock
from brainage.connectivity import FeatureTable, network_names
from brainage.errors import BrainAgeError
from brainage.progress import Progress, silent
from brainage.tables import WHOLE_BRAIN

#: Fewest scans a fold must hold out for its preparation to stand in a clock file.
MIN_HELD_OUT = 5
_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def fit_clock(
    features: FeatureTable,
    options: ClockOptions,
    *,
    cv: CrossValidation | None = None,
    network: str = WHOLE_BRAIN,
    regressor: str | RegressorMixin | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> BrainClock:
    """Fit and freeze a clock with its bias line, intervals, distance and model card.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions
        How.
    cv : CrossValidation, optional
        Made before with the same features, options and network; None: made here.
    network : str, default="whole_brain"
        Or the name of a network: only edges within it; or two networks joined by " - ": only
        edges from one to the other.
    regressor : str or RegressorMixin, optional
        A scikit-learn regressor or its import path, in the place of ``options.estimator``. Only
        one that is linear (``coef_``, ``intercept_``) can be kept: a file holds no code.
    seed : int, default=0
        Of folds and bootstraps.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    clock : BrainClock
    """
    columns = _columns(features, options, network)
    regressor = None if regressor is None else find_regressor(regressor)
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
    static = not any(problem.learns(i) for i in range(len(problem.values)))
    if options.ensemble and not static:
        raise BrainAgeError(
            "clock.ensemble: averaging fold models needs features that nothing is learnt of (no "
            "harmonisation, tangent space, directions or missing parcels). Set ensemble: false, or "
            "harmonization.method: none."
        )
    problem.share_logarithms()
    fits = list(cv.fits)
    everyone = np.arange(len(features.rows))
    final = None if options.ensemble else fit_and_predict(problem, everyone, everyone[:0])
    kept = fits if options.ensemble else [final]
    preparations = _preparations(kept[0], len(problem.values))
    prepared = list(_prepared(problem, preparations))
    regression = _regression(problem, kept, prepared)
    weights, intercepts, scales, of_folds = _fold_models(problem, fits, prepared, regression)
    bias = _bias(options, cv)
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
        intervals=CvPlusIntervals().fit(first["fold"].to_numpy(int), residual),
        distance=ReferenceDistance().fit(_side_by_side(prepared), groups=problem.groups),
        facts=_facts(features, problem, cv, kept, cv_plus=len(weights) > 0)
        | {
            "gap_slope_out_of_fold": _out_of_fold_slopes(bias, cv),
            "gap_slope_within_sites": _slope_within_sites(cv),
        },
    )


def fit_network_clocks(
    features: FeatureTable,
    options: ClockOptions,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> dict[str, BrainClock]:
    """Fit one clock per network on the edges within it: same folds, same correction.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort.
    options : ClockOptions
        As for the whole brain.
    seed : int, default=0
        The whole-brain clock's seed gives the same folds.
    n_jobs : int, default=1
        Threads over folds.
    progress : Progress, optional
        Told of every finished network.

    Returns
    -------
    clocks : dict of str to BrainClock
        Empty where the atlas names no network of three parcels or more.
    """
    names = network_names(features.views[options.views[0]].spec)
    if WHOLE_BRAIN in names:
        raise BrainAgeError(
            f"networks: the atlas has a network named '{WHOLE_BRAIN}', which is the name of the "
            "clock of all edges. Give that network another name in the atlas's label table."
        )
    clocks = {}
    for name in names:
        clocks[name] = fit_clock(features, options, network=name, seed=seed, n_jobs=n_jobs)
        progress(len(clocks), len(names), "network clocks")
    return clocks


def _columns(features: FeatureTable, options: ClockOptions, network: str):
    if network == WHOLE_BRAIN:
        return None
    views = {name: features.views[name].spec for name in options.views if name in features.views}
    return {name: network_edges(spec, network) for name, spec in views.items()}


def _preparations(fit: Fitted, n_views: int) -> tuple[Preparation, ...]:
    return tuple(view.preparation for view in fit.views) or (Preparation(),) * n_views


def _prepared(problem: Problem, preparations: tuple[Preparation, ...]) -> Iterator[np.ndarray]:
    everyone = np.arange(len(problem.rows))
    for i, (values, steps) in enumerate(zip(problem.values, preparations, strict=True)):
        if steps.learns_nothing:
            yield values
        else:
            logs = problem.logarithms(i, everyone)
            yield steps.transform(np.asarray(values), problem.rows, logs=logs)


def _side_by_side(prepared: list[np.ndarray]) -> np.ndarray:
    return prepared[0] if len(prepared) == 1 else np.hstack(prepared)


def _regression(problem: Problem, fits: list[Fitted], prepared: list[np.ndarray]) -> Regression:
    options = problem.options
    if problem.regressor is not None:
        if fits[0].coef is None:
            name = type(problem.regressor).__name__
            raise BrainAgeError(
                f"regressor {name}: cannot be kept, because it is not linear and a "
                "clock file holds no code. Cross-validate it, or fit a clock with "
                "one of the named estimators."
            )
    elif options.estimator == "gaussian_process":
        if len(fits) > 1:
            raise BrainAgeError(
                "clock.ensemble: not for gaussian_process, whose file would hold "
                "every fold's training scans. Set ensemble: false."
            )
        return GaussianProcessRegression(fits[0].model)
    elif options.estimator == "svr" and options.svr_kernel == "poly":
        return _polynomial(problem, fits, prepared[0])
    weights, intercepts = _linear_weights(problem, fits, prepared)
    scales = sorted({fit.age_scale for fit in fits})
    if len(scales) > 1:
        raise BrainAgeError(
            f"clock.ensemble: its fold models chose the age scales {scales}, which "
            "no one weight vector can average. Set clock.age_scale to one of "
            "them."
        )
    return LinearRegression(weights.mean(axis=0), float(intercepts.mean()), scales[0])


def _linear_weights(problem: Problem, fits: list[Fitted], prepared: Iterable[np.ndarray]):
    """Fold duals back to weights on features; intercepts for features that are not centred."""
    if fits[0].coef is not None:
        weights = np.array([np.concatenate(fit.coef) for fit in fits])
        return weights, np.array([fit.intercept for fit in fits])
    parts, intercepts = [], np.array([fit.intercept for fit in fits])
    for i, values in enumerate(prepared):
        duals, means = np.zeros((2, len(fits), len(values)))
        for k, fit in enumerate(fits):
            duals[k, fit.train] = fit.views[i].dual
            means[k, fit.train] = 1 / len(fit.train)
        weights = weights_of(values, np.vstack([duals, means]))
        # Gram matrices were of features minus the training scans' mean: undone here, once.
        weights, train_mean = weights[: len(fits)], weights[len(fits) :]
        intercepts = intercepts - np.sum(weights * train_mean, axis=1)
        parts.append(weights)
    return np.hstack(parts), intercepts


def _fold_models(problem: Problem, fits: list[Fitted], prepared: list[np.ndarray], regression):
    """Return weights, intercepts, age scales and preparations of the CV+ fold models.

    Empty where a file must not hold them: the interval is then centred on the final prediction,
    and the card says so. A site's effect in one fold, beside that of all scans, would give back
    the edges of the few people whom the fold held out at that site; a fold of few people likewise.
    """
    fits = fits[: problem.options.validation.n_folds]
    n_views = len(prepared)
    learns = any(problem.learns(i) for i in range(n_views))
    smallest = len(problem.rows) - max(len(fit.train) for fit in fits)
    if not isinstance(regression, LinearRegression) or (
        learns and (problem.options.harmonization.method != "none" or smallest < MIN_HELD_OUT)
    ):
        return np.zeros((0, 0)), np.zeros(0), (), ()
    scales = tuple(fit.age_scale for fit in fits)
    if not learns:
        return *_linear_weights(problem, fits, prepared), scales, ()
    preparations = tuple(_preparations(fit, n_views) for fit in fits)
    models = [
        _linear_weights(problem, [fit], _prepared(problem, steps))
        for fit, steps in zip(fits, preparations, strict=True)
    ]
    weights, intercepts = (np.concatenate(parts) for parts in zip(*models, strict=True))
    return weights, intercepts, scales, preparations


def _polynomial(problem: Problem, fits: list[Fitted], values: np.ndarray) -> PolynomialRegression:
    duals = np.zeros((len(fits), len(values)))
    gamma = np.empty(len(fits))
    squared = np.einsum("ij,ij->i", values, values, dtype=np.float64)
    for k, fit in enumerate(fits):
        duals[k, fit.train] = fit.views[0].dual
        gamma[k] = len(fit.train) / squared[fit.train].sum()
    used = np.flatnonzero(np.any(duals != 0, axis=0))
    return PolynomialRegression(
        np.asarray(values[used], dtype=np.float64),
        duals[:, used],
        gamma,
        np.array([fit.intercept for fit in fits]),
        problem.options.svr_degree,
    )


def _bias(options: ClockOptions, cv: CrossValidation) -> AgeBiasCorrector:
    corrector = AgeBiasCorrector(options.bias_correction)
    if options.bias_correction != "in_sample":
        mean = cv.mean_predictions()
        return corrector.fit(
            mean["age_years"].to_numpy(float),
            mean["predicted_age_years"].to_numpy(float),
            people=mean["participant_id"].to_numpy(),
        )
    seen = cv.in_sample
    return corrector.fit(
        seen["age_years"].to_numpy(float),
        seen["predicted_age_years"].to_numpy(float),
        model=seen["model"].to_numpy(int),
        people=seen["participant_id"].to_numpy(),
    )


def _out_of_fold_slopes(bias: AgeBiasCorrector, cv: CrossValidation) -> dict:
    """Return the gap's slope on age in left-out people: what a new person meets."""
    mean = cv.mean_predictions()
    age = mean["age_years"].to_numpy(float)
    predicted = mean["predicted_age_years"].to_numpy(float)
    people = mean["participant_id"].to_numpy()
    return {
        "before": gap_slope(age, predicted - age, people=people).to_dict(),
        "after": gap_slope(age, bias.corrected_gap(age, predicted), people=people).to_dict(),
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
    kept: list[Fitted],
    *,
    cv_plus: bool,
) -> dict:
    rows, options = features.rows, problem.options
    own = type(problem.regressor).__name__
    estimator = options.estimator if problem.regressor is None else own
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
        "chosen": kept[0].chosen if len(kept) == 1 else f"in each of {len(kept)} models",
        "metrics": metrics,
        "shows_nothing": cv.shows_nothing,
        "intervals": f"90 % by {kind}, of the uncorrected predicted age of a new person like the "
        "reference; no measurement error of a brain age",
        "versions": {"brainage": __version__, "python": platform.python_version()}
        | {name: metadata.version(name) for name in _LIBRARIES},
    }
