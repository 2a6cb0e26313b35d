"""One training set in, one fitted regression out, whatever the regressor is fitted on."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import SVR

from brainage.clock import ClockOptions, ValidationOptions
from brainage.clock.regressors.ridge import RidgeRegressor
from brainage.clock.training.pipeline import fit_all_in_passes, fit_and_predict
from brainage.clock.training.problem import Problem
from brainage.connectivity import FeatureTable, View

FOLDS = ValidationOptions(n_folds=4, inner_folds=3, n_bootstrap=0)
TRAIN, TEST = np.arange(30), np.arange(30, 40)


def problem_of(cohort, **choices):
    return Problem.of(cohort, ClockOptions(validation=FOLDS, **choices), np.arange(len(cohort)))


@pytest.mark.parametrize(("p", "needs"), [(10, "grams"), (5, "moments")])
def test_ridge_through_scans_and_through_features_is_the_ridge(make_cohort, p, needs):
    problem = problem_of(make_cohort(40, p=p))
    assert problem.needs == needs
    fit = fit_and_predict(problem, TRAIN, TEST)
    X, age = problem.values[0].astype(float), problem.ages
    peer = Ridge(fit.model.chosen["penalty"]).fit(X[TRAIN], age[TRAIN])
    np.testing.assert_allclose(fit.predicted, peer.predict(X[TEST]), rtol=1e-7)
    assert fit.in_sample is None


def test_kernel_on_products_that_are_not_centred_has_scikit_learns_gamma(make_cohort):
    problem = problem_of(
        make_cohort(40), estimator="svr", svr_kernel="poly", svr_degree=2, svr_c=(2.0,)
    )
    fit = fit_and_predict(problem, TRAIN, TEST)
    X, age = problem.values[0].astype(float), problem.ages
    epsilon = problem.options.svr_epsilon
    peer = SVR(kernel="poly", degree=2, C=2.0, epsilon=epsilon, gamma="scale")
    expected = peer.fit(X[TRAIN], age[TRAIN]).predict(X[TEST])
    np.testing.assert_allclose(fit.predicted, expected, atol=1e-3)


@pytest.mark.parametrize("p", [10, 5])
def test_training_predictions_are_kept_where_the_correction_reads_them(make_cohort, p):
    problem = problem_of(make_cohort(40, p=p), bias_correction="in_sample")
    fit = fit_and_predict(problem, TRAIN, TEST)
    again = fit_and_predict(problem, TRAIN, TRAIN)
    np.testing.assert_allclose(fit.in_sample, again.predicted, rtol=1e-8)


def test_nobody_held_out_is_a_fit_without_predictions(make_cohort):
    for p in (10, 5):
        fit = fit_and_predict(problem_of(make_cohort(40, p=p)), TRAIN, TEST[:0])
        assert fit.predicted.shape == (0,)


def test_folds_that_fill_missing_parcels_first_agree_with_those_that_need_not(make_cohort):
    kind = "log_correlation_direction"
    cohort = make_cohort(40, kinds=("fisher_z", kind))
    view = cohort[kind]
    values = view.values.copy()
    values[39, :9] = np.nan  # of a scan in neither set
    lacking = FeatureTable({**cohort.views, kind: View(values, view.spec)}, cohort.rows)
    choices = {"estimator": "stacked", "views": ("fisher_z", kind), "strong_views": (kind,)}
    predicted = [
        fit_and_predict(problem_of(table, **choices), TRAIN, np.arange(30, 39)).predicted
        for table in (cohort, lacking)
    ]
    np.testing.assert_allclose(*predicted, rtol=1e-4)


def test_regressor_that_cannot_be_fitted_in_passes_is_not(make_cohort):
    problem = problem_of(make_cohort(40), estimator="gaussian_process")
    with pytest.raises(TypeError, match="not to be fitted in passes"):
        fit_all_in_passes(problem, [(TRAIN, TEST)])


def test_all_training_sets_together_are_each_by_itself(make_cohort):
    problem = problem_of(make_cohort(40))
    problem.regressor = RidgeRegressor((0.1,), max_square=10)
    splits = [(TRAIN, TEST), (np.arange(10, 40), np.arange(10))]
    together = fit_all_in_passes(problem, splits)
    for split, fit in zip(splits, together, strict=True):
        alone = fit_and_predict(problem, *split)
        np.testing.assert_allclose(fit.predicted, alone.predicted, atol=1e-3)
