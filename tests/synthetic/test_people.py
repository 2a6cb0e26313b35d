"""Who is scanned when: planted values add up, allocation and drop-out follow the plan."""

import numpy as np
import pandas as pd
import pytest

from brainage.synthetic import TRUTH, draw_attendance, make_study
from brainage.synthetic.options import DropoutOptions, ReferenceOptions
from brainage.synthetic.people import allocate, draw_trial_people, person_effects
from brainage.synthetic.seeds import stream
from brainage.tables import check_table


def with_trial(options, **changes):
    return options.model_copy(update={"trial": options.trial.model_copy(update=changes)})


def large(options, n):
    arms = tuple(arm.model_copy(update={"n": n}) for arm in options.trial.arms)
    return with_trial(options, arms=arms)


def test_brain_age_is_the_sum_of_what_was_planted(study):
    truth = study.truth
    check_table(truth, TRUTH)
    parts = ["age_years", "person_offset_years", "state_years", "common_effect_years"]
    np.testing.assert_allclose(truth["brain_age_without_effect_years"], truth[parts].sum(axis=1))
    np.testing.assert_allclose(
        truth["brain_age_years"] - truth["brain_age_without_effect_years"],
        truth["effect_years"],
        atol=1e-12,
    )


def test_every_arm_gets_its_planned_effect_at_each_visit(study, options):
    trial = study.truth[study.truth["cohort"] == "trial"]
    means = trial.groupby(["arm", "visit"])["effect_years"].agg(["min", "max"])
    for arm in options.trial.arms:
        for visit, planned in enumerate((0.0, *arm.effects_years)):
            assert tuple(means.loc[(arm.name, visit)]) == (planned, planned)


def test_visit_effect_is_common_to_all_arms(study):
    trial = study.truth[study.truth["cohort"] == "trial"]
    assert (trial.groupby("visit")["common_effect_years"].nunique() == 1).all()
    assert trial.groupby("visit")["common_effect_years"].first().tolist() == [0.0, -0.4, -0.3]


def test_offset_is_stable_over_visits_and_age_moves_with_the_calendar(study):
    trial = study.truth[study.truth["cohort"] == "trial"]
    assert (trial.groupby("participant_id")["person_offset_years"].nunique() == 1).all()
    ages = trial.pivot(index="participant_id", columns="visit", values="age_years")
    np.testing.assert_allclose((ages[2] - ages[0]).mean(), 2.0, atol=0.1)
    assert ages[0].between(62, 70).all()


def test_motion_rises_with_age(parcels, options):
    many = options.model_copy(update={"reference": ReferenceOptions(n=500), "trial": None})
    truth = make_study(many, seed=0, parcels=parcels).truth
    slope = np.polyfit(truth["age_years"], np.log(truth["mean_fd_mm"].astype(float)), 1)[0]
    # Planted 0.009 a year; the standard error with 500 people is about 0.0008.
    assert slope == pytest.approx(0.009, abs=0.003)


def test_simple_allocation_gives_each_arm_its_number(study, options):
    counts = study.allocation["arm"].value_counts().to_dict()
    assert counts == {arm.name: arm.n for arm in options.trial.arms}


def test_stratified_blocks_balance_arms_within_every_stratum(options):
    plan = large(with_trial(options, allocation="stratified_blocks", block_size=6), 50).trial
    people = allocate(draw_trial_people(plan, 1), plan, stream(1, "allocation"))
    counts = people.groupby(["sex", "bmi_high", "chair_stand_low"])["arm"].value_counts()
    table = counts.unstack(fill_value=0)
    # Only the last, cut block can be uneven: by at most its two places an arm.
    assert (table.max(axis=1) - table.min(axis=1)).max() <= 2


def test_dose_share_keeps_the_arms_mean_and_ties_the_effect_to_attendance(options):
    plan = large(with_trial(options, dose_share=1.0), 400).trial
    allocation = pd.DataFrame({"arm": ["HRT"] * 400, "sessions_attended": [90, 150] * 200})
    effects = person_effects(allocation, plan, stream(0, "effect"))
    planned = np.array([0.0, *plan.arms[2].effects_years])
    np.testing.assert_allclose(effects[0], planned * 90 / 120)
    np.testing.assert_allclose(effects[:2].mean(axis=0), planned)


def test_effect_spread_is_there_only_where_there_is_an_effect(options):
    plan = with_trial(options, effect_sd_years=2.0).trial
    allocation = pd.DataFrame({"arm": ["CON", "HRT"] * 500, "sessions_attended": [0, 120] * 500})
    effects = person_effects(allocation, plan, stream(0, "effect"))
    assert (effects[::2] == 0).all()
    assert (effects[:, 0] == 0).all()
    assert effects[1::2, 1].std() == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("depends_on", ["baseline_gap", "previous_gap"])
def test_people_with_large_gaps_miss_more_visits(depends_on):
    gaps = np.tile(stream(0, "gaps").standard_normal((4000, 1)), (1, 2))
    dropout = DropoutOptions(rate=0.2, depends_on=depends_on, log_odds_per_sd=1.0)
    attended = draw_attendance(gaps, dropout, stream(1, "dropout"))
    high, low = (attended[side, 1].mean() for side in (gaps[:, 0] > 1, gaps[:, 0] < -1))
    assert attended[:, 0].all()
    assert low - high > 0.2


def test_dropout_at_random_does_not_depend_on_gaps_and_has_its_rate():
    gaps = stream(0, "gaps").standard_normal((4000, 2))
    dropout = DropoutOptions(rate=0.2, depends_on="nothing")
    attended = draw_attendance(gaps, dropout, stream(1, "dropout"))
    # Standard error of a share of 0.2 in 4,000 people: 0.006.
    assert 1 - attended[:, 1].mean() == pytest.approx(0.2, abs=0.02)
    assert abs(np.corrcoef(gaps[:, 0], attended[:, 1])[0, 1]) < 0.05


def test_dropout_cannot_depend_on_a_gap_that_was_not_seen():
    gaps = stream(0, "gaps").standard_normal((500, 3))
    dropout = DropoutOptions(rate=0.3, depends_on="previous_gap", log_odds_per_sd=1.0)
    first = draw_attendance(gaps, dropout, stream(1, "dropout"))
    unseen = gaps.copy()
    unseen[~first] += 100.0
    np.testing.assert_array_equal(draw_attendance(unseen, dropout, stream(1, "dropout")), first)


def test_scanner_changes_from_the_visit_named(parcels, options):
    changed = with_trial(options, scanner_change_from="2y", scanner_change_share=0.5)
    trial = make_study(changed, seed=0, parcels=parcels).truth.query("cohort == 'trial'")
    new = trial["scanner"] == "lisa-new"
    assert not new[trial["visit"] < 2].any()
    assert 0 < new[trial["visit"] == 2].mean() < 1


def test_more_people_leave_the_first_ones_as_they_were(parcels, options):
    short = options.model_copy(update={"trial": None})
    long = short.model_copy(update={"reference": ReferenceOptions(n=60, n_sites=2)})
    few = make_study(short, seed=3, parcels=parcels)
    many = make_study(long, seed=3, parcels=parcels)
    pd.testing.assert_frame_equal(few.truth, many.truth.iloc[: len(few.truth)])
    row = few.truth.iloc[5]
    np.testing.assert_array_equal(few.coefficients(row), many.coefficients(many.truth.iloc[5]))
