"""Change from baseline equals R, and its faults."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.change import paired_change, welch_difference, within_arm_changes
from brainage.trial.design.join import join_scores

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference_values" / "trial_tests.json").read_text()
)


def test_paired_change_matches_r_t_test():
    r = REFERENCE["paired"]
    found = paired_change(r["baseline"], r["follow_up"])
    mine = [
        found.mean,
        found.sd,
        found.test.se,
        found.test.statistic,
        found.test.df,
        found.test.p_value,
        found.test.ci_low,
        found.test.ci_high,
        found.cohens_d_z,
        found.cohens_d_av,
    ]
    theirs = [
        r[k]
        for k in ("mean", "sd", "se", "statistic", "df", "p_value", "low", "high", "d_z", "d_av")
    ]
    np.testing.assert_allclose(mine, theirs, rtol=1e-8)


def test_welch_difference_matches_r_t_test():
    r, paired = REFERENCE["welch"], REFERENCE["paired"]
    change = np.subtract(paired["follow_up"], paired["baseline"])
    found = welch_difference(change, r["control"])
    mine = [
        found.estimate,
        found.se,
        found.statistic,
        found.df,
        found.p_value,
        found.ci_low,
        found.ci_high,
    ]
    theirs = [r[k] for k in ("estimate", "se", "statistic", "df", "p_value", "low", "high")]
    np.testing.assert_allclose(mine, theirs, rtol=1e-8)


def test_within_arm_table_holds_each_arm_and_visit(trial):
    scores, design = trial
    changes = join_scores(scores, design, outcome="gap_corrected_years").changes
    table = within_arm_changes(changes, design.arms, design.later_visits)
    assert list(zip(table["arm"], table["visit"], strict=True)) == [
        (arm, visit) for arm in ("CON", "MIT", "HRT") for visit in ("1 year", "2 years")
    ]
    mine = changes[(changes["arm"] == "HRT") & (changes["visit"] == "2 years")]
    assert table["mean_change_years"].iloc[-1] == pytest.approx(mine["change"].mean(), abs=1e-12)
    assert table["n"].iloc[-1] == len(mine)


def test_same_change_in_everyone_is_an_error_and_not_an_infinite_t():
    with pytest.raises(DesignError, match="change by the same 1 years"):
        paired_change([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])


def test_one_person_is_an_error():
    with pytest.raises(DesignError, match="two people at least"):
        paired_change([1.0], [2.0])


def test_missing_value_is_an_error():
    with pytest.raises(DesignError, match="none missing"):
        paired_change([1.0, np.nan], [2.0, 3.0])
