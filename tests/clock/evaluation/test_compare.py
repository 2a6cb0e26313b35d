"""Two clocks on identical folds, one against chance, and one against smaller cohorts."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t

from brainage.clock import (
    ClockOptions,
    ValidationOptions,
    compare_clocks,
    cross_validate_clock,
    learning_curve,
    permutation_test,
)
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError

FAST = ValidationOptions(n_folds=5, n_repeats=2, n_bootstrap=0)
RIDGE = ClockOptions(validation=FAST)
SVR = ClockOptions(estimator="svr", svr_c=(1e-4,), svr_epsilon=0.1, validation=FAST)


@pytest.fixture(scope="module")
def both(make_cohort):
    features = make_cohort(60)
    return [cross_validate_clock(features, options) for options in (RIDGE, SVR)]


def _errors(cv):
    rows = cv.predictions
    return (rows["predicted_age_years"] - rows["age_years"]).abs()


def test_a_clock_that_errs_less_is_found_better_by_both_tests(both):
    found = compare_clocks(*both)
    assert found.difference_years == pytest.approx(
        _errors(both[0]).mean() - _errors(both[1]).mean(), abs=1e-12
    )
    assert found.high < 0
    assert found.p_bootstrap < 0.01
    assert found.p_corrected_t < 0.05


def test_corrected_t_equals_the_formula_of_nadeau_and_bengio(both):
    rows = both[0].predictions
    by_fold = (_errors(both[0]) - _errors(both[1])).groupby([rows["repeat"], rows["fold"]]).mean()
    # 10 differences, 12 people held out of 60 each time.
    t = by_fold.mean() / np.sqrt((1 / 10 + 12 / 48) * by_fold.var(ddof=1))
    found = compare_clocks(*both)
    assert (found.t, found.df) == (pytest.approx(t, rel=1e-10), 9)
    assert found.p_corrected_t == pytest.approx(2 * student_t.sf(abs(t), 9), rel=1e-10)


def test_swapping_the_clocks_turns_the_sign(both):
    found, swapped = compare_clocks(*both), compare_clocks(*both[::-1])
    assert swapped.difference_years == pytest.approx(-found.difference_years, abs=1e-12)
    assert swapped.low == pytest.approx(-found.high, abs=1e-12)


def test_a_clock_does_not_differ_from_itself(both):
    found = compare_clocks(both[0], both[0])
    assert (found.difference_years, found.p_bootstrap, found.p_corrected_t) == (0, 1, 1)


def test_clocks_on_other_folds_are_not_compared(make_cohort, both):
    other = cross_validate_clock(make_cohort(60), RIDGE, seed=1)
    with pytest.raises(BrainAgeError, match="same validation options and seed"):
        compare_clocks(both[0], other)


def test_permutation_p_counts_the_observed_order(make_cohort):
    options = ClockOptions(validation=ValidationOptions(n_folds=3, n_bootstrap=0))
    real = permutation_test(make_cohort(40), options, n_permutations=19)
    assert real["p_value"].tolist() == [1 / 20, 1 / 20]
    noise = permutation_test(make_cohort(40, effect=0.0, seed=1), options, n_permutations=19)
    assert (noise["p_value"] > 0.05).all()


def test_permutations_keep_repeated_scans_together(make_cohort):
    from brainage.clock.evaluation.compare import _exchange

    people = ["a", "a", "b", "c", "c", "d"]
    source = _exchange(pd.DataFrame({"participant_id": people}), np.random.default_rng(3))
    assert sorted(source) == [0, 1, 2, 3, 4, 5]
    for first, second in ((0, 1), (3, 4)):
        assert people[source[first]] == people[source[second]]
        assert source[first] < source[second]


def test_error_falls_with_people_and_the_last_point_is_the_whole_cohort(make_cohort):
    features = make_cohort(120)
    rows = features.rows.assign(family_id=[f"f{i // 2}" for i in range(120)])
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    families = FeatureTable(features.views, rows)
    curve = learning_curve(families, options, shares=(0.2, 1.0), n_draws=2)
    assert curve["n_people"].tolist() == [12, 12, 60]
    assert curve["n_scans"].tolist() == [24, 24, 120]
    whole = cross_validate_clock(families, options).metrics.set_index("metric")["estimate"]
    assert curve["MAE"].iloc[-1] == whole["MAE"]
    assert curve["MAE"].iloc[:2].min() > curve["MAE"].iloc[-1]
