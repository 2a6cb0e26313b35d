"""What the page says of a clock is what its record and its scores hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brainage.clock import AgeBiasCorrector
from brainage.clock import gap_slope as slope_of
from brainage.stages.report_clock import gap_slopes, length_fields, trust_summary
from brainage.synthetic import examples


def test_scans_that_the_clock_extrapolates_for_are_counted_by_session():
    scores = pd.DataFrame(
        {
            "network": ["whole_brain"] * 3 + ["motor"],
            "session_id": ["bl", "bl", "1y", "bl"],
            "participant_id": ["a", "b", "a", "a"],
            "age_years": [60.0, 90.0, 61.0, 60.0],
            "in_age_range": [True, False, True, False],
            "distance_percentile": [50.0, 99.0, 97.0, 100.0],
        }
    )
    table = trust_summary(scores).set_index("session_id")
    assert table.loc["bl", ["scans", "outside_age_range", "beyond_95th_percentile"]].tolist() == [
        2,
        1,
        1,
    ]
    assert table.loc["1y", "beyond_95th_percentile"] == 1
    assert trust_summary(scores.drop(columns="in_age_range")) is None


def test_slopes_are_of_all_ages_and_of_the_trials_raw_and_corrected():
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, 200)
    predicted = 25 + 0.5 * age + rng.normal(0, 4, 200)
    table = pd.DataFrame(
        {
            "participant_id": np.arange(200).astype(str),
            "age_years": age,
            "predicted_age_years": predicted,
        }
    )
    bias = AgeBiasCorrector("offset").fit(age, predicted)
    found = gap_slopes(table, bias, np.array([62.0, 70.0])).set_index("gap")
    assert found.loc["raw, all ages", "slope"] == pytest.approx(
        slope_of(age, predicted - age).slope
    )
    assert found.loc["corrected, all ages", "slope"] == pytest.approx(0, abs=1e-10)
    local = (age >= 62) & (age <= 70)
    assert found.loc["raw, ages 62-70, as in the trial", "n"] == local.sum()
    assert len(gap_slopes(table, bias, None)) == 2


def test_length_that_was_never_measured_is_said_with_its_reason():
    clock = examples.clock()
    bare = {k: v for k, v in clock.facts.items() if not k.startswith("length_curve")}
    assert length_fields(replace(clock, facts=bare)) == {
        "length_words": "not known: never measured"
    }
    told = replace(clock, facts=bare | {"length_curve_not_known": "only matrices"})
    assert length_fields(told) == {"length_words": "not known: only matrices"}
