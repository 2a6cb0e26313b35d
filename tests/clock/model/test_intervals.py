"""CV+ and jackknife+ intervals cover the age of a new exchangeable person."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from brainage.clock.model.intervals import CvPlusIntervals
from brainage.errors import BrainAgeError


def _least_squares(X, y):
    """Return what predicts by ordinary least squares with an intercept."""
    weights = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    return lambda X_new: weights[0] + X_new @ weights[1:]


def _simulate(rng, n, p=8):
    X = rng.normal(size=(n, p))
    return X, 50 + X @ np.linspace(0.5, 3, p) + 4 * rng.standard_t(4, size=n)


def _fold_models(X, y, n_folds):
    """Return the fold of each row, its out-of-fold residual and the fold models."""
    fold, residual, models = np.empty(len(y), int), np.empty(len(y)), []
    for k, (train, test) in enumerate(KFold(n_folds).split(X)):
        models.append(_least_squares(X[train], y[train]))
        fold[test], residual[test] = k, models[-1](X[test]) - y[test]
    return fold, residual, models


def _coverage(n, n_folds, level, n_draws=60, *, around_final=False):
    rng = np.random.default_rng(11)
    inside = []
    for _ in range(n_draws):
        X, y = _simulate(rng, n)
        fold, residual, models = _fold_models(X, y, n_folds)
        X_new, y_new = _simulate(rng, 100)
        if around_final:
            models = [_least_squares(X, y)] * n_folds
        predictions = np.column_stack([predict(X_new) for predict in models])
        low, high = CvPlusIntervals().fit(fold, residual).interval(predictions, level)
        inside.append(np.mean((low <= y_new) & (y_new <= high)))
    return np.mean(inside)


@pytest.mark.parametrize(("n", "n_folds"), [(80, 10), (80, 5), (40, 40)])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_cover_new_people_near_the_nominal_level(n, n_folds, level):
    # 60 cohorts x 100 new people: the standard error of the mean coverage is near 0.007.
    assert _coverage(n, n_folds, level) == pytest.approx(level + 0.01, abs=0.025)


@pytest.mark.parametrize(("n", "n_folds"), [(80, 10), (80, 5)])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_residuals_around_the_final_prediction_cover_near_the_nominal_level(n, n_folds, level):
    # What clocks whose fold models are not kept give (docs/intervals.md): no bound of CV+, but out
    # of fold residuals are a little larger than the final clock's errors, so coverage errs upwards.
    found = _coverage(n, n_folds, level, around_final=True)
    assert found == pytest.approx(level + 0.01, abs=0.025)


def test_jackknife_plus_equals_its_definition_of_order_statistics():
    rng = np.random.default_rng(0)
    residual = np.abs(rng.normal(size=19))
    predictions = rng.normal(50, 1, size=(3, 19))
    low, high = CvPlusIntervals().fit(np.arange(19), residual).interval(predictions, 0.9)
    # Barber eq. 1.2 with n = 19, a = 0.1: the 2nd smallest and the 18th smallest value.
    np.testing.assert_array_equal(low, np.sort(predictions - residual, axis=1)[:, 1])
    np.testing.assert_array_equal(high, np.sort(predictions + residual, axis=1)[:, 17])


def test_equal_fold_models_give_the_split_conformal_interval():
    residual = np.linspace(0.1, 9.9, 99)
    intervals = CvPlusIntervals().fit(np.arange(99) % 3, residual)
    low, high = intervals.interval(np.full((1, 3), 60.0), 0.9)
    # 90th of 99 sorted absolute residuals on both sides.
    assert (60 - low[0], high[0] - 60) == pytest.approx((residual[89], residual[89]))


def test_interval_of_one_scan_equals_its_row_in_a_batch(monkeypatch):
    rng = np.random.default_rng(1)
    intervals = CvPlusIntervals().fit(np.arange(60) % 5, rng.normal(size=60))
    predictions = rng.normal(50, 3, size=(40, 5))
    batch = intervals.interval(predictions)
    monkeypatch.setattr("brainage.blocks.BLOCK_VALUES", 60)
    np.testing.assert_array_equal(intervals.interval(predictions), batch)
    alone = intervals.interval(predictions[7:8])
    assert (alone[0][0], alone[1][0]) == (batch[0][7], batch[1][7])


def test_arrays_round_trip_and_hold_neither_order_nor_sign_of_the_residuals():
    rng = np.random.default_rng(2)
    fold, residual = rng.permutation(np.arange(50) % 5), rng.normal(size=50)
    intervals = CvPlusIntervals().fit(fold, residual)
    order = rng.permutation(50)
    shuffled = CvPlusIntervals().fit(fold[order], -residual[order])
    for name, array in intervals.to_arrays().items():
        np.testing.assert_array_equal(array, shuffled.to_arrays()[name])
    again = CvPlusIntervals.from_arrays(intervals.to_arrays())
    predictions = rng.normal(size=(4, 5))
    np.testing.assert_array_equal(again.interval(predictions), intervals.interval(predictions))


def test_too_few_residuals_for_the_level_are_refused_with_the_number_needed():
    intervals = CvPlusIntervals().fit(np.arange(18), np.ones(18))
    with pytest.raises(BrainAgeError, match="at least 19"):
        intervals.interval(np.zeros((1, 18)), 0.95)
    CvPlusIntervals().fit(np.arange(19), np.ones(19)).interval(np.zeros((1, 19)), 0.95)


def test_a_fold_without_scans_is_refused():
    with pytest.raises(BrainAgeError, match="each with scans"):
        CvPlusIntervals().fit(np.array([0, 0, 2, 2]), np.ones(4))


def test_residuals_that_are_not_finite_are_refused():
    with pytest.raises(BrainAgeError, match="1 that are not"):
        CvPlusIntervals().fit(np.zeros(3, int), np.array([1.0, np.nan, 2.0]))
