"""The gap is freed from age by a line that is fitted out of fold and then frozen."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict

from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.errors import BrainAgeError


@pytest.fixture
def shrunken():
    """Ages and predictions pulled towards the mean by a known line: 20 + 0.6 age + noise."""
    rng = np.random.default_rng(3)
    age = rng.uniform(18, 90, 400)
    return age, 20 + 0.6 * age + rng.normal(0, 5, 400)


def test_offset_subtracts_the_least_squares_line_of_the_gap(shrunken):
    age, predicted = shrunken
    corrector = AgeBiasCorrector("offset").fit(age, predicted)
    slope, intercept = np.polyfit(age, predicted - age, 1)
    np.testing.assert_allclose(corrector.coefficients_, [intercept, slope], rtol=1e-9)
    np.testing.assert_allclose(
        corrector.corrected_gap(age, predicted),
        predicted - age - intercept - slope * age,
        atol=1e-9,
    )


def test_slope_divides_the_noise_by_the_fitted_slope(shrunken):
    age, predicted = shrunken
    b, a = np.polyfit(age, predicted, 1)
    corrector = AgeBiasCorrector("slope").fit(age, predicted)
    np.testing.assert_allclose(
        corrector.corrected_predicted(age, predicted), (predicted - a) / b, atol=1e-9
    )
    offset = AgeBiasCorrector("offset").fit(age, predicted).corrected_gap(age, predicted)
    # Offset and slope are one test: the slope's gaps are the offset's, divided by b.
    np.testing.assert_allclose(corrector.corrected_gap(age, predicted), offset / b, atol=1e-9)


@pytest.mark.parametrize("kind", ["offset", "slope", "spline"])
def test_corrected_gap_of_the_fitting_sample_has_no_slope_on_age(shrunken, kind):
    age, predicted = shrunken
    corrector = AgeBiasCorrector(kind).fit(age, predicted)
    assert corrector.slope_before_.slope == pytest.approx(-0.4, abs=0.05)
    assert abs(gap_slope(age, corrector.corrected_gap(age, predicted)).slope) < 1e-9


def test_spline_removes_a_bend_that_a_line_leaves():
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 90, 2000)
    predicted = age + 0.01 * (age - 54) ** 2 + rng.normal(0, 1, 2000)
    old = (62.0, 70.0)
    line = AgeBiasCorrector("offset").fit(age, predicted).corrected_gap(age, predicted)
    bend = AgeBiasCorrector("spline").fit(age, predicted).corrected_gap(age, predicted)
    # The quadratic's own slope at 66 is 0.24 a year; a line over 18-90 leaves it in place.
    assert gap_slope(age, line, window_years=old).slope == pytest.approx(0.24, abs=0.05)
    assert abs(gap_slope(age, bend, window_years=old).slope) < 0.06


def test_spline_is_straight_beyond_its_outer_knots(shrunken):
    corrector = AgeBiasCorrector("spline").fit(*shrunken)
    far = corrector.expected_gap(np.array([100.0, 110.0, 120.0]))
    assert far[2] - far[1] == pytest.approx(far[1] - far[0], abs=1e-9)


def test_in_sample_lines_of_an_interpolating_clock_are_inert_and_out_of_fold_ones_are_not():
    rng = np.random.default_rng(1)
    age = rng.uniform(20, 80, 150)
    X = age[:, None] * 0.02 * rng.normal(size=600) + rng.normal(0, 1.0, (150, 600)) * 5
    seen = Ridge(alpha=1e-6).fit(X, age).predict(X)
    left_out = cross_val_predict(Ridge(alpha=1e-6), X, age, cv=5)
    with pytest.warns(UserWarning, match="lisa_like"):
        inert = AgeBiasCorrector("in_sample").fit(age, seen)
    assert abs(inert.coefficients_[1]) < 1e-3
    assert AgeBiasCorrector("offset").fit(age, left_out).coefficients_[1] < -0.2


def test_in_sample_averages_one_line_per_model():
    age = np.array([20.0, 40, 60, 30, 50, 70])
    predicted = age + np.array([2.0, 2, 2, 0, -2, -4])
    with pytest.warns(UserWarning, match="lisa_like"):
        corrector = AgeBiasCorrector("in_sample").fit(
            age, predicted, model=np.array([0] * 3 + [1] * 3)
        )
    # Lines: gap = 2, and gap = 3 - 0.1 age; their mean is 2.5 - 0.05 age.
    np.testing.assert_allclose(corrector.coefficients_, [2.5, -0.05], atol=1e-12)


def test_none_returns_the_raw_gap(shrunken):
    age, predicted = shrunken
    corrector = AgeBiasCorrector("none").fit(age, predicted)
    np.testing.assert_array_equal(corrector.corrected_gap(age, predicted), predicted - age)


@pytest.mark.parametrize("kind", ["none", "offset", "slope", "spline"])
def test_json_round_trip_gives_the_same_gaps(shrunken, kind):
    corrector = AgeBiasCorrector(kind).fit(*shrunken)
    stored = json.loads(json.dumps(corrector.to_dict(), allow_nan=False))
    again = AgeBiasCorrector.from_dict(stored)
    age = np.array([25.0, 66.0, 95.0])
    np.testing.assert_array_equal(
        again.corrected_gap(age, age + 3), corrector.corrected_gap(age, age + 3)
    )
    assert again.slope_before_ == corrector.slope_before_


@pytest.mark.parametrize("kind", ["none", "offset", "slope", "spline"])
def test_gap_of_one_scan_equals_its_row_in_a_batch(shrunken, kind):
    age, predicted = shrunken
    corrector = AgeBiasCorrector(kind).fit(age, predicted)
    batch = corrector.corrected_gap(age, predicted)
    alone = np.concatenate(
        [corrector.corrected_gap(age[i : i + 1], predicted[i : i + 1]) for i in range(len(age))]
    )
    np.testing.assert_allclose(alone, batch, rtol=0, atol=1e-12)


def test_gap_slope_and_interval_equal_statsmodels_hc3(shrunken):
    age, predicted = shrunken
    fitted = sm.OLS(predicted - age, sm.add_constant(age)).fit(cov_type="HC3", use_t=True)
    slope = gap_slope(age, predicted - age)
    assert slope.slope == pytest.approx(fitted.params[1], rel=1e-10)
    np.testing.assert_allclose([slope.low, slope.high], fitted.conf_int()[1], rtol=1e-9)


def test_slopes_of_several_scans_and_the_spline_match_r():
    # scripts/reference/trial_models.R: clubSandwich's CR3, sandwich's HC3, splines::ns.
    folder = Path(__file__).parents[2] / "reference_values" / "trial"
    theirs = json.loads((folder / "reference.json").read_text())["gap_slopes"]
    data = pd.read_csv(folder / "missing.tsv", sep="\t")
    age, gap = (data["baseline_age"] + data["visit_index"]).to_numpy(), data["gap"].to_numpy()
    for people, ends in ((data["participant_id"], "by_person"), (None, "by_scan")):
        found = gap_slope(age, gap, people=people)
        assert found.slope == pytest.approx(theirs["slope"], rel=1e-9)
        np.testing.assert_allclose([found.low, found.high], theirs[ends], rtol=1e-9)
    spline = AgeBiasCorrector("spline").fit(age, age + gap)
    np.testing.assert_allclose(
        spline.expected_gap(np.array(theirs["ages"])), theirs["expected_gap"], rtol=1e-8
    )


def test_several_scans_of_a_person_give_the_interval_of_leaving_each_person_out():
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(30), rng.integers(1, 5, 30))
    age = rng.uniform(20, 80, 30)[person] + rng.normal(size=len(person))
    gap = -0.3 * age + rng.normal(0, 4, 30)[person] + rng.normal(size=len(person))
    found = gap_slope(age, gap, people=person)
    whole = np.polyfit(age, gap, 1)[0]
    left_out = [np.polyfit(age[person != k], gap[person != k], 1)[0] for k in range(30)]
    reach = stats.t.ppf(0.975, 28) * np.sqrt(np.sum((np.array(left_out) - whole) ** 2))
    np.testing.assert_allclose([found.low, found.high], [whole - reach, whole + reach], rtol=1e-9)
    assert found.n == len(person)


def test_scanning_everyone_twice_does_not_narrow_the_slopes_interval():
    rng = np.random.default_rng(4)
    age = rng.uniform(20, 80, 40)
    gap = -0.3 * age + rng.normal(0, 4, 40)
    once = gap_slope(age, gap)
    people = np.tile(np.arange(40), 2)
    twice = gap_slope(np.tile(age, 2), np.tile(gap, 2), people=people)
    np.testing.assert_allclose(twice[:3], once[:3], rtol=1e-9)


def test_gap_slope_over_a_window_uses_only_its_ages(shrunken):
    age, predicted = shrunken
    inside = (age >= 62) & (age <= 70)
    local = gap_slope(age, predicted - age, window_years=(62, 70))
    assert local == gap_slope(age[inside], (predicted - age)[inside])
    assert local.n == inside.sum()


def test_gap_slope_of_an_empty_window_is_missing_and_says_how_many(shrunken):
    age, predicted = shrunken
    slope = gap_slope(age, predicted - age, window_years=(200, 300))
    assert slope.n == 0
    assert slope.to_dict() == {"slope": None, "low": None, "high": None, "n": 0}


def test_slope_correction_refuses_predictions_that_fall_with_age():
    age = np.linspace(20, 80, 50)
    with pytest.raises(BrainAgeError, match="rise with age"):
        AgeBiasCorrector("slope").fit(age, 100 - age)


def test_missing_predictions_are_refused_with_their_count():
    age = np.linspace(20, 80, 50)
    predicted = np.where(age > 78, np.nan, age)
    with pytest.raises(BrainAgeError, match="2 rows"):
        AgeBiasCorrector("offset").fit(age, predicted)
