"""Noise, shares and participants of resampled people, by hand and against plain formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.clock.training.efficiency_numbers import (
    EfficiencyNumbers,
    draw_weights,
    noise_over_share,
    participants_per_arm,
    slope,
    variance,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(50, 10, 40), RNG.normal(size=40)
SITE = RNG.integers(0, 3, 40)
WEIGHTS = np.vstack([np.ones(40), RNG.integers(0, 3, 40)])


def repeated(values, row):
    return np.repeat(values, WEIGHTS[row].astype(int))


@pytest.mark.parametrize("row", [0, 1])
def test_variance_and_slope_with_weights_are_those_of_scans_repeated(row):
    assert variance(X, WEIGHTS)[row] == pytest.approx(repeated(X, row).var(ddof=1))
    one = np.zeros(40, dtype=int)
    line = stats.linregress(repeated(X, row), repeated(Y, row)).slope
    assert slope(X, Y, WEIGHTS, one)[row] == pytest.approx(line)


@pytest.mark.parametrize("row", [0, 1])
def test_slope_within_sites_is_that_beside_a_mean_a_site(row):
    x, y, site = (repeated(v, row) for v in (X, Y, SITE))
    design = np.column_stack([x, np.eye(3)[site]])
    expected = np.linalg.lstsq(design, y, rcond=None)[0][0]
    assert slope(X, Y, WEIGHTS, SITE)[row] == pytest.approx(expected)


def test_slope_on_what_does_not_vary_is_unknown():
    assert np.isnan(slope(np.ones(40), Y, WEIGHTS, SITE)).all()


def test_people_are_drawn_with_all_their_scans_and_the_first_row_is_themselves():
    people = np.array(["a", "b", "a", "c"])
    weights = draw_weights(people, 50, seed=0)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[1:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_participants_have_80_percent_power_by_the_normal_approximation():
    found = participants_per_arm(np.array([3.0]), 4.0, effect_years=2.0)[0]
    error = np.sqrt(2 * 2 * (9 + 16) / found)
    assert stats.norm.sf(stats.norm.isf(0.025) - 2.0 / error) == pytest.approx(0.8, abs=1e-6)


def test_no_share_is_infinite_noise():
    np.testing.assert_array_equal(
        noise_over_share(np.array([2.0, 2.0, 2.0]), np.array([0.5, 0.0, -1.0])), [4, np.inf, np.inf]
    )


def test_measures_of_halves_are_those_of_their_mean_and_difference():
    age = RNG.uniform(20, 80, 60)
    first, second = 0.6 * age + RNG.normal(size=(2, 60))
    halves = pd.DataFrame(
        {
            "age_years": age,
            "site": np.tile(["a", "b"], 30),
            "first_years": first,
            "second_years": second,
            "planted_share": np.where(np.arange(60) < 20, 0.4, np.nan),
        }
    )
    found = EfficiencyNumbers.of(halves, np.ones((1, 60)), (60, 70))
    assert found.noise[0] == pytest.approx(np.std(first - second, ddof=1) / 2)
    line = stats.linregress(age, (first + second) / 2)
    assert found.pooled[0] == pytest.approx(line.slope)
    residual = (first + second) / 2 - line.slope * age
    assert found.between[0] == pytest.approx(residual.var(ddof=1), rel=1e-9)
    assert (found.planted[0], found.n_planted, found.n_sites) == (pytest.approx(0.4), 20, 2)
    # The smaller of the two shares is used.
    assert found.used[0] == pytest.approx(0.4)
    assert found.latent_noise[0] == pytest.approx(found.noise[0] / 0.4)
    assert found.n_local == ((age >= 60) & (age <= 70)).sum()
    assert (found.local is None) == (found.n_local < 10)
