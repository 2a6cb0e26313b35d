"""A cohort for solvers in passes: seen as each training set would have prepared it."""

import numpy as np
import pytest

from brainage.clock import ClockOptions, HarmonizationOptions, ValidationOptions
from brainage.clock.training.pass_training import pass_training
from brainage.clock.training.problem import Problem

SPLITS = [(np.arange(20), np.arange(20, 30)), (np.arange(10, 30), np.arange(10))]
COMBAT = HarmonizationOptions(method="combat")


@pytest.mark.parametrize(
    ("kind", "choices"),
    [
        ("fisher_z", {}),
        ("fisher_z", {"harmonization": COMBAT}),
        ("log_correlation_direction", {}),
        ("log_correlation_direction", {"harmonization": COMBAT}),
        ("log_correlation_direction", {"harmonization": HarmonizationOptions(method="center")}),
    ],
    ids=["plain", "harmonised", "directions", "harmonised directions", "centred directions"],
)
def test_features_are_seen_as_each_training_set_prepares_them(make_cohort, kind, choices):
    cohort = make_cohort(30, p=6, kinds=(kind,))
    options = ClockOptions(
        views=(kind,), validation=ValidationOptions(n_folds=3, inner_folds=4), **choices
    )
    groups = np.arange(30)
    problem = Problem.of(cohort, options, groups)
    training, steps = pass_training(
        problem.values, problem.specs, problem.rows, groups, SPLITS, options=options
    )
    assert (training.inner_folds, len(training.views), len(steps)) == (4, 1, 2)
    vectors = np.random.default_rng(0).normal(size=(problem.values[0].shape[1], 2))
    found = np.zeros((30, 2))
    for part in training.views[0].parts():
        weights, inner, outer = part.on_stored(vectors)
        for rows, block in part.blocks(float):
            found[rows] = part.scaled(rows, block @ weights + inner) + outer
    for k, (train, _) in enumerate(SPLITS):
        preparation, _ = problem.prepare(0, train)
        peer = preparation.transform(problem.values[0], problem.rows, validating=True)
        np.testing.assert_allclose(found[:, k], peer @ vectors[:, k], atol=1e-4)
        own = steps[k][0].transform(problem.values[0], problem.rows, validating=True)
        np.testing.assert_allclose(own, peer, atol=1e-4)
