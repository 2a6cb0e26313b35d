"""A trial whose choices contradict one another is refused before anything is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brainage.trial.design.join import join_scores


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


def test_dose_without_its_column_is_refused(make_options):
    with pytest.raises(ValidationError, match="dose_column, since dose is given"):
        make_options(dose={})
