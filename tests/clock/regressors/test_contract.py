"""Every regressor of a clock does what the contract says: fitted, frozen, the same predictions."""

import numpy as np
import pytest

from brainage.clock import ClockOptions, ValidationOptions
from brainage.clock.regressors.contract import ClockRegressor, PassRegressor, TrainingShape
from brainage.clock.regressors.foreign import ForeignRegressor
from brainage.clock.regressors.registry import REGRESSORS
from brainage.clock.training.folds import groups_of
from brainage.clock.training.pipeline import fit_and_predict
from brainage.clock.training.problem import Problem

FOLDS = ValidationOptions(n_folds=4, inner_folds=3, n_bootstrap=0)
CHOICES = {name: {"estimator": name} for name in REGRESSORS}
CHOICES["stacked"] |= {"views": ("fisher_z", "pearson")}
CHOICES |= {
    "linear svr": {"estimator": "svr", "svr_c": (1.0,)},
    "polynomial svr": {"estimator": "svr", "svr_kernel": "poly", "svr_c": (2.0,)},
    "scikit-learn's": {"estimator": "sklearn.linear_model.BayesianRidge"},
}


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, p=8, kinds=("fisher_z", "pearson"))


@pytest.mark.parametrize("name", CHOICES)
def test_frozen_it_predicts_as_it_was_fitted(cohort, name):
    options = ClockOptions(validation=FOLDS, **CHOICES[name])
    problem = Problem.of(cohort, options, groups_of(cohort.rows))
    train, test = np.arange(30), np.arange(30, 40)
    fit = fit_and_predict(problem, train, test)
    values = [view.astype(float) for view in problem.values]
    frozen = problem.regressor.freeze([fit.model], [train], values)
    whole = np.hstack([view[test] for view in values])
    np.testing.assert_allclose(frozen.predict_rows(whole), fit.predicted, atol=1e-6)
    one = [frozen.predict_one(x) for x in whole]
    np.testing.assert_allclose(one, fit.predicted, atol=1e-6)
    assert isinstance(fit.model.chosen, dict)


@pytest.mark.parametrize("name", CHOICES)
def test_it_is_a_regressor_of_a_clock_and_has_a_name_and_words(name):
    options = ClockOptions(validation=FOLDS, **CHOICES[name])
    make = REGRESSORS.get(options.estimator)
    found = make(options) if make else ForeignRegressor(options.estimator)
    assert isinstance(found, ClockRegressor)
    assert found.name
    assert found.words()


def test_ridge_and_stack_alone_can_be_fitted_in_passes():
    made = {
        name: make(ClockOptions(validation=FOLDS, **CHOICES[name]))
        for name, make in REGRESSORS.items()
    }
    in_passes = {name for name, found in made.items() if isinstance(found, PassRegressor)}
    assert in_passes == {"ridge", "stacked"}
    large = TrainingShape(20_000, 50_000, "shared", weighted=False)
    assert {name for name in made if made[name].needs(large) == "passes"} == in_passes
