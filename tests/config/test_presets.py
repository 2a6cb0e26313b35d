"""Presets: the default, what it is for, and the studies it is not mixed into."""

from __future__ import annotations

import pytest

from brainage.config import load_study, study_from_mapping
from brainage.config.presets import default_preset
from brainage.trial.options.questions import LocalOptions


def clock_of(values):
    return study_from_mapping(values).science.clock


def test_a_study_that_chooses_no_clock_gets_the_recommended_one():
    recommended = load_study("recommended").science
    study = study_from_mapping({"paths": {"reference": {"series": "s"}}})
    assert (study.extends, study.science) == ("recommended", recommended)
    own = {"science": {"seed": 4, "clock": {"networks": False}}}
    assert clock_of(own) == recommended.clock.model_copy(update={"networks": False})


def test_a_study_of_matrices_gets_what_matrices_have_of_it():
    of_matrices = load_study("recommended_matrices").science.clock
    assert clock_of({"paths": {"reference": {"matrices": "m"}}}) == of_matrices


@pytest.mark.parametrize(
    "values",
    [
        {"science": {"clock": {"estimator": "ridge"}}},
        {"science": {"clock": {"views": ["fisher_z"]}}},
        {"science": {"connectivity": {"kinds": ["fisher_z"]}}},
        {"paths": {"clock": "reference.clock"}},
        {"paths": {"scores": "scores.tsv"}},
    ],
)
def test_nothing_of_the_default_is_mixed_into_a_clock_that_was_chosen_or_lent(values):
    study = study_from_mapping(values)
    old = load_study("fisher_z_ridge").science
    assert study.extends is None
    assert (study.science.clock, study.science.connectivity, study.science.cleaning) == (
        old.clock,
        old.connectivity,
        old.cleaning,
    )


def test_a_base_file_of_ones_own_that_chooses_no_clock_rests_on_the_default_too(tmp_path):
    (tmp_path / "base.yaml").write_text("title: base\n")
    (tmp_path / "study.yaml").write_text("extends: base.yaml\n")
    study = load_study(tmp_path / "study.yaml")
    assert (study.extends, study.science.clock.estimator) == ("base.yaml", "stacked")
    lent = load_study(tmp_path / "study.yaml", overrides=["science.clock.views=[fisher_z]"])
    assert lent.science.clock.estimator == "ridge"


def test_recommended_stacked_is_today_the_same_clock():
    assert load_study("recommended_stacked").science == load_study("recommended").science


def test_the_default_computes_what_questions_on_local_connectivity_read():
    for name in ("recommended", "recommended_matrices"):
        assert LocalOptions().view in load_study(name).science.connectivity.kinds


def test_published_presets_take_nothing_of_the_default():
    for name in ("levakov2023", "lisa_like", "lisa_like_linear"):
        science = load_study(name).science
        assert science.clock.strong_views == ()
        assert science.cleaning.standardize == "zscore_sample"
        assert len(science.connectivity.kinds) == 1


def test_values_of_no_shape_choose_nothing():
    assert default_preset({"science": 3, "paths": [1]}) == "recommended"
