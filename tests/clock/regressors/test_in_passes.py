"""Ridges and stacks in passes: penalties by inner folds of people, the fit that a Gram gives."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

from brainage.clock import ClockOptions, HarmonizationOptions, ValidationOptions, fit_clock
from brainage.clock.options import PENALTIES
from brainage.clock.regressors.in_passes import choose_penalties
from brainage.clock.regressors.ridge import RidgeRegressor, fit_ridge_on_gram
from brainage.clock.regressors.seen_features import SeenFeatures
from brainage.clock.training.folds import groups_of, make_folds
from brainage.clock.training.pipeline import (
    Problem,
    fit_all_in_passes,
    fit_and_predict,
)

FOLDS = ValidationOptions(n_folds=4, inner_folds=3, n_bootstrap=0)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(60, kinds=("fisher_z", "pearson"))


def _problem(cohort, **options):
    chosen = ClockOptions(validation=FOLDS, **options)
    return Problem.of(cohort, chosen, groups_of(cohort.rows))


def test_the_penalty_is_that_of_a_search_over_inner_folds_of_people(cohort):
    X = cohort.views["fisher_z"].values.astype(float)
    age, groups = cohort.rows["age_years"].to_numpy(), np.repeat(np.arange(30), 2)
    splits = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]
    seen = SeenFeatures(X)
    found = choose_penalties(seen, age, groups, splits, penalties=PENALTIES, inner_folds=3)["years"]
    for k, (train, _) in enumerate(splits):
        errors = np.zeros(len(PENALTIES))
        folds = GroupKFold(3, shuffle=True, random_state=0)
        for inner, held in folds.split(train, groups=groups[train]):
            own, left = train[inner], train[held]
            unit = np.sum((X[own] - X[own].mean(axis=0)) ** 2) / len(own)
            for j, penalty in enumerate(PENALTIES):
                peer = Ridge(unit * penalty).fit(X[own], age[own])
                errors[j] += np.sum((peer.predict(X[left]) - age[left]) ** 2)
        assert found.penalties[k] == PENALTIES[int(np.argmin(errors))]


def test_predictions_are_those_of_the_gram_at_the_same_penalty_to_a_thousandth_of_a_year(cohort):
    problem = _problem(cohort)
    splits = make_folds(cohort.rows, FOLDS, seed=0)[0]
    X, age = problem.values[0].astype(float), problem.ages
    problem.regressor = RidgeRegressor(max_square=10)
    assert problem.needs == "passes"
    for fit, (train, test) in zip(fit_all_in_passes(problem, splits), splits, strict=True):
        unit = np.sum((X[train] - X[train].mean(axis=0)) ** 2) / len(train)
        same = fit.model.chosen["penalty"] / unit
        gram = fit_ridge_on_gram(X[train] @ X[train].T, age[train], penalties=[same])
        expected = X[test] @ (X[train].T @ gram.dual) + gram.intercept
        np.testing.assert_allclose(fit.predicted, expected, atol=1e-3)
        np.testing.assert_allclose(fit.model.predict(X[test]), fit.predicted, atol=1e-3)


@pytest.mark.parametrize("method", ["center", "combat"])
def test_harmonised_predictions_are_those_of_the_gram_at_the_same_penalty(cohort, method):
    problem = _problem(
        cohort, harmonization=HarmonizationOptions(method=method, preserve_age=method == "combat")
    )
    splits = make_folds(cohort.rows, FOLDS, seed=0)[0]
    problem.regressor = RidgeRegressor(max_square=10)
    assert problem.needs == "passes"
    in_passes = fit_all_in_passes(problem, splits)
    for fit, (train, test) in zip(in_passes, splits, strict=True):
        preparation, own = problem.prepare(0, train)
        held_out = problem.prepare_held_out(0, preparation, test).astype(float)
        own = own.astype(float)
        unit = np.sum((own - own.mean(axis=0)) ** 2) / len(own)
        penalty = fit.model.chosen["penalty"] / unit
        gram = fit_ridge_on_gram(own @ own.T, problem.ages[train], penalties=[penalty])
        expected = held_out @ (own.T @ gram.dual) + gram.intercept
        np.testing.assert_allclose(fit.predicted, expected, atol=1e-3)
        made = fit.preparations[0].transform(problem.values[0][test], problem.rows.iloc[test])
        np.testing.assert_allclose(fit.model.predict(made), expected, atol=1e-3)


def test_a_harmonised_clock_in_passes_is_kept_and_predicts_as_the_one_in_memory(make_cohort):
    cohort = make_cohort(60, n_sites=3, effect=0.03)
    options = ClockOptions(
        penalties=(0.1,), harmonization=HarmonizationOptions(method="combat"), validation=FOLDS
    )
    in_memory = fit_clock(cohort, options)
    few = RidgeRegressor(options.penalties, max_square=10)
    in_passes = fit_clock(cohort, options, regressor=few)
    both = (in_passes, in_memory)
    # The model of everyone is made in the folds' passes, and is the one that is made alone.
    problem = Problem.of(cohort, options, groups_of(cohort.rows), regressor=few)
    alone = fit_and_predict(problem, np.arange(60), np.arange(0))
    np.testing.assert_allclose(alone.model.coef, in_passes.regression.weights, atol=1e-3)
    assert "inner folds of people" in in_passes.facts["estimator"]
    assert (in_passes.by_inner_folds, in_memory.by_inner_folds) == (True, False)
    X = in_memory.preparations[0].transform(cohort.views["fisher_z"].values, cohort.rows)
    ages = (X @ clock.regression.weights + clock.regression.intercept for clock in both)
    np.testing.assert_allclose(*ages, atol=1e-3)
    distances = (clock.distance.reference_distances_ for clock in both)
    np.testing.assert_allclose(*distances, rtol=1e-4)


def _directed(make_cohort, **options):
    cohort = make_cohort(60, kinds=("log_correlation_direction", "fisher_z"))
    chosen = ClockOptions(validation=FOLDS, **options)
    problem = Problem.of(cohort, chosen, groups_of(cohort.rows))
    return problem, make_folds(cohort.rows, FOLDS, seed=0)[0]


def test_a_ridge_of_directions_in_passes_is_the_ridge_of_directions_made_in_memory(make_cohort):
    problem, splits = _directed(make_cohort, views=("log_correlation_direction",))
    problem.regressor = RidgeRegressor(max_square=10)
    assert problem.needs == "passes"
    for fit, (train, test) in zip(fit_all_in_passes(problem, splits), splits, strict=True):
        preparation, own = problem.prepare(0, train)
        held_out = problem.prepare_held_out(0, preparation, test).astype(float)
        own = own.astype(float)
        unit = np.sum((own - own.mean(axis=0)) ** 2) / len(own)
        peer = Ridge(fit.model.chosen["penalty"]).fit(own, problem.ages[train])
        assert 1e-5 < fit.model.chosen["penalty"] / unit < 1e5
        np.testing.assert_allclose(fit.predicted, peer.predict(held_out), atol=1e-3)
        made = fit.preparations[0].transform(problem.values[0][test], problem.rows.iloc[test])
        np.testing.assert_allclose(fit.model.predict(made), fit.predicted, atol=1e-3)


@pytest.mark.parametrize("method", ["none", "center", "combat"])
def test_a_clock_of_directions_in_passes_is_kept_and_predicts_as_the_one_in_memory(
    make_cohort, method
):
    cohort = make_cohort(60, kinds=("log_correlation_direction",), n_sites=3, effect=0.03)
    options = ClockOptions(
        views=("log_correlation_direction",),
        penalties=(0.1,),
        harmonization=HarmonizationOptions(method=method),
        validation=FOLDS,
    )
    in_memory = fit_clock(cohort, options)
    few = RidgeRegressor(options.penalties, max_square=10)
    in_passes = fit_clock(cohort, options, regressor=few)
    np.testing.assert_allclose(
        *(clock.score(cohort)["predicted_age_years"] for clock in (in_passes, in_memory)), atol=1e-3
    )
    distances = (clock.distance.reference_distances_ for clock in (in_passes, in_memory))
    np.testing.assert_allclose(*distances, rtol=1e-4)
