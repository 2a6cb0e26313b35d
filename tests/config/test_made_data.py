"""A synthetic study knows where its own data are from the moment it is loaded."""

from __future__ import annotations

import pytest

from brainage.config import study_from_mapping
from brainage.synthetic import make_study, tiny_options, write_study

TINY = tiny_options().model_dump(mode="json")


@pytest.mark.parametrize("depth", ["series", "nifti"])
def test_a_loaded_synthetic_study_names_the_files_that_are_written(tmp_path, depth):
    few = {"n": 2, "n_sites": 1}
    arms = [arm | {"n": 1} for arm in TINY["trial"]["arms"]]
    options = TINY | {
        "depth": depth,
        "reference": few,
        "n_parcels": 8,
        "n_volumes": 40,
        "nifti": {"grid_mm": 10.0},
        "trial": TINY["trial"] | {"arms": arms},
    }
    study = study_from_mapping({"synthetic": options}, base=tmp_path)
    write_study(make_study(study.synthetic, seed=0), tmp_path / "out" / "data")
    named = [study.paths.allocation]
    for cohort in (study.paths.reference, study.paths.trial):
        named += [cohort.series or cohort.scans, cohort.participants]
    named.append(study.paths.trial.sessions)
    missing = [path for path in named if not (tmp_path / path).exists()]
    assert not missing
    assert bool(study.paths.trial.scans) == (depth == "nifti")


def test_a_synthetic_study_without_a_trial_names_no_trial(tmp_path):
    study = study_from_mapping({"synthetic": TINY | {"trial": None}}, base=tmp_path)
    assert study.paths.reference.series.endswith("out/data/reference/series")
    assert study.paths.trial.series is None
    assert study.paths.allocation is None
