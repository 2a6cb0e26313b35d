"""The repeated-measures model: whom it keeps, and what later visits cannot change."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial import TrialDesign
from brainage.trial.analyses.record import NothingToDo
from brainage.trial.analyses.repeated_measures import (
    CONSTRAINED,
    MMRM,
    PER_PROTOCOL_ONLY,
    UNCORRECTED,
    contrast_correlation,
    fit_changes,
    people_of,
)


def numbers(result):
    return [(row.found.estimate, row.found.se, row.n_model) for row in result.contrasts]


def test_missing_sex_is_a_category_and_drops_nobody(trial, inputs, inputs_of):
    scores, design = trial
    holes = scores.assign(sex=scores["sex"].where(scores["participant_id"] != "004", None))
    less = MMRM.run(inputs_of(holes, design))
    assert [n for *_, n in numbers(less)] == [n for *_, n in numbers(MMRM.run(inputs))]


def test_covariance_too_rich_for_five_people_an_arm_falls_back_and_says_so(
    trial, inputs_of, make_options
):
    scores, design = trial
    few = design.allocation.groupby("arm").head(5)
    kept = scores[scores["participant_id"].isin(few["participant_id"])]
    options = make_options(degrees_of_freedom="kenward_roger")
    result = MMRM.run(inputs_of(kept, TrialDesign(options, few)))
    assert all(np.isfinite(row.found.p_value) for row in result.contrasts)
    assert result.fit.covariance_name == "unstructured"
    assert result.fit.fell_back_because[0].startswith("unstructured, one per arm: ")


@pytest.mark.parametrize("record", [MMRM, UNCORRECTED, CONSTRAINED], ids=lambda each: each.key)
def test_site_and_sex_written_otherwise_after_baseline_change_no_model(trial, inputs_of, record):
    scores, design = trial
    half = np.arange(len(scores)) % 2 == 0
    scores = scores.assign(site=np.where(scores["participant_id"] < "030", "one", "two"))
    later = scores["session_id"] != "bl"
    moved = scores.assign(
        site=scores["site"].mask(later & half, "three"), sex=scores["sex"].mask(later & half)
    )
    as_it_was, found = (record.run(inputs_of(each, design)) for each in (scores, moved))
    assert numbers(found) == numbers(as_it_was)


def test_constrained_form_keeps_who_has_no_follow_up(trial, inputs_of):
    scores, design = trial
    gone = scores["participant_id"].isin(["000", "001"]) & (scores["session_id"] != "bl")
    inputs = inputs_of(scores[~gone], design)
    change, whole = (record.run(inputs).fit.n_participants for record in (MMRM, CONSTRAINED))
    assert whole == 60
    assert change == scores.loc[~gone & (scores["session_id"] != "bl"), "participant_id"].nunique()


def test_people_of_an_average_have_any_later_visit(inputs):
    fit = fit_changes(inputs.changes, inputs.design)
    own = inputs.changes[inputs.changes["arm"] == "HRT"]
    n = own["participant_id"].nunique()
    assert people_of(fit, ("HRT",), "average over visits") == (n, n)
    assert people_of(fit, ("HRT",), "2 years") == (n, (own["visit"] == "2 years").sum())


def test_contrasts_of_equal_arms_with_one_control_are_correlated_by_a_half(
    make_trial, make_options, inputs_of
):
    scores, allocation = make_trial(n=180, missing=0.0)
    design = TrialDesign.from_options(make_options(strata=[], score_covariates=[]), allocation)
    changes = inputs_of(scores, design).changes
    fit = fit_changes(changes, design, covariates=(), covariance_by_arm=False)
    found = contrast_correlation(fit, ("MIT", "HRT"), "1 year")
    np.testing.assert_allclose(found, [[1.0, 0.5], [0.5, 1.0]], atol=1e-9)


def test_set_that_the_trial_does_not_have_is_nothing_to_do(inputs):
    with pytest.raises(NothingToDo, match="per_protocol"):
        PER_PROTOCOL_ONLY.run(inputs)
