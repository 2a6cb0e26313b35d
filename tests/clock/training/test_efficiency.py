"""Trial efficiency: planted noise and share come back, and nobody games it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.clock.training.efficiency import PlantedShare, finite, measure_efficiency, unmeasured
from brainage.clock.training.efficiency_numbers import participants_per_arm
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


def test_a_planted_share_of_the_table_is_drawn_with_the_people():
    age, site, rng = people()
    share = 0.4 + 0.1 * rng.standard_normal(len(age))
    halves = good_clock(age, site, rng, share=0.7).assign(
        planted_share=np.where(np.arange(600) % 3 == 0, share, np.nan)
    )
    found = measure_efficiency(halves, n_bootstrap=500).set_index("measure")
    assert found.loc["share_planted", "estimate"] == pytest.approx(np.mean(share[::3]))
    assert found.loc["share_planted", "n"] == 200
    # Its standard error is 0.1 / sqrt(200) = 0.007.
    width = found.loc["share_planted", "high"] - found.loc["share_planted", "low"]
    assert width == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(200), rel=0.2)
    used = found.loc["share_used", ["estimate", "low", "high"]]
    assert list(used) == list(found.loc["share_planted", ["estimate", "low", "high"]])


def test_every_figure_of_halves_says_that_it_is_the_within_scan_part():
    age, site, rng = people()
    found = measure_efficiency(good_clock(age, site, rng), n_bootstrap=20).set_index("measure")
    names = ["latent_noise_years", *(f"participants_change_state_{s}" for s in (0, 2, 4, 8))]
    assert found.loc[names, "note"].str.startswith("within-scan part only").all()
    assert found.loc["participants_change_state_4", "note"].endswith("4 years that is assumed")
    assert found["estimate"].loc["icc_visits":].isna().all()
    assert found["note"].loc["icc_visits":].str.contains("two scans or more").all()


def test_a_number_of_people_that_is_never_enough_is_written_as_missing_with_its_reason():
    age, site, rng = people(confounded=0.6)
    means = np.array([age[site == s].mean() for s in range(5)])[site]
    table_ = finite(measure_efficiency(table(age, site, means, 1e-3, rng), n_bootstrap=50))
    row = table_.set_index("measure").loc["participants_change_state_4"]
    assert np.isnan(row["estimate"])
    assert "no number of people is enough" in row["note"]


def test_whole_scans_tell_shares_where_there_are_no_halves():
    age, site, rng = people(600)
    halves = good_clock(age, site, rng)
    whole = halves.assign(whole_years=(halves["first_years"] + halves["second_years"]) / 2)
    lacking = whole.drop(columns=["first_years", "second_years"])
    found = measure_efficiency(lacking, why_no_halves="only matrices", n_bootstrap=20)
    expected = measure_efficiency(halves, n_bootstrap=20).set_index("measure")
    found = found.set_index("measure")
    for name in ("share_pooled", "share_within_site", "share_used"):
        assert found.loc[name, "estimate"] == pytest.approx(expected.loc[name, "estimate"])
    for name in ("within_scan_noise_years", "latent_noise_years", "participants_change_state_4"):
        assert np.isnan(found.loc[name, "estimate"])
        assert found.loc[name, "note"] == "only matrices"
    assert found.loc["within_scan_noise_years", "n"] == 0


def test_what_cannot_be_measured_says_why():
    found = unmeasured("only matrices are at hand")
    assert found[["n", "note"]].iloc[0].tolist() == [0, "only matrices are at hand"]
