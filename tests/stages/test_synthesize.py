"""A synthetic study's data: made once, and only of what the study file says."""

from __future__ import annotations

import pytest

from brainage.config import load_study, study_from_mapping
from brainage.errors import ConfigError
from brainage.stages.synthesize import synthesize, what_to_make


def test_study_without_the_section_makes_nothing():
    with pytest.raises(ConfigError, match="expected what data to make"):
        what_to_make(study_from_mapping({}))


def test_data_that_are_there_are_kept_and_a_lost_series_is_made_again_alike(copy_of_finished):
    study = load_study(copy_of_finished / "study.yaml")
    data = copy_of_finished / "out" / "data"
    series = sorted(data.rglob("*_timeseries.tsv"))
    gone, content = series[0], series[0].read_bytes()
    times = {path: path.stat().st_mtime_ns for path in series[1:]}
    gone.unlink()
    made = synthesize(study)
    assert made.folder == data
    assert gone.read_bytes() == content
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert any("30" in line for line in made.lines)
