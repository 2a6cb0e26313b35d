"""Scores are those of the frozen clock on the trial's features, arm unseen."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from brainage.connectivity import FeatureTable
from brainage.errors import ConfigError, FeatureMismatchError
from brainage.stages.score import clock_parcels, gap_lines, score, scored_by_nothing
from brainage.stages.train import study_clocks
from brainage.synthetic import examples


def test_scores_are_what_the_clock_says_of_the_kept_features(study_in, tmp_path):
    study = study_in()
    found = score(study)
    features = FeatureTable.load(tmp_path / "out" / "score" / "features")
    clock = study_clocks(study)["whole_brain"]
    pd.testing.assert_frame_equal(
        found, clock.score(features), check_dtype=False, check_exact=False, rtol=1e-9
    )
    assert gap_lines(study) == {}
    # A clock of 24 people may show nothing; that is kept beside the scores.
    assert scored_by_nothing(study).get("whole_brain", "") == clock.shows_nothing


def test_gaps_freed_on_baselines_need_to_know_the_visits(study_in):
    study = study_in(overrides=["science.clock.gap_freed_of_age_and_sex=baselines"])
    with pytest.raises(ConfigError, match=r"'baselines' needs science\.trial\.visits"):
        score(study)


def test_clocks_of_other_parcels_are_no_clocks_of_one_study():
    clock = examples.clock()
    assert clock_parcels({"whole_brain": clock}) == clock.parcel_names
    others = replace(clock.specs[0], parcel_names=tuple(f"x{name}" for name in clock.parcel_names))
    other = replace(clock, specs=(others,))
    with pytest.raises(FeatureMismatchError, match="do not share one atlas"):
        clock_parcels({"whole_brain": clock, "motor": other})
