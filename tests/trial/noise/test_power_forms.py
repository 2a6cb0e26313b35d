"""Closed forms of power against R and against what they are made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.noise.power_forms import (
    analysis_variances,
    detectable_effect,
    power_of_contrast,
    smallest_size,
)

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)["power_unequal"]


def test_power_of_unequal_arms_matches_r():
    r = REFERENCE
    se = r["sd"] * np.sqrt(1 / r["n1"] + 1 / r["n2"])
    found = power_of_contrast(r["delta"], se, r["n1"] + r["n2"] - 2, 0.05)
    assert found == pytest.approx(r["power"], abs=1e-8)


def test_far_effects_are_certain_and_no_effect_is_the_level():
    assert power_of_contrast(0.0, 1.0, 30.0, 0.05) == pytest.approx(0.05, rel=1e-9)
    assert power_of_contrast(-100.0, 1.0, 30.0, 0.05) == 1.0
    near = power_of_contrast(20.0, 1.0, 30.0, 0.05)
    assert near == pytest.approx(1.0, abs=1e-9)


def test_variances_are_frison_and_pococks():
    found = analysis_variances(sd_years=3.0, icc=0.6, drop_out=0.2, n_follow_ups=2)
    assert found["follow-up only"] == pytest.approx(9 / 0.8)
    assert found["change scores"] == pytest.approx(9 * 2 * 0.4 / 0.8)
    assert found["ancova"] == pytest.approx(9 * 0.64 / 0.8)
    # An earlier visit tells something of those who drop out.
    assert 9 * 0.64 < found["mmrm"] < found["ancova"]


def test_smallest_size_is_found_in_any_rising_curve():
    assert smallest_size(lambda n: n / 100, 0.8, least=2, what="toy") == 80
    assert smallest_size(lambda n: 1.0, 0.8, least=2, what="toy") == 2
    with pytest.raises(DesignError, match="toy does not reach 0.8 with a million"):
        smallest_size(lambda n: 0.1, 0.8, least=2, what="toy")


def test_detectable_effect_has_its_power():
    found = detectable_effect(0.7, 58.0, 0.05, power=0.9)
    assert power_of_contrast(found, 0.7, 58.0, 0.05) == pytest.approx(0.9, abs=1e-9)
