"""Parts of a study's scans are cut before any filter where the images are there."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.clock import LENGTH_CUTS
from brainage.config import CohortPaths, load_study
from brainage.connectivity import (
    Cut,
    build_features,
    build_half_features,
    cut_cleaned,
    read_run,
)
from brainage.stages.cohorts import cohort_people, stage_folder
from brainage.stages.cutting import AFTER_FILTERING, BEFORE_FILTERING, how_to_cut
from brainage.stages.extract import extract_cohort
from brainage.stages.features import cohort_series
from brainage.stages.half_scans import with_half_scans
from brainage.stages.synthesize import synthesize
from brainage.stages.trial_efficiency import scan_parts

IMAGES = """\
extends: fisher_z_ridge
paths: {output: out}
run: {n_jobs: 1}
science:
  cleaning: {strategy: 24P}
synthetic:
  depth: nifti
  n_parcels: 20
  n_volumes: 90
  t_r_s: 3.0
  nifti: {grid_mm: 10.0}
  reference: {n: 2, n_sites: 1}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Extract two small images."""
    path = tmp_path_factory.mktemp("images") / "study.yaml"
    path.write_text(IMAGES)
    made = load_study(path)
    synthesize(made)
    extract_cohort(made, "reference")
    return made


def test_parts_of_images_are_cut_before_they_are_filtered(study):
    cutter, words = how_to_cut(study, "reference")
    assert words == BEFORE_FILTERING
    file = cohort_series(study, "reference")[0]
    whole = read_run(file)
    everything, half = cutter(file, [Cut("all", "contiguous", 1.0), Cut("h", "contiguous", 0.5)])
    np.testing.assert_allclose(everything.values, whole.values, rtol=1e-6, atol=1e-6)
    assert len(half.values) == round(0.5 * len(whole.values))
    # A filter over the whole run carries its second half into the first.
    assert np.nanmax(np.abs(half.values - whole.values[: len(half.values)])) > 0.05
    assert len(cutter(file, LENGTH_CUTS)) == len(LENGTH_CUTS)


def test_halves_of_images_are_cut_before_they_are_filtered(study, tmp_path):
    series, people = cohort_series(study, "reference"), cohort_people(study, "reference")
    features = build_features(series, people, kinds=("fisher_z",))
    after = build_half_features(series, people, features, views=("fisher_z",))
    with scan_parts(study, features, views=("fisher_z",), folder=tmp_path) as parts:
        before = {"first": parts.halves.first["fisher_z"].copy(), "cut": parts.halves.cut}
    assert before["cut"] == BEFORE_FILTERING
    assert np.nanmax(np.abs(before["first"] - after.first["fisher_z"])) > 0.01
    halved = study.science.clock.model_copy(update={"half_scans": "half_weight"})
    with with_half_scans(study, features, folder=tmp_path, clocks=[halved]) as table:
        trained_on = table.halves
        assert trained_on.cut == BEFORE_FILTERING
        np.testing.assert_allclose(trained_on.first["fisher_z"], before["first"], rtol=1e-6)
        # Halves that a clock was trained on are not made a second time.
        with scan_parts(study, table, views=("fisher_z",), folder=tmp_path) as parts:
            assert parts.halves is trained_on
    assert list(tmp_path.iterdir()) == []


def test_series_made_elsewhere_are_cut_after_filtering(study):
    reference = CohortPaths(series=str(stage_folder(study, "extract") / "reference"))
    paths = study.paths.model_copy(update={"reference": reference})
    cutter, words = how_to_cut(study.model_copy(update={"paths": paths}), "reference")
    assert cutter is cut_cleaned
    assert words.startswith(AFTER_FILTERING)
