"""Who is analysed: everyone randomised, completers, and those who trained enough."""

from __future__ import annotations

import pytest

from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets


def sets_of(scores, allocation, options):
    design = TrialDesign.from_options(options, allocation)
    return analysis_sets(join_scores(scores, design, outcome=options.outcome), design)


def test_everyone_randomised_counts_and_completers_have_every_visit(make_trial, make_options):
    scores, allocation = make_trial(n=30)
    sets = sets_of(scores, allocation, make_options())
    visits = scores.groupby("participant_id")["session_id"].nunique()
    assert sets["intention_to_treat"].participants == set(allocation["participant_id"])
    assert sets["completers"].participants == set(visits.index[visits == 3])
    assert "per_protocol" not in sets


def test_per_protocol_keeps_control_and_those_with_the_least_dose(make_trial, make_options):
    scores, allocation = make_trial(n=30)
    allocation["dose"] = range(30)
    options = make_options(dose_column="dose", per_protocol_min_dose=20.0)
    kept = sets_of(scores, allocation, options)["per_protocol"].participants
    own = allocation[(allocation["arm"] == "CON") | (allocation["dose"] >= 20)]
    assert kept == set(own["participant_id"])
    with pytest.raises(DesignError, match="expected numbers"):
        sets_of(scores, allocation.assign(dose="many"), options)
