"""A sweep is a study with alternatives."""

from __future__ import annotations

import pytest

from brainage.config import is_sweep, load_sweep
from brainage.errors import ConfigError


def test_a_study_with_a_section_sweep_is_one_and_its_atlases_are_files(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "sweep:\n  choices: {estimator: [ridge, svr]}\n  atlases: [{name: own, path: own.nii}]\n"
    )
    assert is_sweep(file)
    sweep = load_sweep(file).sweep
    assert sweep.choices == {"estimator": ["ridge", "svr"]}
    assert sweep.atlases[0].path == str(tmp_path / "own.nii")


def test_a_misspelt_key_of_a_sweep_is_refused_with_its_name(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("sweep:\n  choises: {}\n")
    with pytest.raises(ConfigError, match="Did you mean 'choices'"):
        load_sweep(file)
