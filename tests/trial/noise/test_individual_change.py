"""Shares beyond noise, spread of response, reliability of change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.noise.individual_change import (
    change_reliability,
    individual_response,
    share_difference,
)

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)["newcombe"]


def test_difference_of_shares_has_newcombes_interval():
    found = share_difference(np.arange(70) < 9, np.arange(65) < 3)
    assert found.difference == pytest.approx(9 / 70 - 3 / 65)
    assert found.ci_low == pytest.approx(REFERENCE["low"], abs=1e-8)
    assert found.ci_high == pytest.approx(REFERENCE["high"], abs=1e-8)


def test_individual_response_recovers_a_planted_spread_and_may_be_negative():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 3, 20_000)
    control = rng.normal(0, 3, 20_000)
    found = individual_response(noise + rng.normal(-1, 2, 20_000), control)
    assert found.sd_years == pytest.approx(2.0, abs=0.1)
    assert found.ci_low_years < 2.0 < found.ci_high_years
    turned = individual_response(control, noise + rng.normal(-1, 2, 20_000))
    assert turned.sd_years == pytest.approx(-2.0, abs=0.1)


def test_interval_of_no_individual_response_holds_zero_in_95_of_100_trials():
    rng, inside = np.random.default_rng(3), 0
    for _ in range(400):
        found = individual_response(rng.normal(0, 3, 100), rng.normal(0, 3, 100))
        inside += found.ci_low_years <= 0 <= found.ci_high_years
    assert 367 <= inside <= 393


def test_reliability_of_change_is_the_share_of_its_variance_that_is_true():
    rng = np.random.default_rng(5)
    true = rng.normal(0, 2, 50_000)
    change = true + rng.normal(0, 3, 50_000) - rng.normal(0, 3, 50_000)
    found = change_reliability(change, sem_years=3.0, sem_df=np.inf)
    assert found.reliability == pytest.approx(4 / 22, abs=0.01)
    assert found.ci_low < found.reliability < found.ci_high
    wider = change_reliability(change, sem_years=3.0, sem_df=40)
    assert wider.ci_high - wider.ci_low > 5 * (found.ci_high - found.ci_low)


def test_too_few_people_are_refused():
    with pytest.raises(DesignError, match="three people an arm"):
        individual_response(np.zeros(2), np.arange(5.0))
    with pytest.raises(DesignError, match="error of measurement above 0"):
        change_reliability(np.arange(5.0), sem_years=0.0, sem_df=10)
    with pytest.raises(DesignError, match="nobody in an arm"):
        share_difference(np.zeros(0, dtype=bool), np.ones(3, dtype=bool))
