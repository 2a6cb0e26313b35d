"""What the analyses ask for is read; what is not there is left out, or asked for by name."""

from __future__ import annotations

import pytest

from brainage.config import load_study
from brainage.errors import ConfigError
from brainage.stages.trial_inputs import atlas_of, parcel_centres, trial_inputs
from brainage.synthetic import examples
from brainage.trial import TrialOptions


def test_inputs_of_a_finished_study_are_those_that_scored(finished):
    study = load_study(finished / "study.yaml")
    inputs, hashes = trial_inputs(study, study.science.trial)
    assert set(inputs.clocks) == {"whole_brain"}
    assert hashes["clock whole_brain"] == inputs.clocks["whole_brain"]["clock_id"]
    assert inputs.features.rows["participant_id"].nunique() == 21
    assert inputs.outcomes is None
    again = trial_inputs(study, study.science.trial)[1]
    assert again == hashes


def test_outcomes_that_an_analysis_names_need_a_table(finished):
    study = load_study(finished / "study.yaml")
    asked = {"association": {"outcomes": ["strength"]}}
    options = TrialOptions.model_validate(study.science.trial.model_dump() | asked)
    with pytest.raises(ConfigError, match=r"paths\.outcomes: expected a table .* strength"):
        trial_inputs(study, options)


def test_atlas_of_other_parcels_gives_no_places(finished):
    study = load_study(finished / "study.yaml")
    atlas, why_not = atlas_of(study, examples.features())
    assert atlas is None
    assert why_not
    assert parcel_centres(study, examples.features()) is None
