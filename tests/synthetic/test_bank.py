"""Trials drawn from a bank have the planned sizes and keep each person's scores."""

from __future__ import annotations

import pytest

from brainage.errors import DesignError
from brainage.synthetic import draw_score_bank, make_study, tiny_options


@pytest.fixture(scope="module")
def bank():
    study = make_study(tiny_options().model_copy(update={"n_parcels": 8, "n_volumes": 40}), seed=0)
    return draw_score_bank(study, lambda edges: 60 + edges.mean(axis=1), n_people=30, seed=0)


def test_a_trial_has_the_planned_arms_and_is_its_seed(bank):
    trial = bank.draw_trial(1)
    sizes = trial.drop_duplicates("participant_id")["arm"].value_counts()
    assert sizes.to_dict() == {arm.name: arm.n for arm in bank.plan.arms}
    assert trial.equals(bank.draw_trial(1))
    assert not trial.equals(bank.draw_trial(2))


def test_control_scores_are_those_without_effect(bank):
    trial = bank.draw_trial(1)
    control = trial[trial["arm"] == "CON"]
    without = control["predicted_without_effect_years"]
    assert (control["predicted_age_years"] == without).all()
    treated = trial[(trial["arm"] == "HRT") & (trial["visit"] > 0)]
    assert (treated["effect_years"] < 0).all()


def test_a_pool_smaller_than_a_trial_is_refused():
    study = make_study(tiny_options().model_copy(update={"n_parcels": 8, "n_volumes": 40}), seed=0)
    with pytest.raises(DesignError, match="expected at least the 24 people"):
        draw_score_bank(study, lambda edges: edges[:, 0], n_people=5, seed=0)
