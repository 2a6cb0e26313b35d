"""A ridge chosen by participants: the ridge it says, nested, and steadier with difference rows."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock.evaluation.choose_by import CHOICES, FRONTIER, choose_by_participants
from brainage.clock.options import ClockOptions, ValidationOptions
from brainage.clock.training.folds import make_folds
from brainage.clock.training.half_predictions import PartOfScans, PlantedScans, ScanParts
from brainage.connectivity import FeatureTable, HalfFeatures, View, ViewSpec
from brainage.errors import BrainAgeError
from brainage.tables import check_table

P, N, SHIFT_YEARS = 8, 60, 2.0
OPTIONS = ClockOptions(
    penalties=(0.01, 0.1, 1.0, 10.0), validation=ValidationOptions(n_folds=4, n_bootstrap=0)
)


def cohort(ages=None):
    """Half of the edges are noisy within a scan, so that difference rows have something to do."""
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, N)
    names = tuple(f"p{i}" for i in range(P))
    spec = ViewSpec("fisher_z", "none", "upper", names, (None,) * P, "toy", "0")
    slope = rng.normal(size=spec.n_features) / 20
    clean = np.outer(age, slope) + rng.normal(0, 0.5, (N, spec.n_features))
    within = np.where(np.arange(spec.n_features) % 2, 2.0, 0.3)
    halves = clean + within * rng.normal(size=(2, *clean.shape))
    whole = halves.mean(axis=0)
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:02d}" for i in range(N)],
            "session_id": "n/a",
            "age_years": age if ages is None else ages,
            "sex": None,
            "site": "A",
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    older = PartOfScans({"fisher_z": whole + SHIFT_YEARS * slope})
    sides = HalfFeatures(
        {"fisher_z": halves[0]}, {"fisher_z": halves[1]}, pd.DataFrame({"participant_id": []})
    )
    table = FeatureTable({"fisher_z": View(whole, spec)}, rows)
    return table, ScanParts(sides, PlantedScans(older, SHIFT_YEARS))


@pytest.fixture(scope="module")
def found():
    return choose_by_participants(*cohort(), OPTIONS, weights=(0.0, 1.0, 5.0))


def test_without_difference_rows_it_is_a_ridge(found):
    table, _ = cohort()
    X, age = table["fisher_z"].values, table.ages
    row = found.frontier.query("chosen_by == 'error'").iloc[0]
    centred = X - X.mean(axis=0)
    penalty = row["penalty"] * (centred**2).sum() / N
    gram = centred.T @ centred + penalty * np.eye(X.shape[1])
    expected = np.linalg.solve(gram, centred.T @ (age - age.mean()))
    weights, intercept = found.models["error"]
    np.testing.assert_allclose(weights, expected, rtol=1e-8, atol=1e-10)
    assert intercept == pytest.approx(age.mean() - X.mean(axis=0) @ expected)


def test_difference_rows_are_rows_of_the_least_squares():
    table, parts = cohort()
    found = choose_by_participants(table, parts, OPTIONS, weights=(0.0, 5.0))
    row = found.frontier.query("chosen_by == 'participants'").iloc[0]
    assert row["weight"] == 5.0
    X, age = table["fisher_z"].values, table.ages
    centred = X - X.mean(axis=0)
    between = parts.halves.first["fisher_z"] - parts.halves.second["fisher_z"]
    penalty = row["penalty"] * (centred**2).sum() / N
    gram = centred.T @ centred + 5.0 * between.T @ between + penalty * np.eye(X.shape[1])
    expected = np.linalg.solve(gram, centred.T @ (age - age.mean()))
    np.testing.assert_allclose(found.models["participants"][0], expected, rtol=1e-8, atol=1e-10)


def test_the_choice_by_participants_is_steadier_at_its_bounds(found):
    frontier = found.frontier.set_index("chosen_by")
    error, chosen = frontier.loc["error"], frontier.loc["participants"]
    assert chosen["latent_noise_years"] < error["latent_noise_years"]
    assert chosen["mae_years"] <= 1.02 * found.frontier["mae_years"].min()
    assert chosen["share_planted"] >= 0.8 * error["share_planted"]
    check_table(found.choices, CHOICES, where="choices")
    check_table(found.frontier, FRONTIER, where="frontier")


def test_held_out_ages_do_not_enter_the_choice(found):
    ages = cohort()[0].ages.copy()
    # People of the first outer fold: their ages move, its choice and its predictions do not.
    test = make_folds(cohort()[0].rows, OPTIONS.validation, seed=0)[0][0][1]
    ages[test] = ages[test][::-1]
    table, parts = cohort(ages)
    again = choose_by_participants(table, parts, OPTIONS, weights=(0.0, 1.0, 5.0))
    first, second = (c.choices.query("fold == 0") for c in (found, again))
    pd.testing.assert_frame_equal(first, second)
    for name in ("error", "participants"):
        before, after = (c.halves[name]["whole_years"].to_numpy()[test] for c in (found, again))
        np.testing.assert_allclose(before, after, rtol=1e-9)


def test_scans_without_halves_and_other_clocks_are_refused():
    table, parts = cohort()
    with pytest.raises(BrainAgeError, match="expected a ridge on a view that nothing is learnt of"):
        choose_by_participants(table, parts, ClockOptions(estimator="svr"))
    some = ScanParts(parts.halves, parts.planted, np.arange(N - 1))
    with pytest.raises(BrainAgeError, match="halves of all 60 scans"):
        choose_by_participants(table, some, OPTIONS)
