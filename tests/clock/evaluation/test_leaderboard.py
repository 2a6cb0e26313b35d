"""The best of many is ranked, and not believed."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock.evaluation.leaderboard import (
    LEADERBOARD,
    rank_alternatives,
    resample_people,
    selection_corrected,
)


def test_the_winner_of_equal_clocks_is_corrected_back_to_their_common_error():
    # Fifty clocks without any difference: the best one's figure is luck alone.
    rng = np.random.default_rng(0)
    optimism, corrected = [], []
    for _ in range(40):
        errors = np.abs(rng.normal(0, 5, (120, 50)))
        resampled = resample_people(errors, np.arange(120), n_draws=200)
        found = selection_corrected(errors, resampled)
        corrected.append(found.estimate)
        optimism.append(errors.mean(axis=0).min())
    truth = 5 * np.sqrt(2 / np.pi)
    assert np.mean(optimism) < truth - 0.4
    assert np.mean(corrected) == pytest.approx(truth, abs=0.1)


def test_a_clear_winner_is_hardly_corrected():
    rng = np.random.default_rng(1)
    errors = np.abs(rng.normal(0, 5, (400, 4))) * np.array([0.5, 1, 1, 1])
    resampled = resample_people(errors, np.arange(400), n_draws=1000)
    found = selection_corrected(errors, resampled)
    assert abs(found.optimism) < 0.02
    assert found.low < errors[:, 0].mean() < found.high


def test_resampling_draws_people_and_not_scans():
    # Four scans a person with one common error: intervals must not shrink with repeated scans.
    rng = np.random.default_rng(2)
    once = np.abs(rng.normal(0, 5, (80, 1)))
    four = np.repeat(once, 4, axis=0)
    facts = pd.DataFrame(
        {
            "r": [0.5],
            "mae_new_sites_years": [np.nan],
            **{name: [0.0] for name in LEADERBOARD.names if name.startswith("gap_slope")},
        }
    )
    boards = [
        rank_alternatives(["a"], errors, resample_people(errors, people, n_draws=500), facts)
        for errors, people in ((once, np.arange(80)), (four, np.repeat(np.arange(80), 4)))
    ]
    pd.testing.assert_frame_equal(*boards)
