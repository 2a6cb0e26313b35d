"""The 2-SD rule: off, and where on its rows say who was dropped and that its level is not held."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial import TrialDesign, compare_arms
from brainage.trial.analyses.change import welch_difference
from brainage.trial.results.schemas import DEPENDENCE


@pytest.fixture(scope="module")
def compared(as_drawn, make_options):
    scores, design, _ = as_drawn
    options = make_options(outliers="beyond_2_sd_dropped")
    return scores, design, compare_arms(scores, TrialDesign(options, design.allocation))


def test_the_rule_is_off_unless_asked_for(as_drawn):
    *_, result = as_drawn
    assert "without_outliers" not in set(result.analyses["analysis"])


def test_its_row_is_welchs_test_on_the_changes_it_leaves(compared):
    scores, design, result = compared
    outcome = "gap_corrected_years"
    arms = design.allocation.set_index("participant_id")["arm"]
    own = scores[scores["network"] == "whole_brain"]
    own = own.assign(arm=own["participant_id"].map(arms))
    groups = own.groupby(["arm", "session_id"])[outcome]
    z = (own[outcome] - groups.transform("mean")) / groups.transform("std")
    assert (z.abs() > 2).any()
    wide = own[z.abs() <= 2].pivot(index="participant_id", columns="session_id", values=outcome)
    first, last = design.visits[0].session_id, design.visits[1].session_id
    change = (wide[last] - wide[first]).dropna()
    by_arm = {arm: change[arms[change.index] == arm] for arm in ("HRT", "CON")}
    expected = welch_difference(by_arm["HRT"], by_arm["CON"])
    rows = result.sensitivity[result.sensitivity["analysis"].str.startswith("gaps beyond 2 SD")]
    row = rows[(rows["arm"] == "HRT") & (rows["visit"] == "1 year")].iloc[0]
    assert row["estimate_years"] == pytest.approx(expected.estimate)
    assert row["p_value"] == pytest.approx(expected.p_value)
    assert row["role"] == DEPENDENCE


def test_it_says_how_many_of_which_arm(compared):
    _, _, result = compared
    table = result.tables["without_outliers"]
    by_arm = table.groupby("arm")["dropped"].sum()
    words = ", ".join(f"{arm} {by_arm[arm]}" for arm in ("CON", "MIT", "HRT"))
    assert f"gaps beyond 2 SD dropped ({words})" in set(result.sensitivity["analysis"])
    assert any("exclusion by outcome after randomisation" in note for note in result.notes)
    assert (table["dropped"] <= table["n"]).all()
    assert np.isnan(table.loc[table["visit"] == "baseline", "mean_change_years"]).all()
