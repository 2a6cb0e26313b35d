"""Tables of the page by hand: who was where, how they lay still, who lacks a score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.stages.report_tables import (
    baseline_table,
    missing_scans,
    quality_by_arm,
    reliability_table,
    site_table,
)
from brainage.synthetic import examples

OPTIONS = examples.trial_options()
VISITS = [visit.label for visit in OPTIONS.visits]


@pytest.fixture
def scans():
    """Two people an arm at baseline; one of each again a year later."""
    rows = [
        (f"{arm}{k}", visit, arm, 60.0 + 2 * k, ("F", "M")[k], float(k), 0.1 + 0.2 * k)
        for arm in OPTIONS.arms
        for visit in VISITS[:2]
        for k in ((0, 1) if visit == VISITS[0] else (0,))
    ]
    names = ["participant_id", "visit", "arm", "age_years", "sex", "gap", "mean_fd_mm"]
    return pd.DataFrame(rows, columns=names).assign(session_id=lambda t: t["visit"])


def test_baseline_has_mean_and_spread_and_shares_of_each_arm(scans):
    allocation = pd.DataFrame({"arm": np.repeat(OPTIONS.arms, 3)})
    table = baseline_table(scans, allocation, OPTIONS).set_index("characteristic")
    control = OPTIONS.control_arm
    assert table.loc["randomised", [control, "all"]].tolist() == ["3", "9"]
    assert table.loc["scored at baseline", "all"] == "6"
    assert table.loc["age (years)", control] == "61.00 (1.41)"
    assert table.loc["sex: F", control] == "1 (50 %)"
    assert table.loc["sex: M", "all"] == "3 (50 %)"


def test_quality_is_median_and_quartiles_and_minutes_are_of_done_scans(scans):
    control = OPTIONS.control_arm
    extracted = pd.DataFrame(
        {
            "participant_id": [f"{control}0", f"{control}0", f"{control}1"],
            "session_id": VISITS[0],
            "status": ["done", "done", "failed"],
            "retained_s": [120.0, 240.0, 600.0],
        }
    )
    table = quality_by_arm(scans, extracted, OPTIONS).set_index(["arm", "visit"])
    row = table.loc[(control, VISITS[0])]
    assert (row["n"], row["fd_mm_median"]) == (2, pytest.approx(0.2))
    assert row["fd_mm_high"] == pytest.approx(0.25)
    # Two runs of one session are its minutes.
    assert row["minutes_median"] == 6.0
    assert "minutes_median" not in quality_by_arm(scans, None, OPTIONS)


def test_scans_without_a_score_are_counted_where_there_are_some():
    flow = pd.DataFrame(
        {
            "arm": ["CON", "HRT"],
            "visit": "1 year",
            "randomised": 10,
            "scored": [10, 7],
            "not_scanned": [0, 2],
            "excluded": [0, 1],
            "reasons": [None, "motion: 1"],
        }
    )
    table = missing_scans(flow)
    assert table["arm"].tolist() == ["HRT"]
    assert table.loc[0, "without a score"] == 3


def test_gap_of_a_site_has_a_t_interval_and_of_one_scan_none():
    gap = np.array([1.0, 2.0, 4.0, 7.0])
    predictions = pd.DataFrame(
        {"site": ["a", "a", "a", "b"], "age_years": 50.0, "predicted_age_years": 50.0 + gap}
    )
    table = site_table(predictions).set_index("site")
    low, high = stats.t.interval(0.95, 2, gap[:3].mean(), stats.sem(gap[:3]))
    assert table.loc["a", ["low_years", "high_years"]].tolist() == pytest.approx([low, high])
    assert np.isnan(table.loc["b", "low_years"])
    assert site_table(predictions.assign(site=None)) is None


def test_reliability_is_of_controls_with_every_visit_and_needs_three():
    rng = np.random.default_rng(0)
    person, noise = rng.normal(0, 3, 30), rng.normal(0, 1, (30, 2))
    wide = person[:, None] + noise
    table = pd.DataFrame(
        {
            "participant_id": np.repeat(np.arange(30), 2),
            "visit": VISITS[:2] * 30,
            "arm": OPTIONS.control_arm,
            "gap": wide.ravel(),
        }
    )
    found = reliability_table(table, OPTIONS).set_index("measure")["value"]
    assert found["participants with every visit"] == 30
    expected = np.diff(wide).std(ddof=1) / np.sqrt(2)
    assert found["standard error of measurement (years)"] == pytest.approx(expected, rel=0.02)
    assert reliability_table(table.head(4), OPTIONS) is None
    assert reliability_table(table.assign(gap=1.0), OPTIONS) is None
