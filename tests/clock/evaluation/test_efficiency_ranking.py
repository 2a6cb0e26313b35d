"""A sweep ranks by participants on the resamples of its errors, and does not believe the fewest."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.evaluation.efficiency_ranking import (
    count_participants,
    selection_corrected_participants,
)
from brainage.clock.evaluation.leaderboard import People
from brainage.clock.evaluation.sweep import run_sweep
from brainage.clock.options import ClockOptions, ValidationOptions
from brainage.clock.training.efficiency_numbers import participants_per_arm
from brainage.clock.training.half_predictions import ScanParts
from brainage.connectivity import FeatureTable, HalfFeatures, View, ViewSpec
from brainage.errors import BrainAgeError

P = 12


def cohort(n):
    """Two views that show age, the first one more accurately."""
    rng = np.random.default_rng(0)
    age, parcels = rng.uniform(20, 80, n), tuple(f"p{i}" for i in range(P))
    views = {}
    for kind, noise in (("fisher_z", 1.0), ("pearson", 2.0)):
        spec = ViewSpec(kind, "none", "upper", parcels, (None,) * P, "toy", "0")
        planted = rng.normal(size=spec.n_features)
        values = 0.02 * np.outer(age, planted) + rng.normal(0, noise, (n, spec.n_features))
        views[kind] = View(values.astype(np.float32), spec)
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(n)],
            "session_id": "n/a",
            "age_years": age,
            "sex": None,
            "site": np.where(np.arange(n) % 3 == 0, "A", "B"),
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    return FeatureTable(views, rows)


def clock(**choices):
    validation = ValidationOptions(n_folds=5, n_bootstrap=0)
    return ClockOptions(validation=validation, networks=False, **choices)


def _halves(table, noise):
    """Return halves: whole scans with noise of their own, so much of each view's features."""
    rng = np.random.default_rng(1)
    sides = [
        {
            name: (view.values + noise[name] * rng.normal(size=view.values.shape)).astype("f4")
            for name, view in table.views.items()
        }
        for _ in range(2)
    ]
    return ScanParts(HalfFeatures(*sides, pd.DataFrame(columns=["participant_id"])))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """The more accurate clock has the noisier halves."""
    table = cohort(90)
    folder = tmp_path_factory.mktemp("ranked")
    noise = {"fisher_z": 3.0, "pearson": 0.5}
    alternatives = [
        Alternative("accurate", clock()),
        Alternative("steady", clock(views=("pearson",))),
    ]

    @contextmanager
    def parts(name, features):
        assert len(features) == 90
        yield _halves(features, noise)

    def sweep(rank_by):
        features = {"features": table}
        return run_sweep(alternatives, features, folder, n_draws=300, parts=parts, rank_by=rank_by)

    return sweep("error"), sweep("participants")


def test_ranking_by_participants_puts_the_fewest_first(ranked):
    by_error, by_participants = (result.leaderboard for result in ranked)
    assert by_error["alternative"][0] == "accurate"
    assert by_participants["alternative"][0] == "steady"
    assert by_participants["participants"].is_monotonic_increasing
    assert by_participants["participants_ratio"].iloc[0] == 1.0
    second = by_participants.iloc[1]
    ratio = second["participants"] / by_participants["participants"][0]
    assert second["participants_ratio"] == pytest.approx(ratio)
    # The paired interval is narrower than that of either number alone.
    alone = second["participants_high"] / second["participants_low"]
    assert second["participants_ratio_low"] < ratio < second["participants_ratio_high"]
    assert second["participants_ratio_high"] / second["participants_ratio_low"] < 2 * alone
    # The same figures, whatever ranks.
    columns = ["alternative", "participants", "share_used", "mae_years"]
    left, right = (t[columns].sort_values("alternative") for t in (by_error, by_participants))
    pd.testing.assert_frame_equal(left.reset_index(drop=True), right.reset_index(drop=True))


def test_the_fewest_participants_are_corrected_for_the_selection(ranked):
    _, result = ranked
    corrected, best = result.corrected_participants, result.leaderboard.iloc[0]
    assert corrected.estimate == pytest.approx(best["participants"], rel=0.25)
    assert corrected.low < corrected.estimate < corrected.high
    assert corrected.optimism == pytest.approx(corrected.estimate - best["participants"])


def test_participants_of_a_sweep_are_those_of_the_efficiency(ranked):
    _, result = ranked
    row = result.leaderboard.iloc[0]
    expected = participants_per_arm(np.array([row["latent_noise_years"]]), 4.0)[0]
    assert row["participants"] == pytest.approx(expected)
    assert row["efficiency_note"].startswith("within-scan part only")


def test_ranking_by_participants_without_halves_says_why(tmp_path):
    alternatives = [Alternative("a", clock())]
    with pytest.raises(BrainAgeError, match="ranking by participants needs halves.*rank_by: error"):
        run_sweep(
            alternatives,
            {"features": cohort(40)},
            tmp_path,
            n_draws=100,
            rank_by="participants",
        )


def test_choosing_the_fewest_of_equal_clocks_is_corrected_back():
    # Twenty clocks of one noise and share: the smallest number is luck alone.
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, 120)
    people = pd.Series([f"{i:03d}" for i in range(120)])
    cohorts = People.draw(people.to_numpy(), n_draws=200, seed=0)
    tables = []
    for _ in range(20):
        first, second = 0.7 * age + 4 * rng.normal(size=(2, 120))
        tables.append(
            pd.DataFrame(
                {
                    "participant_id": people,
                    "site": "A",
                    "age_years": age,
                    "first_years": first,
                    "second_years": second,
                }
            )
        )
    counted = count_participants(tables, [""] * 20, cohorts)
    truth = participants_per_arm(np.array([4 / np.sqrt(2) / 0.7]), 4.0)[0]
    found = selection_corrected_participants(counted)
    assert counted.own.min() < 0.9 * truth
    assert abs(found.estimate - truth) < abs(counted.own.min() - truth)
    assert found.optimism > 0
