"""Where a cohort's people and series are is what the study file says."""

from __future__ import annotations

import pytest

from brainage.config import study_from_mapping
from brainage.errors import ConfigError
from brainage.stages.cohorts import (
    cohort_people,
    extraction_summary,
    has_cohort,
    series_folder,
    stage_folder,
    trains,
)


def study_of(base, **paths):
    return study_from_mapping({"paths": {"output": "out"} | paths}, base=base)


def test_extracted_series_lie_in_the_output_and_others_where_they_are(tmp_path):
    study = study_of(tmp_path, reference={"scans": "bids"}, trial={"series": "xcpd"})
    assert series_folder(study, "reference") == stage_folder(study, "extract") / "reference"
    assert series_folder(study, "trial") == tmp_path / "xcpd"
    assert not has_cohort(study, "external")


def test_an_extraction_counts_only_where_its_series_are_used(tmp_path):
    folder = tmp_path / "out" / "extract" / "trial"
    folder.mkdir(parents=True)
    (folder / "scans.tsv").touch()
    assert extraction_summary(study_of(tmp_path, trial={"scans": "bids"}), "trial") is not None
    assert extraction_summary(study_of(tmp_path, trial={"series": "x"}), "trial") is None


def test_a_study_with_a_clock_or_scores_alone_trains_none(tmp_path):
    assert trains(study_of(tmp_path, reference={"series": "x"}))
    assert not trains(study_of(tmp_path, reference={"series": "x"}, clock="a.clock"))
    assert not trains(study_of(tmp_path, scores="scores.tsv"))


def test_a_cohort_without_a_table_of_people_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"paths\.trial\.participants"):
        cohort_people(study_of(tmp_path, trial={"series": "x"}), "trial")
