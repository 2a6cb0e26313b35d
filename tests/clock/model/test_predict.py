"""One scan's numbers are those of its features and of nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from brainage.clock.model.predict import fold_predictions, numbers_of, prepared_features


def scan_of(clock, cohort, place):
    ones = [cohort["fisher_z"].values[[place]].astype(float)]
    return prepared_features(clock, ones, cohort.rows.iloc[[place]])


def test_numbers_of_a_scan_are_those_of_the_table_of_scores(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    row = clock.score(cohort).iloc[5]
    found = numbers_of(clock, *scan_of(clock, cohort, 5))
    assert found.predicted == row["predicted_age_years"]
    assert (found.low, found.high) == (row["interval_low_years"], row["interval_high_years"])
    assert found.percentile == row["distance_percentile"]


def test_prediction_is_weights_times_features_and_each_fold_has_its_own(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    x, of_folds = scan_of(clock, cohort, 3)
    line = clock.regression
    assert numbers_of(clock, x, of_folds).predicted == pytest.approx(
        x @ line.weights + line.intercept
    )
    expected = clock.fold_weights @ x + clock.fold_intercepts
    np.testing.assert_allclose(fold_predictions(clock, x, of_folds), expected, rtol=1e-9)
    # All folds prepare as the clock does: nothing is kept a second time.
    assert of_folds == []


def test_clock_without_fold_models_has_an_interval_around_its_own_prediction(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    bare = replace(
        clock,
        fold_weights=np.zeros((0, 0)),
        fold_intercepts=np.zeros(0),
        fold_scales=(),
    )
    found = numbers_of(bare, *scan_of(bare, cohort, 3))
    assert (found.low + found.high) / 2 == pytest.approx(found.predicted, abs=1e-9)
