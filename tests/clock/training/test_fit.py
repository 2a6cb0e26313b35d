"""The clock that is kept: refitted on everyone, with what left-out people say of it."""

import numpy as np
import pytest

from brainage.clock import (
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
    fit_network_clocks,
    gap_slope,
)
from brainage.clock.regressors.ridge import RidgeRegressor
from brainage.clock.training.fit import prepared_views
from brainage.clock.training.problem import Problem
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError

OPTIONS = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))


def test_facts_are_those_of_the_cohort(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    facts = clock.facts["cohort"]
    assert (facts["n_scans"], facts["n_people"]) == (40, 40)
    assert facts["sites"] == {"site0": 20, "site1": 20}
    assert facts["median_age_years"] == np.median(cohort.ages)


def test_slope_of_left_out_gaps_is_that_of_the_cross_validation(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    rows = cross_validate_clock(cohort, OPTIONS).predictions
    gap = (rows["predicted_age_years"] - rows["age_years"]).to_numpy()
    expected = gap_slope(rows["age_years"].to_numpy(), gap).slope
    assert clock.facts["gap_slope_out_of_fold"]["before"]["slope"] == pytest.approx(expected)
    assert clock.facts["gap_slope_out_of_fold"]["after"]["slope"] == pytest.approx(0, abs=1e-9)
    within = (
        rows.assign(gap=gap)
        .groupby("site")[["age_years", "gap"]]
        .transform(lambda column: column - column.mean())
    )
    line = np.polyfit(within["age_years"], within["gap"], 1)[0]
    assert clock.facts["gap_slope_within_sites"]["slope"] == pytest.approx(line, abs=1e-9)


def test_cross_validation_made_before_gives_the_same_clock(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    cv = cross_validate_clock(cohort, OPTIONS)
    assert fit_clock(cohort, OPTIONS, cv=cv).clock_id == clock.clock_id


def test_regressor_of_a_clock_stands_in_the_place_of_the_named_one(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    named = OPTIONS.model_copy(update={"estimator": "svr"})
    found = fit_clock(cohort, named, regressor=RidgeRegressor(OPTIONS.penalties))
    np.testing.assert_allclose(
        found.regression.weights, clock.regression.weights, rtol=1e-9, atol=1e-12
    )


def test_network_called_like_the_whole_brain_is_refused(make_cohort):
    cohort = make_cohort(20)
    view = cohort["fisher_z"]
    names = ("whole_brain",) * 5 + ("b",) * 5
    spec = view.spec.__class__(**{**vars(view.spec), "networks": names})
    table = FeatureTable({"fisher_z": view.__class__(view.values, spec)}, cohort.rows)
    with pytest.raises(BrainAgeError, match="Give that network another name"):
        fit_network_clocks(table, OPTIONS)


def test_view_that_nothing_is_learnt_of_is_read_where_it_lies(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    problem = Problem.of(cohort, OPTIONS, np.arange(40))
    (view,) = prepared_views(problem, clock.preparations)
    assert view is cohort["fisher_z"].values
