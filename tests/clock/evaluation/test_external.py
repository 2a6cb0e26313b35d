"""A frozen clock on people of another study."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from brainage.clock import (
    ClockOptions,
    ValidationOptions,
    evaluate_clock,
    fit_clock,
    score_halves,
)
from brainage.connectivity import FeatureTable, HalfFeatures
from brainage.errors import BrainAgeError

OPTIONS = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))


@pytest.fixture(scope="module")
def clock(make_cohort):
    return fit_clock(make_cohort(80, effect=0.01), OPTIONS)


@pytest.fixture(scope="module")
def others(make_cohort):
    # The same planted edges, other people: made in one cohort and parted.
    return make_cohort(140, effect=0.01).select(np.arange(80, 140))


@pytest.fixture(scope="module")
def tested(clock, others):
    return evaluate_clock(clock, others, n_bootstrap=200)


def _estimate(test, name):
    return test.metrics.set_index("metric").loc[name, "estimate"]


def test_errors_are_those_of_the_uncorrected_scores(clock, others, tested):
    scores = clock.score(others)
    age, predicted = scores["age_years"], scores["predicted_age_years"]
    assert _estimate(tested, "MAE") == pytest.approx(mean_absolute_error(age, predicted))
    assert _estimate(tested, "R2") == pytest.approx(r2_score(age, predicted))
    assert _estimate(tested, "r") == pytest.approx(np.corrcoef(age, predicted)[0, 1])
    pd.testing.assert_frame_equal(tested.scores, scores)


def test_yardsticks_are_the_medians_of_both_cohorts(make_cohort, others, tested):
    age = others.rows["age_years"]
    reference = make_cohort(80, effect=0.01).rows["age_years"].median()
    assert _estimate(tested, "MAE_median") == pytest.approx((age - reference).abs().mean())
    assert _estimate(tested, "MAE_own_median") == pytest.approx((age - age.median()).abs().mean())
    skill = 1 - _estimate(tested, "MAE") / _estimate(tested, "MAE_median")
    assert _estimate(tested, "skill") == pytest.approx(skill)


def test_every_metric_has_an_interval_around_its_estimate(tested):
    inside = (tested.metrics["low"] <= tested.metrics["estimate"]) & (
        tested.metrics["estimate"] <= tested.metrics["high"]
    )
    assert inside.all()


def test_slopes_are_of_the_external_gaps_raw_and_corrected(tested):
    slopes = tested.gap_slopes.set_index("gap")
    age, gap = tested.scores["age_years"], tested.scores["gap_years"]
    assert slopes.loc["raw", "slope"] == pytest.approx(np.polyfit(age, gap, 1)[0])
    # The line is the reference's: other people keep a little of the slope, or get a little.
    assert abs(slopes.loc["corrected", "slope"]) < abs(slopes.loc["raw", "slope"])


def test_two_scans_a_person_do_not_narrow_the_intervals(clock, others, tested):
    rows = pd.concat([others.rows, others.rows.assign(session_id="2")], ignore_index=True)
    view = others.views["fisher_z"]
    doubled = FeatureTable({"fisher_z": type(view)(np.vstack([view.values] * 2), view.spec)}, rows)
    twice = evaluate_clock(clock, doubled, n_bootstrap=200)
    columns = ["metric", "estimate", "low", "high"]
    pd.testing.assert_frame_equal(twice.metrics[columns], tested.metrics[columns])


def test_a_clock_of_before_medians_were_stored_is_measured_without_that_yardstick(clock, others):
    cohort = {k: v for k, v in clock.facts["cohort"].items() if k != "median_age_years"}
    old = replace(clock, facts={**clock.facts, "cohort": cohort})
    test = evaluate_clock(old, others, n_bootstrap=20)
    assert np.isnan(_estimate(test, "MAE_median"))
    assert _estimate(test, "MAE_own_median") > 0


def test_scans_without_an_age_and_a_single_person_are_refused(clock, others):
    rows = others.rows.assign(age_years=others.rows["age_years"].where(others.rows.index > 3))
    with pytest.raises(BrainAgeError, match="4 scans without an age"):
        evaluate_clock(clock, FeatureTable(others.views, rows))
    with pytest.raises(BrainAgeError, match="at least two people.*found 1"):
        evaluate_clock(clock, others.select([0]))


def test_halves_are_scored_by_themselves_and_what_could_not_be_halved_has_none(clock, others):
    few = others.select(np.arange(4))
    whole = few["fisher_z"].values.astype(float)
    moved = np.full_like(whole, np.nan)
    moved[[0, 2]] = whole[[1, 3]]
    halves = HalfFeatures({"fisher_z": moved}, {"fisher_z": moved}, few.excluded)
    found = score_halves(clock, few, halves)
    ages = clock.score(few)["predicted_age_years"].to_numpy()
    np.testing.assert_array_equal(found["whole_years"], ages)
    np.testing.assert_allclose(found["first_years"], [ages[1], np.nan, ages[3], np.nan], rtol=1e-6)
    assert found["planted_share"].isna().all()
