"""The whole comparison: which rows, which order, what is said, and what cannot change it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.errors import DesignError
from brainage.trial import (
    AFTERWARDS,
    BEFOREHAND,
    BY_COMPARISON,
    Contrast,
    TrialDesign,
    TrialInputs,
    TrialResult,
    as_contrasts,
    compare_arms,
    hash_scores,
    read_plan,
    write_plan,
)
from brainage.trial.models.multiplicity import adjust, benjamini_hochberg

NETWORKS = ("whole_brain", "default", "motor")


@pytest.fixture(scope="module")
def compared(tmp_path_factory, make_trial, make_options):
    scores, allocation = make_trial(networks=NETWORKS)
    options = make_options()
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    write_plan(options, path)
    design = TrialDesign.from_options(options, allocation)
    plan = read_plan(path)
    return scores, design, plan, compare_arms(scores, design, plan=plan, seed=5)


def test_primary_contrast_is_first_and_its_p_is_not_adjusted(compared):
    *_, result = compared
    first = result.contrasts.iloc[0]
    assert (first["arm"], first["versus"], first["visit"]) == ("HRT", "CON", "1 year")
    assert first["primary"]
    assert first["p_adjusted"] == first["p_value"]
    assert result.contrasts["primary"].sum() == 1
    assert result.primary.estimate_years == first["estimate_years"]


def test_other_contrasts_are_one_holm_family(compared):
    *_, result = compared
    rest = result.contrasts[
        (result.contrasts["network"] == "whole_brain") & ~result.contrasts["primary"]
    ]
    np.testing.assert_allclose(rest["p_adjusted"], adjust(rest["p_value"], "holm"), rtol=1e-12)


def test_networks_are_adjusted_over_networks_at_each_arm_and_visit(compared):
    *_, result = compared
    local = result.contrasts[result.contrasts["network"] != "whole_brain"]
    mine = local[(local["arm"] == "MIT") & (local["visit"] == "2 years")]
    assert list(mine["network"]) == ["default", "motor"]
    np.testing.assert_allclose(mine["p_adjusted"], benjamini_hochberg(mine["p_value"]), rtol=1e-12)


def test_every_arm_and_visit_has_a_delta_with_its_paired_test(compared):
    scores, design, _, result = compared
    assert len(result.deltas) == 3 * 3 * 2
    assert set(result.deltas["versus"]) == {"baseline"}
    whole = result.deltas[result.deltas["network"] == "whole_brain"]
    np.testing.assert_allclose(
        whole["paired_p_adjusted"], benjamini_hochberg(whole["paired_p_value"]), rtol=1e-12
    )
    # Least-squares and plain means differ by chance imbalance at baseline only.
    assert np.abs(whole["estimate_years"] - whole["mean_change_years"]).max() < 1.5


def test_difference_of_arm_deltas_is_the_contrast(compared):
    *_, result = compared
    delta = result.deltas.set_index(["network", "arm", "visit"])["estimate_years"]
    for row in as_contrasts(result.contrasts):
        if row.visit != "average over visits":
            expected = delta[row.network, row.arm, row.visit] - delta[row.network, "CON", row.visit]
            assert row.estimate_years == pytest.approx(expected, abs=1e-9)


def test_every_analysis_the_package_does_by_itself_is_in_the_plan(compared):
    _, _, plan, result = compared
    assert result.contrasts["prespecified"].all()
    assert result.deltas["prespecified"].all()
    assert result.sensitivity["prespecified"].all()
    assert set(result.contrasts["plan_hash"]) == {plan.hash}
    assert not any("post hoc" in note for note in result.notes)


def test_without_a_plan_everything_is_post_hoc_and_said_so(as_drawn):
    scores, design, result = as_drawn
    assert not result.contrasts["prespecified"].any()
    assert any("every result is post hoc" in note for note in result.notes)


def test_analysis_changed_after_the_plan_is_printed_as_post_hoc(compared, make_options):
    scores, design, plan, _ = compared
    changed = TrialDesign(make_options(degrees_of_freedom="kenward_roger"), design.allocation)
    result = compare_arms(scores[scores["network"] == "whole_brain"], changed, plan=plan)
    assert not result.contrasts["prespecified"].any()
    assert result.sensitivity.set_index("analysis").loc["ancova per visit", "prespecified"].all()
    assert any("degrees_of_freedom: planned satterthwaite" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changed", "primary", "others", "deltas"),
    [
        ({"multiplicity": "none"}, True, False, True),
        ({"within_arm_multiplicity": "none"}, True, True, False),
        ({"primary_visit": "2 years"}, False, False, True),
        ({"primary_arm": "MIT"}, False, False, True),
        ({"primary_arm": "HRT"}, True, True, True),
        ({"style": "lisa_like"}, False, False, False),
    ],
)
def test_rows_adjusted_otherwise_than_planned_are_post_hoc(
    trial, make_options, tmp_path, changed, primary, others, deltas
):
    scores, design = trial
    plan = write_plan(make_options(), tmp_path / "plan.json")
    used = TrialDesign(make_options(**changed), design.allocation)
    result = compare_arms(scores, used, plan=plan)
    first = result.contrasts["primary"]
    assert result.contrasts.loc[first, "prespecified"].all() == primary
    assert result.contrasts.loc[~first, "prespecified"].all() == others
    assert result.contrasts.loc[~first, "prespecified"].any() == others
    assert result.deltas["prespecified"].all() == deltas
    said = any(note.startswith("post hoc:") for note in result.notes)
    assert said == (not (primary and others and deltas))


def test_plan_made_by_the_comparison_itself_is_told_from_one_made_before(
    trial, make_options, tmp_path
):
    scores, design = trial
    write_plan(make_options(), tmp_path / "plan.json", written=BY_COMPARISON)
    late = compare_arms(scores, design, plan=read_plan(tmp_path / "plan.json"))
    assert any("the plan was written by the comparison itself" in note for note in late.notes)
    plan = write_plan(make_options(), tmp_path / "plan.json")
    early = compare_arms(scores, design, plan=read_plan(tmp_path / "plan.json"))
    assert not any("comparison itself" in note for note in early.notes)
    assert early.plan_hash == plan.hash
    # When it was written is part of what is hashed.
    assert late.plan_hash != plan.hash


def test_headline_says_no_more_of_the_plan_than_was_done(trial, make_options, tmp_path):
    scores, design = trial
    for written, words in (
        (BY_COMPARISON, "planned by this comparison itself"),
        (AFTERWARDS, "post hoc"),
        (BEFOREHAND, "prespecified"),
    ):
        plan = write_plan(make_options(), tmp_path / "plan.json", written=written)
        result = compare_arms(scores, design, plan=plan)
        result.save(tmp_path / "results")
        assert result.standing == TrialResult.load(tmp_path / "results").standing == words


def test_clock_that_shows_nothing_is_the_first_thing_said(as_drawn):
    scores, design, plain = as_drawn
    more = TrialInputs(clocks={"whole_brain": {"shows_nothing": "r = -0.40"}})
    result = compare_arms(scores, design, more=more)
    assert result.notes[0] == result.read_first[0]
    assert result.notes[0].startswith(
        "the clock of whole_brain shows nothing of age (r = -0.40): its changes within an arm are "
        "the time that passed"
    )
    assert plain.read_first == ()


def test_estimand_of_the_uncorrected_gap_does_not_say_corrected(as_drawn, make_options):
    scores, design, plain = as_drawn
    used = TrialDesign(make_options(outcome="gap_years"), design.allocation)
    result = compare_arms(scores, used)
    assert "uncorrected brain-age gap" in result.estimand["variable"]
    assert set(result.contrasts["correction"]) == {"uncorrected"}
    assert "uncorrected" not in set(result.analyses["analysis"])
    corrected = plain.estimand["variable"]
    assert corrected == "change from baseline in the corrected brain-age gap at the primary visit"


def test_counts_of_the_model_and_of_the_visit_stand_under_their_own_names(make_trial, make_options):
    scores, allocation = make_trial(missing=0.0)
    gone = (scores["participant_id"].isin(["000", "001", "002", "003"])) & (
        scores["session_id"] == "2y"
    )
    design = TrialDesign.from_options(make_options(), allocation)
    result = compare_arms(scores[~gone], design)
    flow = result.flow.set_index(["arm", "visit"])["analysed"]
    for row in result.deltas.itertuples():
        assert row.n_model == 20
        assert row.n_at_visit == flow[row.arm, row.visit] == row.n_paired
    for row in as_contrasts(result.contrasts):
        assert row.n_model == 40
        if row.visit != "average over visits":
            assert row.n_at_visit == flow[row.arm, row.visit] + flow["CON", row.visit]


def test_strategy_that_no_analysis_carries_out_is_noted(trial, make_options):
    scores, design = trial
    options = make_options(estimand={"intercurrent_events": {"illness": "hypothetical"}})
    result = compare_arms(scores, TrialDesign(options, design.allocation))
    assert any("illness: hypothetical" in note for note in result.notes)
    assert "not an intercurrent event" in result.estimand["missing_data"]


def test_levakov_that_cannot_be_computed_does_not_stop_the_model(trial):
    scores, design = trial
    same = scores.assign(age_years=scores["session_id"].map({"bl": 65.0, "1y": 66.0, "2y": 67.0}))
    result = compare_arms(same, design)
    assert len(result.levakov) == 0
    assert "levakov" not in set(result.sensitivity["analysis"])
    assert any(
        "'levakov' was not done: Levakov's outcome: ages at baseline do not vary" in note
        for note in result.notes
    )


def test_rerandomization_of_the_config_has_its_statistic_and_the_ancova_its_interval(
    trial, make_options
):
    scores, design = trial
    rows = {}
    for statistic in ("ancova", "gls"):
        options = make_options(randomization={"n_draws": 199, "statistic": statistic})
        result = compare_arms(scores, TrialDesign(options, design.allocation))
        rows[statistic] = result.sensitivity.set_index("analysis").loc["re-randomisation"]
    assert "studentised GLS contrast (unstructured" in rows["gls"]["method"]
    assert np.isnan(rows["gls"]["ci_low_years"])
    own = rows["ancova"]
    assert own["ci_low_years"] < own["estimate_years"] < own["ci_high_years"]
    assert own["n_model"] <= rows["gls"]["n_model"]


def test_minimisation_is_tested_with_the_allocations_its_program_replayed(trial, make_options):
    scores, design = trial
    rng = np.random.default_rng(0)
    replayed = np.stack([rng.permutation(design.allocation["arm"]) for _ in range(199)])
    options = make_options(randomization={"scheme": "minimisation"})
    used = TrialDesign.from_options(options, design.allocation, replayed=replayed)
    row = compare_arms(scores, used).sensitivity.set_index("analysis").loc["re-randomisation"]
    assert "minimisation, sequences replayed by the trial's own program; 199 draws" in row["method"]
    assert 0 < row["p_value"] <= 1


@pytest.mark.parametrize(
    ("shape", "label", "words"),
    [
        ((99, 59), "CON", r"expected \(n_draws, 60\)"),
        ((99, 60), "X", "also found X"),
        ((20, 60), "CON", "99 or more allocations"),
    ],
)
def test_replayed_allocations_that_cannot_be_are_refused(trial, make_options, shape, label, words):
    allocation = trial[1].allocation
    with pytest.raises(DesignError, match=words):
        TrialDesign.from_options(make_options(), allocation, replayed=np.full(shape, label))


def test_sensitivity_holds_the_named_analyses(compared):
    *_, result = compared
    names = set(result.sensitivity["analysis"])
    assert names == {
        "uncorrected gap",
        "change scores",
        "ancova per visit",
        "constrained longitudinal form",
        "kenward_roger degrees of freedom",
        "covariance common to all arms",
        "completers",
        "adjusted for motion",
        "adjusted for the interval (age at scan)",
        "covariate: baseline gap only",
        "no covariates",
        "robust regression",
        "levakov",
        "re-randomisation",
    }


def test_offset_correction_moves_the_deltas_and_leaves_the_contrasts(compared):
    # The corrected gap adds 0.3 years a year here; intervals are alike in all arms.
    *_, result = compared
    plain = result.sensitivity[(result.sensitivity["analysis"] == "uncorrected gap")]
    plain = plain.set_index(["arm", "versus", "visit"])["estimate_years"]
    contrast = result.primary.estimate_years
    assert plain["HRT", "CON", "1 year"] == pytest.approx(contrast, abs=0.05)
    corrected = result.deltas.set_index(["network", "arm", "visit"])["estimate_years"]
    moved = plain["CON", "baseline", "2 years"] - corrected["whole_brain", "CON", "2 years"]
    assert moved == pytest.approx(-0.6, abs=0.05)


def test_levakov_contrast_is_its_attenuation_with_the_sign_turned(compared):
    *_, result = compared
    rows = result.sensitivity[result.sensitivity["analysis"] == "levakov"]
    within = rows[rows["versus"] == "baseline"].set_index(["arm", "visit"])["estimate_years"]
    own = result.levakov.set_index(["arm", "visit"])["attenuation_years"]
    np.testing.assert_allclose(within, -own.loc[within.index], rtol=1e-12)


def test_scores_hash_is_of_the_scores_as_given(compared):
    scores, *_, result = compared
    assert result.scores_hash == hash_scores(scores)


def test_result_reads_back_equal(compared, tmp_path):
    *_, result = compared
    result.save(tmp_path / "results")
    again = TrialResult.load(tmp_path / "results")
    for name in ("deltas", "contrasts", "sensitivity", "motion", "levakov", "covariates"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(result, name), check_dtype=False, check_exact=True
        )
    assert (again.notes, again.estimand, again.seed) == (result.notes, result.estimand, result.seed)


def test_unfinished_result_is_refused(tmp_path):
    with pytest.raises(DesignError, match="expected a finished comparison"):
        TrialResult.load(tmp_path)


def test_jobs_and_row_order_change_no_number(compared):
    scores, design, plan, result = compared
    shuffled = scores.sample(frac=1, random_state=2)
    again = compare_arms(shuffled, design, plan=plan, seed=5, n_jobs=2)
    key = ["network", "arm", "visit"]
    for name in ("contrasts", "deltas"):
        first = getattr(result, name).set_index(key)["estimate_years"]
        other = getattr(again, name).set_index(key)["estimate_years"]
        np.testing.assert_allclose(other.loc[first.index], first, rtol=1e-7)
    assert again.scores_hash == result.scores_hash


@pytest.mark.parametrize(
    ("style", "words"),
    [("lisa_like", "change scores, Welch t"), ("levakov2023", "Levakov's expected minus")],
)
def test_style_decides_the_headline_and_the_model_stands_beside_it(
    trial, make_options, style, words
):
    scores, design = trial
    result = compare_arms(scores, TrialDesign(make_options(style=style), design.allocation))
    assert result.contrasts["method"].str.contains(words).all()
    assert "mmrm" in set(result.sensitivity["analysis"])
    if style == "lisa_like":
        assert (result.deltas["estimate_years"] == result.deltas["mean_change_years"]).all()


def test_dunnett_adjusts_over_arms_at_each_visit_and_less_than_bonferroni(trial, make_options):
    scores, design = trial
    result = compare_arms(
        scores, TrialDesign(make_options(multiplicity="dunnett"), design.allocation)
    )
    for visit, rows in result.contrasts.groupby("visit"):
        rest = rows[~rows["primary"]]
        # The smallest degrees of freedom of the visit's contrasts are used for all of them.
        plain = 2 * stats.t.sf(rest["statistic"].abs(), rows["df"].min())
        assert (rest["p_adjusted"] > plain).all(), visit
        assert (rest["p_adjusted"] < 2 * plain).all(), visit


def test_minimisation_is_refused_by_name_and_the_rest_is_done(trial, make_options):
    scores, design = trial
    options = make_options(randomization={"scheme": "minimisation", "n_draws": 199})
    result = compare_arms(scores, TrialDesign(options, design.allocation))
    assert "re-randomisation" not in set(result.sensitivity["analysis"])
    assert any("re-randomisation" in n and "minimisation" in n for n in result.notes)


def test_missing_sex_is_a_category_and_drops_nobody(as_drawn):
    scores, design, plain = as_drawn
    holes = scores.assign(sex=scores["sex"].where(scores["participant_id"] != "004", None))
    whole, less = plain, compare_arms(holes, design)
    assert less.primary.n_model == whole.primary.n_model


def test_scanner_change_is_printed_and_adjusted_for(trial):
    scores, design = trial
    late = scores["session_id"] == "2y"
    some = scores["participant_id"].astype(int) % 3 == 0
    new = scores.assign(scanner=np.where(late & some, "B", "A"))
    result = compare_arms(new, design)
    assert "adjusted for scanner change" in set(result.sensitivity["analysis"])
    assert any("scanner or software at the visit" in note for note in result.notes)


def test_contrast_rows_are_contrast_objects(compared):
    *_, result = compared
    rows = as_contrasts(result.contrasts)
    assert all(isinstance(row, Contrast) for row in rows)
    assert isinstance(rows[0].primary, bool)
    assert isinstance(rows[0].n_model, int)


def test_arm_of_one_person_is_an_error_naming_arm_and_visit(make_trial, make_options):
    scores, allocation = make_trial(missing=0.0)
    one = allocation[(allocation["arm"] != "HRT") | ~allocation["arm"].duplicated()]
    kept = scores[scores["participant_id"].isin(one["participant_id"])]
    design = TrialDesign.from_options(make_options(), one)
    with pytest.raises(DesignError, match="HRT at 1 year: paired change: expected two people"):
        compare_arms(kept, design)


def test_same_change_in_everyone_is_an_error(trial):
    scores, design = trial
    first = scores[scores["session_id"] == "bl"].set_index("participant_id")
    step = scores["session_id"].map({"bl": 0.0, "1y": 1.0, "2y": 2.0})
    same = scores["participant_id"].map(first["gap_corrected_years"]) + step
    with pytest.raises(DesignError, match="change by the same 1 years"):
        compare_arms(scores.assign(gap_corrected_years=same), design)


def test_stratum_that_is_the_arm_cannot_be_told_from_it(trial, make_options):
    scores, design = trial
    same = design.allocation.assign(stratum=design.allocation["arm"])
    with pytest.raises(DesignError, match="determined by arm"):
        compare_arms(scores, TrialDesign.from_options(make_options(), same))


def test_site_that_arm_determines_can_be_left_out_by_the_config_and_not_unseen(
    trial, make_options, tmp_path
):
    scores, design = trial
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    two = scores.assign(site=np.where(arm == "HRT", "far", "near"))
    with pytest.raises(DesignError, match="determined by arm"):
        compare_arms(two, design)
    plan = write_plan(make_options(), tmp_path / "plan.json")
    options = make_options(score_covariates=["sex"])
    result = compare_arms(two, TrialDesign(options, design.allocation), plan=plan)
    assert "site" not in set(result.covariates["covariate"])
    assert not result.contrasts["prespecified"].any()


def test_covariance_too_rich_for_five_people_an_arm_falls_back_and_says_so(trial, make_options):
    scores, design = trial
    few = design.allocation.groupby("arm").head(5)
    kept = scores[scores["participant_id"].isin(few["participant_id"])]
    options = make_options(degrees_of_freedom="kenward_roger")
    result = compare_arms(kept, TrialDesign(options, few))
    assert np.isfinite(result.contrasts["p_value"]).all()
    assert any("covariance fell back to unstructured" in note for note in result.notes)


def test_scores_without_motion_sex_or_site_are_compared(trial):
    scores, design = trial
    bare = scores.assign(mean_fd_mm=np.nan, sex=None, site=None)
    result = compare_arms(bare, design)
    assert "adjusted for motion" not in set(result.sensitivity["analysis"])
    assert set(result.covariates["covariate"]) & {"sex", "site"} == set()
    assert np.isfinite(result.contrasts["estimate_years"]).all()


def test_covariates_are_listed_and_none_is_measured_after_randomisation(compared):
    *_, result = compared
    main = result.covariates[result.covariates["analysis"] == "mmrm"]
    assert set(main["covariate"]) == {
        "baseline_gap x visit",
        "baseline_age x visit",
        "stratum",
        "sex",
    }


def test_site_and_sex_written_otherwise_after_baseline_change_no_model(trial):
    scores, design = trial
    half = np.arange(len(scores)) % 2 == 0
    scores = scores.assign(site=np.where(scores["participant_id"] < "030", "one", "two"))
    later = scores["session_id"] != "bl"
    moved = scores.assign(
        site=scores["site"].mask(later & half, "three"), sex=scores["sex"].mask(later & half)
    )
    as_it_was, found = (compare_arms(each, design).sensitivity for each in (scores, moved))
    columns = ["analysis", "arm", "visit", "estimate_years", "se_years"]
    pd.testing.assert_frame_equal(found[columns], as_it_was[columns])


def test_rows_count_the_people_of_their_own_arms(compared):
    scores, design, _, result = compared
    seen = scores[(scores["session_id"] != "bl") & (scores["network"] == "whole_brain")]
    arm = design.allocation.set_index("participant_id")["arm"]
    n_of = seen["participant_id"].drop_duplicates().map(arm).value_counts()
    assert result.primary.n_model == n_of["HRT"] + n_of["CON"]
    whole = result.deltas[result.deltas["network"] == "whole_brain"]
    assert (whole["n_model"].to_numpy() == n_of.loc[whole["arm"]].to_numpy()).all()


def test_a_note_of_several_networks_is_printed_once(compared):
    *_, result = compared
    assert any(note.startswith("whole_brain, default, motor: ") for note in result.notes)
