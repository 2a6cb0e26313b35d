"""People scanned more than once: planted agreement, state and slope come back."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock.training.efficiency import measure_efficiency

NOISE, STATE, SHARE, PERSON, DRIFT = 2.0, 3.0, 0.6, 5.0, 0.25


def visits(n=3000, *, years_apart=1.0, seed=0):
    """Return two visits each: prediction = share * (age, state) + person + drift + noise."""
    rng = np.random.default_rng(seed)
    first_age = rng.uniform(20, 80, n)
    person = PERSON * rng.standard_normal(n)
    parts = []
    for visit in (0, 1):
        state = SHARE * STATE * rng.standard_normal(n)
        # Every year that a person ages moves the prediction by DRIFT, not by the share.
        true = 10 + SHARE * first_age + person + state + DRIFT * visit * years_apart
        halves = true + NOISE * np.sqrt(2) * rng.standard_normal((2, n))
        parts.append(
            pd.DataFrame(
                {
                    "participant_id": [f"p{i}" for i in range(n)],
                    "site": "one",
                    "age_years": first_age + visit * years_apart,
                    "whole_years": halves.mean(axis=0),
                    "first_years": halves[0],
                    "second_years": halves[1],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def measured(scans, n_bootstrap=100):
    return measure_efficiency(scans, n_bootstrap=n_bootstrap).set_index("measure")


def test_agreement_state_and_slope_of_visits_come_back():
    found = measured(visits())["estimate"]
    within = NOISE**2 + (SHARE * STATE) ** 2
    assert found["icc_visits"] == pytest.approx(PERSON**2 / (PERSON**2 + within), abs=0.03)
    assert found["state_sd_visits_years"] == pytest.approx(STATE, abs=0.25)
    assert found["longitudinal_slope"] == pytest.approx(DRIFT, abs=0.1)


def test_people_at_the_state_of_visits_are_those_of_that_state():
    found = measured(visits())["estimate"]
    state, latent = found["state_sd_visits_years"], found["latent_noise_years"]
    # Noise and state of two visits, of two arms: 4 (1.96 + 0.84)^2 = 31.4 times their variance.
    assert found["participants_change_state_visits"] == pytest.approx(
        4 * 7.849 * (latent**2 + state**2), rel=1e-3
    )
    ratio = (1 + found["icc_visits"]) / 2
    assert found["participants_baseline_state_visits"] == pytest.approx(
        ratio * found["participants_change_state_visits"]
    )


def test_the_icc_is_that_of_one_way_analysis_of_variance():
    scans = visits(30)
    age, whole = scans["age_years"], scans["whole_years"]
    gap = (whole - np.polyval(np.polyfit(age, whole, 1), age)).to_numpy().reshape(2, 30)
    within = gap.var(axis=0, ddof=1).mean()
    between = 2 * gap.mean(axis=0).var(ddof=1)
    expected = (between - within) / (between + within)
    assert measured(scans)["estimate"]["icc_visits"] == pytest.approx(expected, rel=1e-9)


def test_a_slope_in_time_needs_people_who_return_after_a_year():
    row = measured(visits(40, years_apart=0.25)).loc["longitudinal_slope"]
    assert np.isnan(row["estimate"])
    assert row["note"] == "0 people returned after a year or more, 10 needed"


def test_intervals_are_over_people():
    row = measured(visits(200), n_bootstrap=500).loc["icc_visits"]
    assert row["n"] == 200
    # Fisher's z of an ICC of two: standard error 1 / sqrt(n - 3/2) (Fisher 1921).
    z = np.arctanh(row[["low", "estimate", "high"]].to_numpy(float))
    assert (z[2] - z[0]) / 2 == pytest.approx(1.96 / np.sqrt(198.5), rel=0.25)


def test_visits_are_told_where_scans_have_no_halves():
    scans = visits(400)
    expected = measured(scans)
    lacking = scans.drop(columns=["first_years", "second_years"])
    found = measure_efficiency(lacking, why_no_halves="only matrices", n_bootstrap=100)
    found = found.set_index("measure")
    for name in ("icc_visits", "longitudinal_slope", "participants_change_state_visits"):
        assert found.loc[name, "estimate"] == pytest.approx(expected.loc[name, "estimate"])
    assert np.isnan(found.loc["state_sd_visits_years", "estimate"])
    assert "noise within scans is not known" in found.loc["state_sd_visits_years", "note"]
