"""Clocks on directions from the training mean: through Gram matrices, to file and back."""

import numpy as np
import pytest

from brainage.clock import BrainClock, ClockOptions, ValidationOptions, fit_clock
from brainage.clock.training.pipeline import Problem, fit_and_predict
from brainage.connectivity import FeatureTable, View

KIND = "log_correlation_direction"
OPTIONS = ClockOptions(
    estimator="stacked",
    views=("fisher_z", KIND),
    strong_views=(KIND,),
    validation=ValidationOptions(n_folds=4),
)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, kinds=("fisher_z", KIND))


def test_folds_that_fill_missing_parcels_first_agree_with_those_that_need_not(cohort):
    train, test = np.arange(30), np.arange(30, 39)
    view = cohort.views[KIND]
    values = view.values.copy()
    values[39, :9] = np.nan  # of a scan in neither set
    lacking = FeatureTable({**cohort.views, KIND: View(values, view.spec)}, cohort.rows)
    predicted = [
        fit_and_predict(Problem.of(table, OPTIONS, np.arange(40)), train, test).predicted
        for table in (cohort, lacking)
    ]
    np.testing.assert_allclose(*predicted, rtol=1e-4)


def test_the_file_holds_the_mean_and_scores_as_the_clock_did(cohort, tmp_path):
    clock = fit_clock(cohort, OPTIONS)
    clock.save(tmp_path / "clock.brainage")
    again = BrainClock.load(tmp_path / "clock.brainage")
    assert len(again.preparations[1].direction.mean_) == cohort.views[KIND].values.shape[1]
    assert clock.facts["intervals"].startswith("90 % by CV+")
    first, second = clock.score(cohort), again.score(cohort)
    np.testing.assert_array_equal(first["predicted_age_years"], second["predicted_age_years"])


def test_a_scan_twice_as_far_from_the_mean_gets_the_same_age(cohort):
    options = ClockOptions(views=(KIND,), validation=ValidationOptions(n_folds=4))
    clock = fit_clock(cohort, options)
    view = cohort.views[KIND]
    mean = view.values.mean(axis=0, dtype=np.float64)
    farther = (mean + 2 * (view.values - mean)).astype(np.float32)
    moved = FeatureTable({KIND: View(farther, view.spec)}, cohort.rows)
    ages = [clock.score(table)["predicted_age_years"] for table in (cohort, moved)]
    np.testing.assert_allclose(*ages, atol=1e-3)
