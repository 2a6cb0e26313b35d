"""Power equals R and statsmodels, and each analysis's variance is the textbook's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from brainage.errors import DesignError
from brainage.trial import power_two_arm

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_tests.json").read_text()
)["power"]


def by_analysis(**given):
    return power_two_arm(**given).set_index("analysis")


def test_power_and_size_of_a_t_test_match_r():
    r = REFERENCE
    given = {"effect_years": r["delta"], "sd_years": r["sd"], "icc": 0.5}
    at_size = by_analysis(**given, n_per_arm=r["n"])
    assert at_size.at["follow-up only", "power"] == pytest.approx(r["power"], abs=1e-8)
    for_80 = by_analysis(**given)
    assert for_80.at["follow-up only", "n_per_arm"] == int(np.ceil(r["size_for_80"]))


def test_change_and_ancova_powers_match_statsmodels_at_their_variances():
    table = by_analysis(effect_years=-1.4, sd_years=4.0, icc=0.6, n_per_arm=103)
    sd = {"change scores": 4 * np.sqrt(2 * 0.4), "ancova": 4 * np.sqrt(1 - 0.36)}
    for analysis, spread in sd.items():
        expected = TTestIndPower().power(1.4 / spread, 103, 0.05)
        assert table.at[analysis, "power"] == pytest.approx(expected, abs=1e-6)


def test_repeated_measures_equal_ancova_without_drop_out_and_gain_with_it():
    given = {"effect_years": 1.0, "sd_years": 4.0, "icc": 0.7, "n_per_arm": 90}
    whole, lossy = by_analysis(**given), by_analysis(**given, drop_out=0.2)
    assert whole.at["mmrm", "power"] == pytest.approx(whole.at["ancova", "power"], abs=1e-10)
    assert lossy.at["ancova", "power"] < lossy.at["mmrm", "power"] < whole.at["mmrm", "power"]


def test_smallest_size_reaches_the_power_and_one_fewer_does_not():
    given = {"effect_years": 1.4, "sd_years": 3.3, "icc": 0.7, "drop_out": 0.1}
    size = by_analysis(**given, power=0.9).at["mmrm", "n_per_arm"]
    assert by_analysis(**given, n_per_arm=size).at["mmrm", "power"] >= 0.9
    assert by_analysis(**given, n_per_arm=size - 1).at["mmrm", "power"] < 0.9


def test_detectable_difference_has_power_of_80_percent():
    given = {"sd_years": 3.3, "icc": 0.7, "n_per_arm": 60}
    found = by_analysis(effect_years=1.0, **given).at["ancova", "detectable_years"]
    assert by_analysis(effect_years=found, **given).at["ancova", "power"] == pytest.approx(
        0.8, abs=1e-6
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"icc": 1.0}, "icc"),
        ({"sd_years": 0.0}, "sd_years"),
        ({"effect_years": 0.0}, "effect"),
        ({"drop_out": 1.0}, "drop_out"),
        ({"n_per_arm": 1}, "n_per_arm"),
        ({"n_follow_ups": 0}, "n_follow_ups"),
        ({"power": 0.01}, "alpha and power"),
    ],
)
def test_values_that_cannot_be_true_are_refused(changed, words):
    given = {"effect_years": 1.0, "sd_years": 3.0, "icc": 0.5}
    with pytest.raises(DesignError, match=words):
        power_two_arm(**(given | changed))
