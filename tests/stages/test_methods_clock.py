"""Every choice of a clock that changes a number is said in the Methods, and only where it does."""

from __future__ import annotations

import pytest

from brainage.clock import ClockOptions
from brainage.stages.methods_clock import clock_sentences


def words_of(**options) -> str:
    return " ".join(clock_sentences(ClockOptions(**options)))


def test_a_clock_too_large_for_leave_one_out_is_not_said_to_have_used_it():
    for options in ({}, STACK, STACK | {"strong_views": ["fisher_z"]}):
        clock = ClockOptions(**options)
        assert "exact leave-one-out" in clock_sentences(clock)[0]
        told = clock_sentences(clock, by_inner_folds=True)[0]
        assert "5 inner folds of people" in told
        assert "leave-one-out" not in told


SVR = {"estimator": "svr"}
STACK = {"estimator": "stacked", "views": ["fisher_z", "tangent"]}
#: Field of the options -> a clock on which it has another value, and what is said of that.
TOLD = {
    "estimator": (SVR, "linear support vector regression"),
    "estimator_options": (
        {
            "estimator": "sklearn.cross_decomposition.PLSRegression",
            "estimator_options": {"n_components": 3},
        },
        "n_components 3",
    ),
    "views": (STACK, "a stack of ridge regressions"),
    "age_scale": (STACK | {"age_scale": "log"}, "predicting age on the logarithm of age"),
    "penalties": ({"penalties": [2.0]}, "penalty fixed at 2 times"),
    "strong_views": (STACK | {"strong_views": ["fisher_z"]}, "strong penalty: Fisher z"),
    "svr_kernel": (SVR | {"svr_kernel": "poly"}, "polynomial kernel of degree 2"),
    "svr_degree": (SVR | {"svr_kernel": "poly", "svr_degree": 3}, "degree 3"),
    "svr_c": (SVR | {"svr_c": [2.0]}, "C fixed at 2"),
    "svr_epsilon": (SVR | {"svr_epsilon": 0.1}, "epsilon 0.1 years"),
    "missing_edges": ({"missing_edges": "zero"}, "missing parcels were set to 0"),
    "half_scans": ({"half_scans": "half_weight"}, "a half counting half as much as a whole scan"),
    "ensemble": (SVR | {"ensemble": True}, "the 10 fold models averaged"),
    "harmonization": (
        {"harmonization": {"method": "combat", "unseen_site": "calibrate"}},
        "ComBat, fitted on training scans of each fold; a site unseen in training was calibrated",
    ),
    "tangent": (STACK | {"tangent": {"reference": "euclidean"}}, "at the euclidean mean"),
    "bias_correction": ({"bias_correction": "none"}, "The gap was not corrected for age"),
    "gap_freed_of_age_and_sex": (
        {"gap_freed_of_age_and_sex": "baselines"},
        "regression on age and sex, fitted on the trial's baseline scans",
    ),
    "validation": (
        {"validation": {"stratify_age": True, "leave_one_site_out": True, "n_repeats": 3}},
        "repeated 3 times (people and families never split, ages balanced over folds) and, apart, "
        "of leaving out each site in turn",
    ),
    "networks": ({}, "edges within each network"),
}


def test_every_field_of_the_options_is_asked_for():
    assert set(TOLD) == set(ClockOptions.model_fields)


@pytest.mark.parametrize("field", sorted(set(TOLD) - {"networks"}))
def test_a_choice_is_said_where_it_was_made_and_not_elsewhere(field):
    options, told = TOLD[field]
    assert told in words_of(**options)
    assert told not in words_of()


def test_networks_are_told_only_where_they_were_trained():
    assert TOLD["networks"][1] in words_of()
    assert TOLD["networks"][1] not in words_of(networks=False)


def test_a_choice_that_had_nothing_to_decide_is_not_told():
    assert "tangent" not in words_of(tangent={"reference": "euclidean"})
    assert "unseen" not in words_of(harmonization={"unseen_site": "refuse"})
    assert "epsilon" not in words_of(svr_epsilon=0.1)
