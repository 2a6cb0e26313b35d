"""Halves of scans are made where a clock asks for them, and those too short are named."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.connectivity import HalfFeatures
from brainage.errors import StageError
from brainage.stages.half_scans import NOT_HALVED, with_half_scans, write_not_halved
from brainage.synthetic import examples
from brainage.tables import read_table


def test_clock_that_does_not_ask_has_none(tmp_path):
    features = examples.features()
    with with_half_scans(study_from_mapping({}), features, folder=tmp_path) as table:
        assert table is features
    assert list(tmp_path.iterdir()) == []


def test_matrices_cannot_be_cut_and_the_way_out_is_told(tmp_path):
    study = study_from_mapping(
        {
            "paths": {"reference": {"matrices": "m", "participants": "p.tsv"}},
            "science": {"clock": {"half_scans": "half_weight"}},
        }
    )
    asked = with_half_scans(study, examples.features(), folder=tmp_path)
    with pytest.raises(StageError, match="half_weight needs series.*Set half_scans: off"), asked:
        pass


def test_scans_too_short_are_named_and_those_of_an_earlier_training_are_not(tmp_path):
    reasons = pd.DataFrame(
        {"participant_id": ["07"], "session_id": ["n/a"], "reason": ["40 volumes"]}
    )
    features = replace(examples.features(), halves=HalfFeatures({}, {}, reasons))
    path, dictionary = write_not_halved(features, tmp_path)
    assert read_table(path, NOT_HALVED)["reason"].tolist() == ["40 volumes"]
    assert write_not_halved(examples.features(), tmp_path) == []
    assert not path.exists()
    assert not dictionary.exists()
