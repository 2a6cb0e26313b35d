"""A trend on age: a natural cubic spline where ages allow it, else a line."""

import numpy as np
import pytest

from brainage.clock.preparation.age_trend import AgeTrend, age_basis, age_knots


def test_knots_are_harrells_percentiles_and_few_or_tied_ages_have_none():
    np.testing.assert_allclose(age_knots(np.arange(101.0)), [5, 35, 65, 95])
    assert not len(age_knots(np.arange(39.0)))
    assert not len(age_knots(np.repeat([20.0, 60.0], 30)))


def test_basis_is_straight_beyond_the_outer_knots_and_smooth_within():
    knots = np.array([25.0, 40.0, 55.0, 75.0])
    for ages in (np.linspace(0, 24, 7), np.linspace(76, 120, 7)):
        np.testing.assert_allclose(np.diff(age_basis(ages, knots), n=2, axis=0), 0, atol=1e-12)
    # Second differences of a cubic spline have no jump at a knot.
    step = 1e-3
    near = age_basis(40.0 + step * np.arange(-3, 4), knots)
    bends = np.diff(near, n=2, axis=0)[:, 2] / step**2
    assert np.abs(np.diff(bends)).max() < 1e-3


@pytest.mark.parametrize("n", [20, 200])
def test_line_is_given_back_whatever_the_basis(n):
    age = np.linspace(20, 80, n)
    values = np.column_stack([2 + 0.3 * age, -age])
    trend = AgeTrend.fit(age, values)
    assert len(trend.knots_years) == (4 if n > 40 else 0)
    np.testing.assert_allclose(
        trend.expected([10.0, 95.0]), [[5.0, -10.0], [30.5, -95.0]], rtol=1e-9
    )


def test_spline_follows_a_bend_that_a_line_leaves():
    age = np.linspace(20, 80, 400)
    bent = ((age - 50) ** 2 / 100)[:, None]
    line = np.polyval(np.polyfit(age, bent[:, 0], 1), age)
    of_line = np.abs(line - bent[:, 0]).max()
    # Straight beyond the outer knots, so not quite the parabola.
    assert np.abs(AgeTrend.fit(age, bent).expected(age) - bent).max() < 0.1 * of_line
