"""What a frozen clock's values say of it."""

from dataclasses import replace

import numpy as np

from brainage.clock import AgeSexLine
from brainage.clock.model.parts import ClockParts


def test_ages_and_sites_are_those_of_the_reference_and_of_later_calibrations(ridge_and_cohort):
    clock, cohort = ridge_and_cohort
    assert isinstance(clock, ClockParts)
    ages = cohort.rows["age_years"]
    assert clock.age_range_years == (ages.min(), ages.max())
    assert clock.known_sites == ("site0", "site1")
    more = replace(clock, facts=clock.facts | {"calibrations": [{"site": "trial"}]})
    assert more.known_sites == ("site0", "site1", "trial")


def test_clock_that_harmonises_nothing_needs_no_calibration(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    assert not clock.calibrates
    assert clock.length_curve is None


def test_gap_is_freed_of_age_and_sex_by_the_line_where_there_is_one(ridge_and_cohort):
    clock, _ = ridge_and_cohort
    age, predicted, sex = np.array([40.0, 60.0]), np.array([43.0, 58.0]), ["F", "M"]
    plain = clock.corrected_gap(age, predicted, sex)
    np.testing.assert_array_equal(plain, clock.bias.corrected_gap(age, predicted))
    line = AgeSexLine.fit(
        np.linspace(30, 70, 40), np.tile([1.0, 3.0], 20), ["F", "M"] * 20, fitted_on="reference"
    )
    freed = replace(clock, age_sex=line).corrected_gap(age, predicted, sex)
    np.testing.assert_allclose(plain - freed, line.expected(age, sex))
    np.testing.assert_allclose(plain - freed, [1.0, 3.0], atol=0.1)
