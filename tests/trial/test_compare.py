"""The whole comparison: which rows, which order, what is said, and what cannot change it."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial import (
    BY_COMPARISON,
    TrialDesign,
    as_contrasts,
    compare_arms,
    hash_scores,
    read_plan,
    write_plan,
)
from brainage.trial.models.multiplicity import benjamini_hochberg


def test_primary_contrast_is_first_and_its_p_is_not_adjusted(compared):
    *_, result = compared
    first = result.contrasts.iloc[0]
    assert (first["arm"], first["versus"], first["visit"]) == ("HRT", "CON", "1 year")
    assert first["primary"]
    assert first["p_adjusted"] == first["p_value"]
    assert result.contrasts["primary"].sum() == 1
    assert result.primary.estimate_years == first["estimate_years"]


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


def test_rows_count_the_people_of_their_own_arms(compared):
    scores, design, _, result = compared
    seen = scores[(scores["session_id"] != "bl") & (scores["network"] == "whole_brain")]
    arm = design.allocation.set_index("participant_id")["arm"]
    n_of = seen["participant_id"].drop_duplicates().map(arm).value_counts()
    assert result.primary.n_model == n_of["HRT"] + n_of["CON"]
    whole = result.deltas[result.deltas["network"] == "whole_brain"]
    assert (whole["n_model"].to_numpy() == n_of.loc[whole["arm"]].to_numpy()).all()


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


def test_minimisation_is_refused_by_name_and_the_rest_is_done(trial, make_options):
    scores, design = trial
    options = make_options(randomization={"scheme": "minimisation", "n_draws": 199})
    result = compare_arms(scores, TrialDesign(options, design.allocation))
    assert "re-randomisation" not in set(result.sensitivity["analysis"])
    assert any("re-randomisation" in n and "minimisation" in n for n in result.notes)


def test_a_covariance_that_fell_back_is_noted_in_the_comparison(trial, make_options):
    scores, design = trial
    few = design.allocation.groupby("arm").head(5)
    kept = scores[scores["participant_id"].isin(few["participant_id"])]
    options = make_options(degrees_of_freedom="kenward_roger")
    result = compare_arms(kept, TrialDesign(options, few))
    assert np.isfinite(result.contrasts["p_value"]).all()
    assert any("covariance fell back to unstructured" in note for note in result.notes)
