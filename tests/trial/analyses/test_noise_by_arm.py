"""Who changed beyond noise: the limit is from the clock's record, else from control."""

from __future__ import annotations

import numpy as np
import pandas as pd
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


def test_a_response_that_cannot_be_told_is_a_row_that_is_written_and_read(tmp_path):
    """Two people against one: the source of the noise is missing, and was required on reading."""
    from brainage.tables import read_table, write_table
    from brainage.trial.analyses import noise_by_arm

    rows = noise_by_arm._both_directions(np.array([1.0, 2.0]), np.array([1.0]), None)
    assert rows[0]["reads"].startswith("not run: ")
    schema = next(
        value
        for value in vars(noise_by_arm).values()
        if getattr(value, "columns", None) and "mdc_from" in [c.name for c in value.columns]
    )
    named = {"network": "whole_brain", "arm": "A", "versus": "B", "visit": "1y"}
    table = pd.DataFrame([named | {"n": 2, "n_control": 1} | row for row in rows])
    write_table(table[list(schema.names)], tmp_path / "response.tsv", schema)
    assert read_table(tmp_path / "response.tsv", schema)["reads"].notna().all()
