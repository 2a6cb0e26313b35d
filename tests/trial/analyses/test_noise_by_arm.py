"""Who changed beyond noise: the limit is from the clock's record, else from control."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial import TrialDesign
from brainage.trial.analyses.noise_by_arm import noise_tables


def individual(inputs):
    table = noise_tables(inputs).tables["individual_change"]
    return table.set_index(["arm", "visit", "direction"])


def test_without_a_retest_the_limit_is_from_the_spread_of_control(inputs):
    changes = inputs.changes.set_index(["arm", "visit"])["change"]
    row = individual(inputs).loc[("HRT", "2 years", "younger")]
    limit = 1.959964 * changes["CON", "2 years"].std()
    assert row["mdc95_years"] == pytest.approx(limit, rel=1e-6)
    assert row["share_beyond"] == (changes["HRT", "2 years"] < -limit).mean()
    assert row["control_share_beyond"] == (changes["CON", "2 years"] < -limit).mean()
    assert row["difference"] == pytest.approx(row["share_beyond"] - row["control_share_beyond"])
    assert row["reads"].startswith("reliability of change needs")


def test_standard_error_of_the_clock_gives_limit_and_reliability_of_change(trial, inputs_of):
    scores, design = trial
    clocks = {"whole_brain": {"retest_sem_years": 1.0, "retest_df": 50.0}}
    inputs = inputs_of(scores, design, clocks=clocks)
    row = individual(inputs).loc[("MIT", "1 year", "older")]
    assert row["mdc95_years"] == pytest.approx(1.959964 * np.sqrt(2), rel=1e-6)
    change = inputs.changes.set_index(["arm", "visit"])["change"]["MIT", "1 year"]
    # Variance of the change that is no error: 1 - 2 SEM^2 / variance.
    assert row["reliability_of_change"] == pytest.approx(1 - 2 / change.var(), rel=1e-9)
    assert row["reads"] is None


def test_arm_of_one_person_is_a_row_that_says_why(trial, inputs_of):
    scores, design = trial
    hrt = design.allocation.loc[design.allocation["arm"] == "HRT", "participant_id"]
    seen = scores["participant_id"].isin(hrt) & (scores["session_id"] == "2y")
    late = seen & (seen.cumsum() > 1)
    table = individual(inputs_of(scores[~late], TrialDesign(design.options, design.allocation)))
    assert table.loc[("HRT", "2 years", "younger"), "reads"].startswith("not run: ")
    assert np.isfinite(table.loc[("HRT", "1 year", "younger"), "share_beyond"])


def test_reliability_is_of_control_whom_nobody_trained(inputs):
    table = noise_tables(inputs).tables["reliability"]
    assert set(table["people"]) == {"CON"}
