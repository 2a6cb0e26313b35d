"""Variance components with missing visits equal lme4's; complete tables give the mean squares'."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import score_reliability
from brainage.trial.noise.variance_components import variance_components

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_questions.json").read_text()
)["components"]


def test_components_match_lme4_where_visits_are_missing():
    long = pd.DataFrame(REFERENCE["data"])
    values = long.pivot(index="id", columns="session", values="value").to_numpy()
    found = variance_components(values, n_bootstraps=50)
    # lme4 stops within about 1e-7 of its optimum.
    assert found.person == pytest.approx(REFERENCE["person"], rel=1e-5)
    assert found.error == pytest.approx(REFERENCE["error"], rel=1e-5)
    assert found.session == pytest.approx(REFERENCE["session"], rel=1e-4, abs=1e-6)
    assert found.n_values == len(long)


def test_complete_table_gives_the_mean_squares_correlations():
    rng = np.random.default_rng(4)
    values = rng.normal(0, 3, (40, 1)) + [0.0, 0.8, 1.5] + rng.normal(0, 2, (40, 3))
    found, squares = variance_components(values, n_bootstraps=50), score_reliability(values)
    assert found.icc_agreement == pytest.approx(squares.icc_agreement, rel=1e-6)
    assert found.icc_consistency == pytest.approx(squares.icc_consistency, rel=1e-6)
    assert np.sqrt(found.error) == pytest.approx(squares.sem_years, rel=1e-6)


def test_interval_holds_the_truth_about_as_often_as_it_says():
    rng, inside = np.random.default_rng(8), 0
    for trial in range(60):
        values = rng.normal(0, 3, (60, 1)) + rng.normal(0, 2, (60, 3))
        values[rng.random((60, 3)) < 0.15] = np.nan
        found = variance_components(values, n_bootstraps=200, seed=trial)
        inside += found.icc_consistency_low <= 9 / 13 <= found.icc_consistency_high
    # Binomial, 60 at 95 %: 57, standard deviation 1.7; percentile intervals fall a bit short.
    assert 50 <= inside <= 60


def test_no_variance_between_people_is_zero_and_not_negative():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (30, 2))
    values[:, 1] -= 0.9 * values[:, 0]
    values[0, 1] = np.nan
    assert variance_components(values, n_bootstraps=20).icc_consistency == pytest.approx(
        0, abs=1e-4
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[1.0, 2.0], [3.0, np.nan]], "two people or more with two scans each, found 1"),
        ([[1.0, np.nan], [3.0, np.nan]], "found 0"),
        ([[1.0, 1.0], [1.0, 1.0]], "every value is the same"),
    ],
)
def test_too_few_repeats_are_refused(values, words):
    with pytest.raises(DesignError, match=words):
        variance_components(np.array(values))
