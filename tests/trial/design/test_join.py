"""Allocation, visits and their faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from brainage.errors import DesignError, TableError
from brainage.trial import TrialDesign, hash_scores, read_allocation
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets


def write(tmp_path, text, name="participants.tsv"):
    path = tmp_path / name
    path.write_text(text.replace(" ", "\t"))
    return path


GOOD = "participant_id arm stratum\nsub-01 CON low\nsub-02 MIT high\nsub-03 HRT low\n"


def test_allocation_is_read_in_order_without_the_prefix(tmp_path, make_options):
    found = read_allocation(write(tmp_path, GOOD), make_options())
    assert list(found["participant_id"]) == ["01", "02", "03"]
    assert list(found["arm"]) == ["CON", "MIT", "HRT"]
    assert list(found["stratum"]) == ["low", "high", "low"]


def test_allocation_of_any_table_is_read_through_the_column_names(tmp_path, make_options):
    text = "who,group,stratum,sessions\nA,CON,x,0\nB,MIT,x,40\nC,HRT,y,80\n"
    options = make_options(participant_column="who", arm_column="group", dose_column="sessions")
    found = read_allocation(write(tmp_path, text, "list.csv"), options)
    assert list(found["participant_id"]) == ["A", "B", "C"]
    assert list(found["sessions"]) == [0.0, 40.0, 80.0]


def test_one_row_a_scan_is_read_as_one_row_a_person(tmp_path, make_options):
    found = read_allocation(write(tmp_path, GOOD + "sub-01 CON low\n"), make_options())
    assert list(found["participant_id"]) == ["01", "02", "03"]


def test_participant_in_two_arms_is_named(tmp_path, make_options):
    with pytest.raises(DesignError, match=r"participant 01 is in two arms \(arm: CON and HRT\)"):
        read_allocation(write(tmp_path, GOOD + "sub-01 HRT low\n"), make_options())


def test_participant_with_two_strata_is_named(tmp_path, make_options):
    with pytest.raises(DesignError, match="participant 02 is with rows that differ"):
        read_allocation(write(tmp_path, GOOD + "sub-02 MIT low\n"), make_options())


def test_unknown_arm_is_refused_with_a_suggestion(tmp_path, make_options):
    with pytest.raises(DesignError, match=r"arm 'HRTT' \(1 participant.*Did you mean 'HRT'"):
        read_allocation(write(tmp_path, GOOD + "sub-04 HRTT low\n"), make_options())


def test_arm_of_the_config_that_nobody_has_is_named(tmp_path, make_options):
    text = GOOD.replace("CON", "Ctrl")
    with pytest.raises(DesignError, match="control arm 'CON' of science.trial.arms: nobody has it"):
        read_allocation(write(tmp_path, text), make_options())


def test_every_problem_is_reported_at_once(tmp_path, make_options):
    text = GOOD + "sub-01 HRT low\nsub-05 n/a low\nsub-06 MIT n/a\n"
    with pytest.raises(DesignError) as caught:
        read_allocation(write(tmp_path, text), make_options())
    message = str(caught.value)
    assert "two arms" in message
    assert "no arm for 05" in message
    assert "stratum 'stratum' is missing for 06" in message


def test_absent_arm_column_is_named_with_a_suggestion(tmp_path, make_options):
    with pytest.raises(TableError, match="'armm'.*Did you mean 'arm'"):
        read_allocation(write(tmp_path, GOOD), make_options(arm_column="armm"))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"control_arm": "HRT"}, "the control arm first"),
        ({"arms": ["CON"], "control_arm": "CON"}, "two or more different arms"),
        ({"primary_visit": "3 years"}, "primary_visit among the later visits"),
        ({"primary_arm": "CON"}, "primary_arm among the active arms"),
        ({"per_protocol_min_dose": 3.0}, "dose_column"),
        ({"randomization": {"block_size": 6}}, "block_size only with.*scheme 'simple'"),
        ({"randomization": {"scheme": "stratified_blocks"}, "strata": []}, "strata.*none"),
    ],
)
def test_contradictory_options_are_refused(make_options, changed, words):
    with pytest.raises(ValidationError, match=words):
        make_options(**changed)


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


def test_covariate_called_like_a_column_of_the_trial_is_refused(make_options):
    for name in ("years", "baseline_gap", "gap_years", "scanner"):
        with pytest.raises(ValidationError, match=f"paths.allocation_columns.*'{name}'"):
            make_options(covariates=[name])
    with pytest.raises(ValidationError, match="'change'"):
        make_options(strata=["change"])
    assert make_options(strata=["sex"], covariates=["site"]).strata == ("sex",)


def test_every_column_the_trial_makes_is_closed_to_covariates(trial, make_options):
    scores, design = trial
    data = join_scores(scores, design, outcome="gap_corrected_years")
    for name in {*data.scans, *data.changes} - {"sex", "site", "stratum"}:
        with pytest.raises(ValidationError, match=f"'{name}'"):
            make_options(covariates=[name])


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


def test_allocation_columns_of_any_name_are_read_through_one_map(tmp_path, make_options):
    text = "ID,GROUP,Schicht,Einheiten\nA,CON,x,0\nB,MIT,x,40\nC,HRT,y,80\n"
    columns = {
        "participant_id": "ID",
        "arm": "GROUP",
        "stratum": "Schicht",
        "sessions": "Einheiten",
    }
    options = make_options(dose_column="sessions")
    found = read_allocation(write(tmp_path, text, "list.csv"), options, columns=columns)
    assert list(found.columns) == ["participant_id", "arm", "stratum", "sessions"]
    assert list(found["sessions"]) == [0.0, 40.0, 80.0]


def test_allocation_column_map_is_checked(tmp_path, make_options):
    path = write(tmp_path, GOOD)
    with pytest.raises(TableError, match="'strata' is not read; expected .*Did you mean 'stratum'"):
        read_allocation(path, make_options(), columns={"strata": "stratum"})
    with pytest.raises(TableError, match="expected a column 'Group'"):
        read_allocation(path, make_options(), columns={"arm": "Group"})
    with pytest.raises(TableError, match="say it once"):
        read_allocation(path, make_options(arm_column="group"), columns={"arm": "arm"})


def test_outcome_constant_at_one_visit_is_an_error_that_names_it(trial):
    scores, design = trial
    same = scores["gap_corrected_years"].where(scores["session_id"] != "1y", 2.0)
    with pytest.raises(DesignError, match="of whole_brain at 1 year: constant"):
        join_scores(scores.assign(gap_corrected_years=same), design, outcome="gap_corrected_years")


def test_strategy_outside_ich_and_a_missed_scan_as_event_are_refused(make_options):
    with pytest.raises(ValidationError, match="treatment policy"):
        make_options(estimand={"intercurrent_events": {"illness": "ignore"}})
    with pytest.raises(ValidationError, match="missing data, not an intercurrent event"):
        make_options(estimand={"intercurrent_events": {"missed scan": "treatment policy"}})
