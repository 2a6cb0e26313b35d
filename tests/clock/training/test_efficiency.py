"""Trial efficiency: planted noise and share come back, and nobody games it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.clock.training.efficiency import (
    PlantedShare,
    measure_efficiency,
    participants_per_arm,
)
from brainage.errors import BrainAgeError


def people(n=600, *, n_sites=5, confounded=0.0, seed=0):
    """Return ages and sites; `confounded` is the share of the age range that sites divide."""
    rng = np.random.default_rng(seed)
    site = np.arange(n) % n_sites
    age = 20 + 60 * ((1 - confounded) * rng.random(n) + confounded * site / (n_sites - 1))
    return age, site, rng


def table(age, site, mean, noise_of_half, rng):
    first, second = mean + noise_of_half * rng.standard_normal((2, len(age)))
    return pd.DataFrame(
        {
            "participant_id": [f"p{i}" for i in range(len(age))],
            "site": [f"site{s}" for s in site],
            "age_years": age,
            "first_years": first,
            "second_years": second,
        }
    )


def estimates(halves, **asked):
    return measure_efficiency(halves, n_bootstrap=200, **asked).set_index("measure")["estimate"]


def good_clock(age, site, rng, *, share=0.7, noise=3.0, site_shift=0.0):
    gap = 5 * rng.standard_normal(len(age))
    mean = 15 + share * age + gap + site_shift * site
    return table(age, site, mean, noise * np.sqrt(2), rng)


def test_planted_noise_and_share_come_back():
    age, site, rng = people(4000)
    found = estimates(good_clock(age, site, rng, share=0.7, noise=3.0))
    # Standard errors: 3 / sqrt(2 x 4000) = 0.03 and 6 / (17 sqrt(4000)) = 0.006.
    assert found["within_scan_noise_years"] == pytest.approx(3.0, abs=0.12)
    assert found["share_within_site"] == pytest.approx(0.7, abs=0.02)
    assert found["latent_noise_years"] == pytest.approx(3 / 0.7, abs=0.25)


def test_participants_are_those_of_two_means():
    needed = participants_per_arm(np.array([3.0]), 4.0)[0]
    sd = np.sqrt(2 * (3.0**2 + 4.0**2))
    power = stats.norm.sf(stats.norm.isf(0.025) - 1 / (sd * np.sqrt(2 / needed)))
    assert power == pytest.approx(0.8, abs=1e-3)


def test_baseline_as_covariate_needs_no_more_people_than_change_scores():
    age, site, rng = people()
    found = estimates(good_clock(age, site, rng))
    for state in (0, 2, 4, 8):
        change = found[f"participants_change_state_{state}"]
        assert change / 2 <= found[f"participants_baseline_state_{state}"] <= change


def test_a_clock_of_site_means_ranks_last_though_it_has_no_noise():
    age, site, rng = people(confounded=0.6)
    means = np.array([age[site == s].mean() for s in range(5)])[site]
    found = estimates(table(age, site, means, 1e-3, rng))
    assert found["share_pooled"] > 0.3
    assert np.isinf(found["participants_change_state_4"])


def test_a_clock_of_traits_ranks_last_where_a_twin_tells_it():
    age, site, rng = people()
    halves = table(age, site, 10 + 0.9 * age, 0.2, rng)
    nothing = PlantedShare(0.0, -0.02, 0.02)
    good = estimates(good_clock(age, site, rng), planted=PlantedShare(0.6, 0.5, 0.7))
    traits = estimates(halves, planted=nothing)
    assert np.isinf(traits["participants_change_state_4"])
    assert np.isfinite(good["participants_change_state_4"])
    untold = measure_efficiency(halves, n_bootstrap=50).set_index("measure")
    assert "traits cannot be told" in untold.loc["share_used", "note"]


def test_site_indicators_never_improve_it():
    age, site, rng = people(2000, confounded=0.5)
    plain = good_clock(age, site, np.random.default_rng(1))
    # The same clock pulled half way to its site's mean age: less noise, and less share.
    means = np.array([age[site == s].mean() for s in range(5)])[site]
    pulled = plain.assign(
        first_years=(plain["first_years"] + means) / 2,
        second_years=(plain["second_years"] + means) / 2,
    )
    without, with_sites = estimates(plain), estimates(pulled)
    assert with_sites["share_pooled"] > 0.5 * without["share_pooled"] + 0.1
    for state in (0, 2, 4, 8):
        name = f"participants_change_state_{state}"
        assert with_sites[name] >= without[name] * (1 - 1e-9)


def test_share_used_is_the_smaller_of_planted_and_within_site():
    age, site, rng = people()
    halves = good_clock(age, site, rng, share=0.7)
    assert estimates(halves, planted=PlantedShare(0.4, 0.3, 0.5))["share_used"] == 0.4
    found = estimates(halves, planted=PlantedShare(0.95, 0.9, 1.0))
    assert found["share_used"] == found["share_within_site"]


def test_local_share_is_of_the_trials_ages():
    age, site, rng = people(3000)
    bent = np.where(age < 60, age, 60 + 0.3 * (age - 60))
    found = estimates(table(age, site, bent, 1.0, rng), local_ages_years=(62, 78))
    assert found["share_local"] == pytest.approx(0.3, abs=0.05)


def test_repeated_scans_of_one_person_are_drawn_together():
    age, site, rng = people(300)
    halves = good_clock(age, site, rng)
    twice = pd.concat([halves, halves], ignore_index=True)
    one, two = (
        measure_efficiency(t, n_bootstrap=400, seed=1).set_index("measure").loc["share_pooled"]
        for t in (halves, twice)
    )
    assert two["high"] - two["low"] == pytest.approx(one["high"] - one["low"], rel=1e-9)


def test_too_few_scans_are_refused():
    age, site, rng = people(5)
    with pytest.raises(BrainAgeError, match="at least 10 scans.*found 5"):
        measure_efficiency(good_clock(age, site, rng))
