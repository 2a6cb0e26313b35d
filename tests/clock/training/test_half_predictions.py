"""Half scans are predicted by models that never saw their person, as whole scans would be."""

import numpy as np
import pytest

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock
from brainage.clock.training.half_predictions import predict_halves
from brainage.connectivity import HalfFeatures

VALIDATION = ValidationOptions(n_folds=4, n_bootstrap=0)
CLOCKS = {
    "ridge": ClockOptions(views=("fisher_z",), validation=VALIDATION),
    "stack of directions": ClockOptions(
        estimator="stacked",
        views=("fisher_z", "log_correlation_direction"),
        strong_views=("log_correlation_direction",),
        validation=VALIDATION,
    ),
    "polynomial": ClockOptions(
        estimator="svr", svr_kernel="poly", svr_c=(1.0,), views=("fisher_z",), validation=VALIDATION
    ),
}


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40, kinds=("fisher_z", "log_correlation_direction"))


@pytest.mark.parametrize("name", CLOCKS)
def test_a_half_equal_to_the_whole_gets_the_out_of_fold_prediction(cohort, name):
    options = CLOCKS[name]
    same = {kind: np.array(view.values) for kind, view in cohort.views.items()}
    halves = HalfFeatures(same, same, cohort.excluded)
    cv = cross_validate_clock(cohort, options)
    found = predict_halves(cohort, halves, options, cv)
    for side in ("first_years", "second_years"):
        np.testing.assert_allclose(found[side], found["whole_years"], rtol=1e-6)


def test_a_scan_that_cannot_be_halved_has_no_prediction(cohort):
    views = {"fisher_z": np.array(cohort["fisher_z"].values)}
    lacking = {"fisher_z": views["fisher_z"].copy()}
    lacking["fisher_z"][5] = np.nan
    halves = HalfFeatures(views, lacking, cohort.excluded)
    cv = cross_validate_clock(cohort, CLOCKS["ridge"])
    found = predict_halves(cohort, halves, CLOCKS["ridge"], cv)
    assert np.flatnonzero(found["first_years"].isna()).tolist() == [5]
