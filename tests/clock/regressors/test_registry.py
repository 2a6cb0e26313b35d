"""A name is a regressor, a given one stands in its place."""

import pytest
from sklearn.linear_model import LinearRegression

from brainage.clock import ClockOptions
from brainage.clock.options import ESTIMATORS
from brainage.clock.regressors.foreign import ForeignRegressor
from brainage.clock.regressors.registry import REGRESSORS, regressor_of
from brainage.clock.regressors.ridge import RidgeRegressor
from brainage.errors import BrainAgeError


def test_options_reach_the_regressor():
    assert regressor_of(ClockOptions(penalties=(0.1, 1.0))) == RidgeRegressor((0.1, 1.0))
    stack = regressor_of(
        ClockOptions(estimator="stacked", views=("fisher_z", "pearson"), strong_views=("pearson",))
    )
    assert stack.strong == (1,)
    poly = regressor_of(ClockOptions(estimator="svr", svr_kernel="poly", svr_degree=3))
    assert "3" in poly.words()


@pytest.mark.parametrize("given", [LinearRegression(), "sklearn.linear_model.LinearRegression"])
def test_scikit_learns_stands_in_the_place_of_the_named_one(given):
    found = regressor_of(ClockOptions(estimator="svr"), given)
    assert isinstance(found, ForeignRegressor)
    assert found.name == "LinearRegression"


def test_regressor_of_a_clock_is_taken_as_it_is():
    own = RidgeRegressor((0.5,), max_square=10)
    assert regressor_of(ClockOptions(estimator="svr"), own) is own


def test_names_that_a_study_file_may_say_are_those_of_the_registry():
    assert set(ESTIMATORS) == set(REGRESSORS)


def test_import_path_of_nothing_is_refused_and_a_misspelt_name_too():
    with pytest.raises(BrainAgeError, match=r"sklearn\.linear_model\.Rigde"):
        regressor_of(ClockOptions(), "sklearn.linear_model.Rigde")
    with pytest.raises(ValueError, match="Did you mean 'ridge'"):
        ClockOptions(estimator="rigde")
