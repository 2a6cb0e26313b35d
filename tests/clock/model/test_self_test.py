"""What a clock says of made-up scans tells every edit of its values."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.clock.model.self_test import check_self_test, n_features_of, self_test
from brainage.clock.regressors.frozen import LinearRegression
from brainage.connectivity import ViewSpec
from brainage.errors import ClockFileError


def test_clock_says_of_its_made_up_scan_what_it_said(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    (said,) = self_test(clock)
    check_self_test(clock, [said])
    # The scan lies around the mean: its age is one of the reference's.
    low, high = clock.age_range_years
    assert low < said["predicted"] < high


def test_weight_moved_in_one_place_is_told(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    weights = clock.regression.weights.copy()
    weights[7] += 1.0
    moved = replace(clock, regression=LinearRegression(weights, clock.regression.intercept))
    with pytest.raises(ClockFileError, match="self-test predicted: the clock said .* now"):
        check_self_test(moved, self_test(clock))


def test_numbers_beyond_any_year_and_a_scan_too_few_are_refused(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    with pytest.raises(ClockFileError, match="expected 1 made-up scans"):
        check_self_test(clock, [])
    huge = replace(clock, regression=LinearRegression(clock.regression.weights, 1e6))
    with pytest.raises(ClockFileError, match="expected years"):
        check_self_test(huge, self_test(huge))


def test_rounding_of_another_machine_is_let_pass(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    (said,) = self_test(clock)
    # Means of numbers that stand in the file are the same everywhere but for their last digits.
    rounding = {
        name: 1e-12 if name in ("residuals", "reference_distances") else 1e-7 for name in said
    }
    check_self_test(clock, [{name: value * (1 + rounding[name]) for name, value in said.items()}])


def test_clock_of_a_network_sees_the_edges_within_it():
    names = tuple(f"p{k}" for k in range(7))
    networks = ("motor",) * 3 + ("visual",) * 4
    spec = ViewSpec("fisher_z", "none", "upper", names, networks, "toy", "x")
    found = [n_features_of(spec, name) for name in ("whole_brain", "motor", "motor - visual")]
    np.testing.assert_array_equal(found, [21, 3, 12])
