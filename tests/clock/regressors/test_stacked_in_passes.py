"""Stacks of ridges fitted in passes predict as stacks held in memory do."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.clock import ClockOptions, HarmonizationOptions, ValidationOptions
from brainage.clock.options import STRONG_PENALTY
from brainage.clock.regressors.contract import PassTraining
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.clock.regressors.stacked import StackedRegressor
from brainage.clock.training.folds import groups_of, make_folds
from brainage.clock.training.pipeline import Problem, fit_all_in_passes, fit_and_predict

FOLDS = ValidationOptions(n_folds=4, inner_folds=3, n_bootstrap=0)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(60, kinds=("fisher_z", "pearson"))


def _problem(cohort, **options):
    chosen = ClockOptions(validation=FOLDS, estimator="stacked", **options)
    return Problem.of(cohort, chosen, groups_of(cohort.rows))


def test_a_harmonised_stack_predicts_of_harmonised_features_what_its_passes_did(cohort):
    problem = _problem(
        cohort,
        views=("fisher_z", "pearson"),
        harmonization=HarmonizationOptions(method="combat"),
    )
    splits = make_folds(cohort.rows, FOLDS, seed=0)[0]
    problem.regressor = StackedRegressor(max_square=10)
    assert problem.needs == "passes"
    for fit, (_, test) in zip(fit_all_in_passes(problem, splits), splits, strict=True):
        views = [
            problem.prepare_held_out(view, steps, test).astype(float)
            for view, steps in enumerate(fit.preparations)
        ]
        np.testing.assert_allclose(fit.model.predict(np.hstack(views)), fit.predicted, atol=1e-3)


def test_held_out_people_change_nothing_that_is_learnt(cohort):
    splits = make_folds(cohort.rows, FOLDS, seed=0)[0]
    regressor = StackedRegressor(max_square=10)
    values = [view.values.astype(float) for view in cohort.views.values()]
    seen = [SeenFeatures(view) for view in values]
    training = PassTraining(
        seen, cohort.rows["age_years"].to_numpy(), groups_of(cohort.rows), splits[:1], 3
    )
    before = regressor.fit_in_passes(training)[0].model
    test = splits[0][1]
    rng = np.random.default_rng(0)
    changed = [view.copy() for view in values]
    for view in changed:
        view[test] += rng.normal(size=view[test].shape)
    ages = training.ages.copy()
    ages[test] = rng.uniform(20, 80, len(test))
    seen = [SeenFeatures(view) for view in changed]
    after = regressor.fit_in_passes(replace(training, views=seen, ages=ages))[0].model
    scale = np.abs(before.coef).max()
    np.testing.assert_allclose(after.coef, before.coef, atol=1e-6 * scale)
    assert after.intercept == pytest.approx(before.intercept, rel=1e-6)


def test_a_stack_in_passes_predicts_much_as_the_stack_of_gram_matrices(cohort):
    problem = _problem(cohort, views=("fisher_z", "pearson"))
    splits = make_folds(cohort.rows, FOLDS, seed=0)[0]
    by_gram = [fit_and_predict(problem, *split).predicted for split in splits]
    problem.regressor = StackedRegressor(max_square=10)
    in_passes = [fit.predicted for fit in fit_all_in_passes(problem, splits)]
    # Penalties by three inner folds, not by leave-one-out: near, not equal.
    difference = np.abs(np.concatenate(by_gram) - np.concatenate(in_passes))
    assert difference.mean() < 0.2 * np.std(cohort.rows["age_years"])
    for fit, (_, test) in zip(fit_all_in_passes(problem, splits), splits, strict=True):
        X = np.hstack([values[test] for values in problem.values])
        np.testing.assert_allclose(fit.model.predict(X), fit.predicted, atol=1e-3)


def test_views_at_the_strong_penalty_too_are_folded_into_one_weight_a_feature(make_cohort):
    kinds = ("log_correlation_direction", "fisher_z")
    problem = _problem(make_cohort(60, kinds=kinds), views=kinds, strong_views=kinds[:1])
    splits = make_folds(problem.rows, FOLDS, seed=0)[0]
    by_gram = [fit_and_predict(problem, *split).predicted for split in splits]
    problem.regressor = StackedRegressor(max_square=10, strong=(0,))
    assert problem.needs == "passes"
    found = fit_all_in_passes(problem, splits)
    for fit, (_, test) in zip(found, splits, strict=True):
        views = [
            problem.prepare_held_out(view, steps, test).astype(float)
            for view, steps in enumerate(fit.preparations)
        ]
        np.testing.assert_allclose(fit.model.predict(np.hstack(views)), fit.predicted, atol=1e-3)
        assert len(fit.model.chosen["view_weights"]) == 3
        # The strong penalty is that many mean squared lengths, which are near one of directions.
        assert 0.5 * STRONG_PENALTY < fit.model.chosen["penalties"][2] <= STRONG_PENALTY
    difference = np.abs(np.concatenate(by_gram) - np.concatenate([f.predicted for f in found]))
    assert difference.mean() < 0.2 * np.std(problem.ages)
