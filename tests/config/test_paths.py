"""Paths of a study: absolute from the study file on, one source a cohort."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from brainage.config import CohortPaths, PathsSection
from brainage.config.paths import with_files, with_packaged_clock


def test_relative_files_start_at_the_study_and_none_stays_none(tmp_path):
    paths = with_files(PathsSection(allocation="arms.tsv"), ("allocation", "dates"), tmp_path)
    assert paths.allocation == str(tmp_path / "arms.tsv")
    assert paths.dates is None


def test_a_cohort_has_one_source():
    with pytest.raises(ValidationError, match="one of 'scans', 'series' and 'matrices'"):
        CohortPaths(scans="a", series="b")
    with pytest.raises(ValidationError, match="'triangle' only with 'matrices'"):
        CohortPaths(series="b", triangle="upper")


def test_the_name_of_a_packaged_clock_is_its_file_unless_one_lies_there(tmp_path):
    named = PathsSection(clock="lemon_schaefer200")
    assert Path(with_packaged_clock(named, tmp_path).clock).is_file()
    (tmp_path / "lemon_schaefer200").mkdir()
    assert with_packaged_clock(named, tmp_path).clock == "lemon_schaefer200"
