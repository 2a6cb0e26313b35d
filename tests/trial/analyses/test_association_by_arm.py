"""Change with change, arm by arm: who has both, and what is said where nobody has."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.association_by_arm import association_table


def association_of(inputs_of, make_options, trial, outcomes):
    scores, design = trial
    options = make_options(association={"outcomes": ["strength"]})
    return association_table(
        inputs_of(scores, TrialDesign(options, design.allocation), outcomes=outcomes)
    )


def strengths(scores, seed=0):
    people = scores[["participant_id", "session_id"]]
    return people.assign(strength=np.random.default_rng(seed).normal(50, 8, len(people)))


def test_outcome_that_nobody_has_at_a_visit_is_a_reason_and_the_other_visit_is_done(
    inputs_of, make_options, trial
):
    outcomes = strengths(trial[0])
    outcomes.loc[outcomes["session_id"] == "1y", "strength"] = np.nan
    pairs = association_of(inputs_of, make_options, trial, outcomes).set_index("visit")
    assert pairs.loc["1 year", "reads"].str.startswith("not run: ").all()
    assert pairs.loc["2 years", "estimate"].notna().sum() >= 12


def test_outcome_that_never_changes_is_a_reason(inputs_of, make_options, trial):
    outcomes = strengths(trial[0]).assign(strength=50.0)
    table = association_of(inputs_of, make_options, trial, outcomes)
    assert table["reads"].str.startswith("not run: ").all()


def test_correlation_of_an_arm_is_that_of_its_own_pairs(inputs_of, make_options, trial):
    scores, design = trial
    outcomes = strengths(scores)
    table = association_of(inputs_of, make_options, trial, outcomes)
    changes = inputs_of(scores, design).changes
    here = changes[(changes["arm"] == "MIT") & (changes["visit"] == "2 years")]
    value = outcomes.set_index(["session_id", "participant_id"])["strength"]
    moved = value["2y"].loc[here["participant_id"]] - value["bl"].loc[here["participant_id"]]
    row = table[(table["arm"] == "MIT") & (table["visit"] == "2 years")]
    row = row.set_index("measure").loc["Pearson r"]
    assert row["estimate"] == pytest.approx(np.corrcoef(moved, here["change"])[0, 1], rel=1e-9)
    assert row["n"] == len(here)


def test_person_without_the_outcome_is_counted_at_that_visit_only(inputs_of, make_options, trial):
    outcomes = strengths(trial[0])
    gone = outcomes.index[outcomes["session_id"] == "1y"][0]
    table = association_of(inputs_of, make_options, trial, outcomes.drop(index=gone))
    lost = table.groupby("visit")["n_without_outcome"].max()
    assert lost.to_dict() == {"1 year": 1, "2 years": 0, "all visits": 0}


def test_without_outcomes_it_is_refused(inputs):
    with pytest.raises(DesignError, match=r"paths\.outcomes"):
        association_table(inputs)
