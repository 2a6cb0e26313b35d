"""Reliability of a score, network by network, from whatever scans are repeated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import score_reliability
from brainage.trial.noise.repeated_scans import reliability_table


def draw_scans(n=30, *, apart=1.0, missing=0.0, sessions=("a", "b"), seed=0):
    rng = np.random.default_rng(seed)
    age, person = rng.uniform(60, 70, n), rng.normal(0, 4, n)
    tables = []
    for k, name in enumerate(sessions):
        table = pd.DataFrame(
            {
                "participant_id": [f"p{i}" for i in range(n)],
                "session_id": name,
                "network": "whole_brain",
                "age_years": age + k * apart,
                "gap_corrected_years": person + 0.5 * k + rng.normal(0, 2, n),
            }
        )
        tables.append(table[(rng.random(n) >= missing) | (k == 0)])
    return pd.concat(tables, ignore_index=True)


def test_two_complete_sessions_give_mcgraw_and_wong_and_bland_altman():
    scans = draw_scans()
    values = scans.pivot(
        index="participant_id", columns="session_id", values="gap_corrected_years"
    ).to_numpy()
    row, r = reliability_table(scans).iloc[0], score_reliability(values)
    assert row["icc_agreement"] == pytest.approx(r.icc_agreement)
    assert row["icc_consistency_high"] == pytest.approx(r.icc_consistency_high)
    assert row["mdc95_years"] == pytest.approx(r.mdc95_years)
    difference = values[:, 1] - values[:, 0]
    assert row["bias_years"] == pytest.approx(difference.mean())
    spread = 1.959963985 * difference.std(ddof=1)
    assert row["limits_low_years"] == pytest.approx(difference.mean() - spread)
    assert row["mdc95_years"] == pytest.approx(spread, rel=1e-6)


def test_scans_years_apart_are_stability_and_scans_days_apart_retest():
    assert reliability_table(draw_scans(apart=1.0))["kind"].tolist() == ["stability"]
    assert reliability_table(draw_scans(apart=0.02))["kind"].tolist() == ["retest"]


def test_three_sessions_with_missing_visits_have_pairs_and_a_row_of_all():
    table = reliability_table(draw_scans(missing=0.2, sessions=("a", "b", "c")))
    assert table["sessions"].tolist() == ["a and b", "a and c", "b and c", "all"]
    assert "REML" in table["method"].iloc[-1]
    assert np.isnan(table["bias_years"].iloc[-1])
    assert table["icc_agreement"].iloc[-1] <= table["icc_consistency"].iloc[-1] + 1e-9


def test_predicted_age_is_refused():
    with pytest.raises(DesignError, match="age-corrected gap"):
        reliability_table(draw_scans(), outcome="predicted_age_years")


def test_repeated_scans_of_one_person_only_are_refused():
    scans = draw_scans()
    once = scans[(scans["session_id"] == "a") | (scans["participant_id"] == "p3")]
    with pytest.raises(DesignError, match="two people or more"):
        reliability_table(once)
