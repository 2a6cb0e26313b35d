"""Accuracy is scikit-learn's, its intervals are over people."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from brainage.clock.training.metrics import METRICS, accuracy


def _predictions(n=50, *, scans=1, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    predicted = 50 + 0.5 * (age - 50) + rng.normal(0, 6, n)
    one = pd.DataFrame(
        {
            "participant_id": [f"p{i}" for i in range(n)],
            "repeat": 0,
            "age_years": age,
            "predicted_age_years": predicted,
            "median_age_years": np.median(age),
        }
    )
    return pd.concat([one] * scans, ignore_index=True)


def test_accuracy_equals_scikit_learns():
    rows = _predictions()
    age, predicted = rows["age_years"], rows["predicted_age_years"]
    found = accuracy(rows, n_bootstrap=0).set_index("metric")["estimate"]
    mae = mean_absolute_error(age, predicted)
    median = mean_absolute_error(age, rows["median_age_years"])
    expected = {
        "MAE": mae,
        "RMSE": root_mean_squared_error(age, predicted),
        "r": np.corrcoef(age, predicted)[0, 1],
        "R2": r2_score(age, predicted),
        "MAE_median": median,
        "skill": 1 - mae / median,
    }
    assert list(found.index) == list(METRICS)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12)


def test_predicting_the_median_age_has_no_skill():
    rows = _predictions().assign(predicted_age_years=lambda r: r["median_age_years"])
    found = accuracy(rows, n_bootstrap=0).set_index("metric")["estimate"]
    assert found["skill"] == 0
    assert np.isnan(found["r"])


def test_accuracy_of_repeats_is_the_mean_of_each_repeats():
    first = _predictions(seed=0)
    second = _predictions(seed=1).assign(repeat=1, participant_id=first["participant_id"])
    both = accuracy(pd.concat([first, second], ignore_index=True), n_bootstrap=0)
    apart = [accuracy(rows, n_bootstrap=0)["estimate"] for rows in (first, second)]
    np.testing.assert_allclose(both["estimate"], np.mean(apart, axis=0), atol=1e-12)


def test_scanning_everyone_twice_does_not_narrow_the_intervals():
    once = accuracy(_predictions(), n_bootstrap=500)
    twice = accuracy(_predictions(scans=2), n_bootstrap=500)
    np.testing.assert_allclose(once[["low", "high"]], twice[["low", "high"]], atol=1e-10)


def test_bootstrap_interval_of_the_error_is_as_wide_as_its_standard_error():
    rows = _predictions(200)
    found = accuracy(rows, n_bootstrap=2000).set_index("metric").loc["MAE"]
    errors = np.abs(rows["predicted_age_years"] - rows["age_years"])
    expected = 2 * 1.96 * errors.std() / np.sqrt(200)
    assert found["high"] - found["low"] == pytest.approx(expected, rel=0.1)
    assert found["low"] < found["estimate"] < found["high"]
