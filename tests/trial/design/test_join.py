"""Allocation, visits and their faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError, TableError
from brainage.trial import TrialDesign, hash_scores
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets


def test_hash_of_scores_ignores_order_and_sees_a_changed_digit(make_trial):
    scores, _ = make_trial(n=12)
    shuffled = scores.sample(frac=1, random_state=1)[scores.columns[::-1]]
    assert hash_scores(shuffled) == hash_scores(scores)
    nudged = scores.copy()
    nudged.loc[3, "gap_years"] += 1e-12
    assert hash_scores(nudged) != hash_scores(scores)


def test_changes_are_gap_minus_baseline_gap_over_the_real_interval(trial):
    scores, design = trial
    changes = join_scores(scores, design, outcome="gap_corrected_years").changes
    row = changes[(changes["participant_id"] == "004") & (changes["visit"] == "2 years")].iloc[0]
    mine = scores[scores["participant_id"] == "004"].set_index("session_id")
    expected = mine.at["2y", "gap_corrected_years"] - mine.at["bl", "gap_corrected_years"]
    assert row["change"] == pytest.approx(expected, abs=1e-12)
    assert row["years"] == pytest.approx(
        mine.at["2y", "age_years"] - mine.at["bl", "age_years"], abs=1e-12
    )


def test_extra_sessions_and_strangers_are_left_out_and_counted(trial):
    scores, design = trial
    extra = scores[scores["session_id"] == "1y"].head(2).assign(session_id="18m")
    stranger = scores.head(1).assign(participant_id="999")
    data = join_scores(pd.concat([scores, extra, stranger]), design, outcome="gap_corrected_years")
    plain = join_scores(scores, design, outcome="gap_corrected_years")
    pd.testing.assert_frame_equal(data.changes, plain.changes)
    assert any("2 scan(s) at sessions that are no planned visit" in n for n in data.notes)
    assert any("1 scanned participant(s) are not in the allocation" in n for n in data.notes)


def test_missing_baseline_leaves_no_change_and_is_reported(trial):
    scores, design = trial
    kept = scores[~((scores["participant_id"] == "000") & (scores["session_id"] == "bl"))]
    data = join_scores(kept, design, outcome="gap_corrected_years")
    assert "000" not in set(data.changes["participant_id"])
    assert "000" in set(data.scans["participant_id"])
    assert any("1 participant(s) have a later scan but no baseline" in n for n in data.notes)


def test_ages_that_go_backwards_are_an_error_naming_the_scan(trial):
    scores, design = trial
    wrong = scores.copy()
    mine = (wrong["participant_id"] == "004") & (wrong["session_id"] == "2y")
    wrong.loc[mine, "age_years"] = 50.0
    with pytest.raises(DesignError, match="negative interval: 004 at 2 years"):
        join_scores(wrong, design, outcome="gap_corrected_years")


def test_duplicated_score_rows_are_an_error(trial):
    scores, design = trial
    with pytest.raises(TableError, match="two or more rows"):
        join_scores(
            pd.concat([scores, scores.head(1)], ignore_index=True),
            design,
            outcome="gap_corrected_years",
        )


def test_one_scan_with_and_without_the_prefixes_is_a_duplicate(trial):
    scores, design = trial
    again = scores.head(1)
    again = again.assign(participant_id="sub-" + again["participant_id"])
    with pytest.raises(TableError, match="without prefixes"):
        join_scores(pd.concat([scores, again]), design, outcome="gap_corrected_years")


def test_prefixes_of_an_allocation_made_in_python_do_not_matter(trial):
    scores, design = trial
    prefixed = design.allocation.assign(participant_id="sub-" + design.allocation["participant_id"])
    again = TrialDesign.from_options(design.options, prefixed)
    pd.testing.assert_frame_equal(again.allocation, design.allocation)


def test_scores_with_an_arm_column_are_refused(trial):
    scores, design = trial
    with pytest.raises(DesignError, match="found an arm column"):
        join_scores(scores.assign(arm="CON"), design, outcome="gap_corrected_years")


def test_visit_with_one_arm_is_an_error_naming_the_others(trial):
    scores, design = trial
    control = set(design.allocation.loc[design.allocation["arm"] == "CON", "participant_id"])
    kept = scores[(scores["session_id"] != "2y") | scores["participant_id"].isin(control)]
    with pytest.raises(DesignError, match=r"visit '2 years': no scored participant of MIT, HRT"):
        join_scores(kept, design, outcome="gap_corrected_years")


def test_constant_outcome_is_an_error(trial):
    scores, design = trial
    with pytest.raises(
        DesignError, match="gap_corrected_years of whole_brain at baseline: constant"
    ):
        join_scores(scores.assign(gap_corrected_years=1.5), design, outcome="gap_corrected_years")


def test_ids_that_match_nobody_are_shown_from_both_sides(trial):
    scores, design = trial
    with pytest.raises(DesignError, match=r"no score belongs to a randomised participant"):
        join_scores(
            scores.assign(participant_id="x" + scores["participant_id"]),
            design,
            outcome="gap_corrected_years",
        )


def test_completers_have_every_visit_and_per_protocol_the_least_dose(make_trial, make_options):
    scores, allocation = make_trial()
    dose = np.where(allocation["arm"] == "CON", 0, np.arange(len(allocation)) % 50)
    options = make_options(dose_column="dose", per_protocol_min_dose=30.0)
    design = TrialDesign.from_options(options, allocation.assign(dose=dose.astype(float)))
    data = join_scores(scores, design, outcome="gap_corrected_years")
    sets = analysis_sets(data, design)
    counts = scores.groupby("participant_id").size()
    assert sets["completers"].participants == set(counts.index[counts == 3])
    kept = (allocation["arm"] == "CON") | (dose >= 30)
    assert sets["per_protocol"].participants == set(allocation.loc[kept, "participant_id"])
    assert sets["intention_to_treat"].participants == set(allocation["participant_id"])


def test_outcome_constant_at_one_visit_is_an_error_that_names_it(trial):
    scores, design = trial
    same = scores["gap_corrected_years"].where(scores["session_id"] != "1y", 2.0)
    with pytest.raises(DesignError, match="of whole_brain at 1 year: constant"):
        join_scores(scores.assign(gap_corrected_years=same), design, outcome="gap_corrected_years")
