"""The page says what was done, although the study file was changed since."""

from __future__ import annotations

import json

import pytest

from brainage.config import load_study
from brainage.errors import StageError
from brainage.stages.as_it_ran import STAGES, as_it_ran
from brainage.stages.report import gather


def test_methods_are_of_the_run_and_not_of_the_file(copy_of_finished):
    path = copy_of_finished / "study.yaml"
    before = gather(load_study(path))
    changed = [
        "science.clock.estimator=svr",
        "science.clock.bias_correction=none",
        "science.trial.multiplicity=none",
    ]
    after = gather(load_study(path, overrides=changed))
    assert after.methods == before.methods
    assert after.references == before.references
    assert after.config == before.config
    assert "ridge regression" in " ".join(after.methods)


def test_choices_of_another_version_are_named(copy_of_finished):
    path = copy_of_finished / "out" / "train" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["options"]["clock"]["unheard_of"] = 1
    path.write_text(json.dumps(manifest))
    with pytest.raises(StageError, match="another version of brainage"):
        as_it_ran(load_study(copy_of_finished / "study.yaml"))


def test_a_study_that_was_not_run_has_nothing_on_record(copy_of_finished):
    study = load_study(copy_of_finished / "study.yaml", overrides=["paths.output=elsewhere"])
    assert as_it_ran(study)[1] == frozenset()
    assert {"extract", "features", "train", "compare"} == STAGES
