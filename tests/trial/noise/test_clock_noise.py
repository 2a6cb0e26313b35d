"""Noise from scores, from given values, and from the documented band."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import DEFAULT_NOISE, given_noise, noise_of_scores


def test_noise_of_scores_is_the_sd_of_change_of_its_people():
    rng = np.random.default_rng(1)
    person, age = rng.normal(0, 4, 80), rng.uniform(60, 70, 80)
    visits = [
        pd.DataFrame(
            {
                "participant_id": [f"{i}" for i in range(80)],
                "session_id": name,
                "network": "whole_brain",
                "age_years": age + k,
                "gap_corrected_years": person + rng.normal(0, 3, 80),
            }
        )
        for k, name in enumerate(("a", "b"))
    ]
    noise = noise_of_scores(pd.concat(visits, ignore_index=True))
    change = visits[1]["gap_corrected_years"] - visits[0]["gap_corrected_years"]
    assert noise.sd_change_years == pytest.approx(change.std(), rel=1e-9)
    assert noise.sd_change_low_years < 3 * np.sqrt(2) < noise.sd_change_high_years
    assert "80 people with repeated scans" in noise.source


def test_nothing_given_is_the_documented_band():
    assert given_noise() == DEFAULT_NOISE or np.isnan(given_noise().share)
    assert list(given_noise().band()) == ["as found", "less noise", "more noise"]


def test_given_values_have_no_band():
    noise = given_noise(sd_years=5.0, icc=0.5)
    assert noise.sd_change_years == pytest.approx(5.0)
    assert noise.sd_years == pytest.approx(5.0)
    assert list(noise.band()) == ["as found"]


@pytest.mark.parametrize(
    "given",
    [
        {"icc": 0.5},
        {"sd_years": 3.0},
        {"sd_years": 3.0, "sd_change_years": 2.0, "icc": 0.5},
        {"sd_years": 3.0, "icc": 1.0},
        {"sd_years": -3.0, "icc": 0.5},
        {"share": 0.0},
    ],
)
def test_values_that_do_not_make_a_noise_are_refused(given):
    with pytest.raises(DesignError, match="power: "):
        given_noise(**given)
