"""Power of a trial's shape: closed forms against R and against drawn trials."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import (
    DEFAULT_NOISE,
    TrialShape,
    given_noise,
    power_curve,
    power_two_arm,
    trial_power,
)

NOISE = given_noise(sd_change_years=7.5, icc=0.7)


def as_found(table, analysis, scale="clock scale"):
    rows = table[(table["noise"] == "as found") & (table["effect_read_as"] == scale)]
    return rows.set_index("analysis").loc[analysis]


def test_equal_arms_of_one_site_are_the_two_arm_form():
    given = {"effect_years": -1.4, "sd_years": 5.0, "icc": 0.7, "drop_out": 0.1}
    plain = power_two_arm(**given, n_per_arm=103).set_index("analysis")
    noise = given_noise(sd_years=5.0, icc=0.7)
    table = trial_power(
        effect_years=-1.4, noise=noise, shape=TrialShape(drop_out=0.1), n_control=103
    )
    for analysis in ("change scores", "ancova", "mmrm"):
        row = as_found(table, analysis)
        assert row["power"] == pytest.approx(plain.at[analysis, "power"], rel=1e-9)
        assert row["detectable_years"] == pytest.approx(plain.at[analysis, "detectable_years"])


def test_documented_noise_gives_the_documented_power_of_the_study():
    small = trial_power(effect_years=-1.4, noise=DEFAULT_NOISE, n_control=103)
    large = trial_power(effect_years=-2.3, noise=DEFAULT_NOISE, n_control=103)
    # Standard error 1.05 years: 27 % for -1.4 years and 59 % for -2.3.
    assert as_found(small, "change scores")["power"] == pytest.approx(0.27, abs=0.01)
    assert as_found(large, "change scores")["power"] == pytest.approx(0.59, abs=0.01)


def test_default_noise_is_a_band():
    table = trial_power(effect_years=-1.4, noise=DEFAULT_NOISE, n_control=103)
    power = table[table["effect_read_as"] == "clock scale"].set_index(["analysis", "noise"])[
        "power"
    ]
    own = power["ancova"]
    assert own["more noise"] < own["as found"] < own["less noise"]


def test_latent_effect_needs_more_people_by_the_share_squared():
    noise = given_noise(sd_change_years=7.5, icc=0.7, share=0.5)
    table = trial_power(effect_years=-2.0, noise=noise)
    clock, latent = (as_found(table, "ancova", scale) for scale in ("clock scale", "latent"))
    assert latent["n_control"] == pytest.approx(4 * clock["n_control"], rel=0.02)
    assert latent["detectable_latent_years"] == pytest.approx(2 * latent["detectable_years"])


def test_unknown_share_is_said_and_not_guessed():
    row = as_found(trial_power(effect_years=-2.0, noise=NOISE), "ancova", "latent")
    assert np.isnan(row["power"])
    assert "share" in row["reads"]


def test_power_rises_along_the_curve():
    curve = power_curve(effect_years=-2.0, noise=NOISE, sizes=(40, 80, 160))
    own = curve[(curve["analysis"] == "mmrm") & (curve["effect_read_as"] == "clock scale")]
    assert (np.diff(own["power"]) > 0).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ratio": 0.0}, "ratio: expected above 0"),
        ({"drop_out": 1.0}, "drop_out: expected 0 to less than 1"),
        ({"randomised": "sites", "n_sites": 2}, "4 or more"),
        ({"n_follow_ups": 0}, "n_follow_ups: expected 1 or more"),
    ],
)
def test_shapes_that_cannot_be_are_refused(given, words):
    with pytest.raises(DesignError, match=words):
        TrialShape(**given)


def test_impossible_sizes_and_effects_are_refused():
    with pytest.raises(DesignError, match="other than 0"):
        trial_power(effect_years=0.0, noise=NOISE)
    with pytest.raises(DesignError, match="two analysed people an arm"):
        trial_power(effect_years=1.0, noise=NOISE, n_control=1)
    with pytest.raises(DesignError, match="million"):
        trial_power(effect_years=1e-4, noise=NOISE)
