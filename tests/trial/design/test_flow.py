"""Participant flow adds up."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign, compare_arms
from brainage.trial.design.flow import check_analysed, check_flow, participant_flow
from brainage.trial.design.join import join_scores


def flow_of(scores, design, exclusions=None):
    data = join_scores(scores, design, outcome="gap_corrected_years")
    return participant_flow(data, design, exclusions)


def test_flow_counts_equal_the_tables_they_come_from(trial):
    scores, design = trial
    flow, _ = flow_of(scores, design)
    for row in flow.itertuples():
        session = {"baseline": "bl", "1 year": "1y", "2 years": "2y"}[row.visit]
        arm = design.allocation.loc[design.allocation["arm"] == row.arm, "participant_id"]
        here = scores[(scores["session_id"] == session) & scores["participant_id"].isin(arm)]
        assert row.randomised == len(arm)
        assert row.scored == len(here)
        assert row.randomised == row.scanned + row.not_scanned
        assert row.scored == row.analysed + row.without_baseline + row.baseline_only


def test_exclusions_are_counted_with_their_reasons_and_shown_per_scan(trial):
    scores, design = trial
    lost = [("000", "bl"), ("001", "1y"), ("002", "1y")]
    arm_of = design.allocation.set_index("participant_id")["arm"]
    gone = pd.Series(list(zip(scores["participant_id"], scores["session_id"], strict=True)))
    kept = scores[~gone.isin(lost).to_numpy()]
    exclusions = pd.DataFrame(
        [(f"sub-{p}", f"ses-{s}", "mean FD above 0.5 mm") for p, s in lost],
        columns=["participant_id", "session_id", "reason"],
    )
    flow, excluded = flow_of(kept, design, exclusions)
    assert list(excluded["participant_id"]) == [p for p, _ in lost]
    at_baseline = flow[(flow["arm"] == arm_of["000"]) & (flow["visit"] == "baseline")].iloc[0]
    assert at_baseline["excluded"] == 1
    assert at_baseline["reasons"] == "mean FD above 0.5 mm (1)"
    assert flow["excluded"].sum() == 3
    later = flow[(flow["arm"] == arm_of["000"]) & (flow["visit"] != "baseline")]
    n_later = (kept["participant_id"] == "000").sum()
    assert later["without_baseline"].sum() == n_later


def test_session_with_a_bad_and_a_good_run_is_not_excluded(trial):
    scores, design = trial
    exclusions = pd.DataFrame(
        {"participant_id": ["000"], "session_id": ["bl"], "reason": ["run 2 truncated"]}
    )
    flow, excluded = flow_of(scores, design, exclusions)
    assert len(excluded) == 0
    assert flow["excluded"].sum() == 0


def test_flow_that_does_not_add_up_is_refused_naming_the_sum(trial):
    scores, design = trial
    flow, _ = flow_of(scores, design)
    flow.loc[2, "scored"] += 1
    with pytest.raises(DesignError, match="CON at 2 years: scanned"):
        check_flow(flow)


def test_person_without_a_planned_covariate_is_counted_apart_from_the_analysed(trial, make_options):
    scores, design = trial
    strength = pd.Series(range(len(design.allocation)), dtype=float)
    strength[4] = float("nan")
    people = design.allocation.assign(strength=strength)
    options = make_options(covariates=["strength"])
    result = compare_arms(scores, TrialDesign.from_options(options, people))
    n_scans = (scores["participant_id"] == "004").sum()
    assert result.flow["without_covariate"].sum() == n_scans
    later = result.flow["visit"] != "baseline"
    main = result.models[result.models["analysis"] == "mmrm"].iloc[0]
    assert result.flow.loc[later, "analysed"].sum() == main["n_observations"]


def test_flow_that_differs_from_the_model_is_refused(trial):
    scores, design = trial
    flow, _ = flow_of(scores, design)
    later = int(flow.loc[flow["visit"] != "baseline", "analysed"].sum())
    check_analysed(flow, later, baseline="baseline")
    with pytest.raises(DesignError, match=f"{later} changes .* {later + 1} by the model"):
        check_analysed(flow, later + 1, baseline="baseline")
