"""What every training set is taken from: views, products made once, and what is too large."""

import numpy as np
import pytest

from brainage.clock import ClockOptions, HarmonizationOptions, ValidationOptions
from brainage.clock.training.pipeline import fit_and_predict
from brainage.clock.training.problem import Problem
from brainage.errors import FeatureMismatchError

FOLDS = ValidationOptions(n_folds=4, n_bootstrap=0)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, kinds=("fisher_z", "pearson", "tangent"))


def problem_of(cohort, grams=None, **choices):
    options = ClockOptions(validation=FOLDS, **choices)
    return Problem.of(cohort, options, np.arange(len(cohort)), grams=grams)


def test_clocks_on_the_same_view_share_its_gram_matrix(cohort):
    store = {}
    svr = {"estimator": "svr", "svr_c": (1.0,)}
    ridge, linear, poly = (
        problem_of(cohort, store, **choices) for choices in ({}, svr, {**svr, "svr_kernel": "poly"})
    )
    stack = problem_of(cohort, store, estimator="stacked", views=("pearson", "fisher_z"))
    assert ridge.gram(0) is linear.gram(0) is poly.gram(0) is stack.gram(1)
    assert stack.gram(0) is not stack.gram(1)
    assert len(store) == 2


def test_network_has_products_of_its_own_edges(cohort):
    store = {}
    whole = problem_of(cohort, store)
    columns = {"fisher_z": np.arange(45) < 10}
    own = Problem.of(cohort, whole.options, np.arange(40), columns=columns, grams=store)
    values = cohort["fisher_z"].values[:, :10].astype(float)
    np.testing.assert_allclose(own.gram(0), values @ values.T, rtol=1e-10)
    assert not store


def test_row_sums_and_moments_are_of_the_whole_cohort(cohort):
    problem = problem_of(cohort)
    values = cohort["fisher_z"].values.astype(float)
    np.testing.assert_allclose(problem.row_sums(0), values.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(problem.moments().xy, values.T @ cohort.ages, rtol=1e-9)


def test_view_is_prepared_anew_where_something_is_learnt_of_it(cohort):
    combat = HarmonizationOptions(method="combat")
    assert not problem_of(cohort).learns_any
    assert problem_of(cohort, harmonization=combat).learns_any
    stack = problem_of(cohort, estimator="stacked", views=("fisher_z", "tangent"))
    assert [stack.learns(view) for view in (0, 1)] == [False, True]


@pytest.mark.parametrize("reference", ["log_euclidean", "affine_invariant", "euclidean"])
def test_logarithms_shared_by_folds_change_no_prediction(cohort, reference):
    split = np.arange(30), np.arange(30, 40)
    shared, apart = (
        problem_of(cohort, views=("tangent",), tangent={"reference": reference}) for _ in range(2)
    )
    shared.share_logarithms()
    assert shared.logarithms(0, np.arange(3)).shape == (3, 55)
    assert apart.logarithms(0, np.arange(3)) is None
    predicted = [fit_and_predict(each, *split).predicted for each in (shared, apart)]
    np.testing.assert_allclose(*predicted, rtol=1e-9)


def test_view_that_the_table_lacks_is_named(cohort):
    with pytest.raises(FeatureMismatchError, match=r"\['oas'\]: not among the features"):
        problem_of(cohort, views=("oas",))
