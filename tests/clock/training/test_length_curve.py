"""The length curve is of people left out: parts against the whole, by the same fold's model."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import (
    LENGTH_CUTS,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    measure_length_curve,
    scans_for_curve,
)
from brainage.connectivity import PartFeatures
from brainage.tables import LENGTH_CURVE, check_table

RIDGE = ClockOptions(networks=False, validation=ValidationOptions(n_folds=4, n_bootstrap=0))
EVERY = np.arange(40)


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(40)


@pytest.fixture(scope="module")
def cv(cohort):
    return cross_validate_clock(cohort, RIDGE)


def parts_of(cohort, change, scans=EVERY):
    """Make every part of a scan: its whole scan's features, changed by the share kept."""
    whole = np.array(cohort["fisher_z"].values, dtype=float)[scans]
    parts = {cut.name: {"fisher_z": change(whole, cut)} for cut in LENGTH_CUTS}
    return PartFeatures(np.asarray(scans), parts, pd.DataFrame())


def test_parts_like_the_whole_move_nothing(cohort, cv):
    curve = measure_length_curve(cohort, parts_of(cohort, lambda x, _: x), RIDGE, cv)
    check_table(curve.rows, LENGTH_CURVE)
    assert curve.rows["n"].tolist() == [40] * 10
    np.testing.assert_allclose(curve.rows[["shift_years", "slope_on_age"]], 0, atol=1e-5)
    assert curve.retained_s == 300.0


def test_shift_and_slope_are_those_of_scans_made_older(cohort, cv):
    # Each fold's model is a line: towards the mean scan it shrinks ages to the mean prediction.
    def shrink(x, cut):
        return x.mean(axis=0) + cut.share * (x - x.mean(axis=0))

    curve = measure_length_curve(cohort, parts_of(cohort, shrink), RIDGE, cv)
    predicted = cv.predictions["predicted_age_years"].to_numpy()
    slope = np.polyfit(cohort.ages, predicted, 1)[0]
    for row in curve.rows.itertuples():
        assert row.slope_on_age == pytest.approx((row.share_kept - 1) * slope, abs=0.05)
        assert row.slope_low < row.slope_on_age < row.slope_high < 0
        assert row.shift_low_years < row.shift_years < row.shift_high_years


def test_scans_without_a_part_and_few_people_are_counted_and_left_empty(cohort, cv):
    def lack(x, cut):
        return np.where(np.arange(len(x))[:, None] < 37 * (cut.share < 0.3), np.nan, x)

    curve = measure_length_curve(cohort, parts_of(cohort, lack), RIDGE, cv)
    short = curve.rows["share_kept"] < 0.3
    assert curve.rows.loc[short, "n"].tolist() == [3, 3]
    assert curve.rows.loc[short, "shift_years"].isna().all()
    assert np.isnan(curve.shift_years(0.25, loss="scattered"))


def test_a_few_scans_spread_over_the_ages_stand_for_all(cohort, cv):
    scans = scans_for_curve(cohort, 11)
    assert len(scans) == 11
    assert {cohort.ages.argmin(), cohort.ages.argmax()} <= set(scans)
    curve = measure_length_curve(cohort, parts_of(cohort, lambda x, _: x, scans), RIDGE, cv)
    assert curve.rows["n"].tolist() == [11] * 10
    assert scans_for_curve(cohort, 100).tolist() == list(range(40))
