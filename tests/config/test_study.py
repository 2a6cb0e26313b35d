"""A study file: presets, overrides, and every problem at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainage.config import load_study, load_sweep, study_schema, study_template, study_yaml
from brainage.errors import ConfigError
from brainage.files import configs_folder

STUDY = """\
extends: recommended
title: test
paths:
  output: out
  reference: {series: ref, participants: ref/participants.tsv}
science:
  seed: 3
"""


@pytest.fixture
def study_file(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_relative_paths_are_relative_to_the_study_file(study_file):
    study = load_study(study_file)
    assert study.paths.output == str(study_file.parent / "out")
    assert study.paths.reference.series == str(study_file.parent / "ref")


def test_an_override_equals_the_same_key_in_the_file(study_file):
    changed = load_study(study_file, overrides=["science.clock.svr_c=[0.5]", "science.seed=9"])
    text = STUDY.replace("seed: 3", "seed: 9\n  clock: {svr_c: [0.5]}")
    study_file.write_text(text)
    assert load_study(study_file) == changed


def test_a_preset_can_be_switched_from_the_command_line(study_file):
    study = load_study(study_file, overrides=["extends=lisa_like"])
    assert study.science.clock.estimator == "svr"
    assert study.science.clock.ensemble
    assert study.science.seed == 3


def test_all_problems_are_told_at_once_with_line_and_hint(study_file):
    study_file.write_text(
        STUDY + "  clock:\n    estmator: ridge\n    svr_epsilon: 1e-3\n    networks: no\n"
        "  atlas: {name: 7}\n  connectivity: {kinds: [fisherz]}\nrun: {n_jobs: 0}\n"
    )
    with pytest.raises(ConfigError) as told:
        load_study(study_file)
    message = str(told.value)
    for words in (
        "study.yaml line 9: science.clock.estmator: unknown key. Did you mean 'estimator'?",
        "science.clock.svr_epsilon: expected a number, found the text '1e-3'. YAML reads 1e-3 as "
        "text: write 1.0e-3.",
        "science.clock.networks: YAML reads no as a truth value",
        "science.atlas.name: expected text, found 7. Write it in quotes",
        "science.connectivity.kinds.0: expected one of",
        "Did you mean 'fisher_z'?",
        "run.n_jobs: expected a number at least 1, found 0",
    ):
        assert words in message, message
    assert "6 problem(s)" in message


def test_an_override_goes_through_the_same_validation(study_file):
    with pytest.raises(ConfigError, match=r"science\.clock\.estimater: unknown key"):
        load_study(study_file, overrides=["science.clock.estimater=svr"])
    with pytest.raises(ConfigError, match="expected section.key=value"):
        load_study(study_file, overrides=["science.seed"])


def test_a_view_that_is_not_computed_is_refused(study_file):
    old = "extends=fisher_z_ridge"
    with pytest.raises(ConfigError, match=r"views \['pearson'\] to be among"):
        load_study(study_file, overrides=[old, "science.clock.views=[pearson]"])


def test_another_view_than_the_defaults_is_told_what_else_to_set(study_file):
    with pytest.raises(ConfigError, match=r"set strong_views: \[\] for other views"):
        load_study(study_file, overrides=["science.clock.views=[amplitude]"])
    with pytest.raises(ConfigError, match="extend fisher_z_ridge, or set strong_views"):
        load_study(study_file, overrides=["science.clock.estimator=svr"])


def test_an_unknown_preset_lists_the_known_ones(study_file):
    with pytest.raises(ConfigError, match="recommended"):
        load_study(study_file, overrides=["extends=recomended"])


def test_scans_and_series_together_are_refused(study_file):
    with pytest.raises(ConfigError, match="'matrices', not scans and series"):
        load_study(study_file, overrides=["paths.reference.scans=x"])


@pytest.mark.parametrize(
    "path", sorted(configs_folder().glob("*.yaml")), ids=lambda path: Path(path).stem
)
def test_every_packaged_study_file_is_valid(path):
    (load_sweep if "sweep" in path.stem else load_study)(path)


def test_the_template_of_every_preset_is_valid(tmp_path):
    presets = (
        "recommended",
        "recommended_matrices",
        "fisher_z_ridge",
        "lisa_like",
        "lisa_like_linear",
        "levakov2023",
    )
    for preset in presets:
        (tmp_path / "s.yaml").write_text(study_template(preset))
        study = load_study(tmp_path / "s.yaml")
        assert study.science.trial.control_arm == "CON"


def test_the_default_study_is_the_recommended_one(tmp_path):
    (tmp_path / "a.yaml").write_text("{}\n")
    (tmp_path / "b.yaml").write_text("extends: recommended\n")
    assert load_study(tmp_path / "a.yaml") == load_study(tmp_path / "b.yaml")


def test_a_studys_own_text_gives_the_same_study_whatever_its_clock(tmp_path):
    for preset in ("recommended", "fisher_z_ridge", "lisa_like"):
        study = load_study(preset)
        (tmp_path / "s.yaml").write_text(study_yaml(study))
        assert load_study(tmp_path / "s.yaml").science == study.science


def test_the_trials_ages_come_as_a_pair_the_youngest_first(study_file):
    study = load_study(study_file, overrides=["science.evaluation.trial_ages_years=[62, 70]"])
    assert study.science.evaluation.trial_ages_years == (62.0, 70.0)
    with pytest.raises(ConfigError, match="the youngest first"):
        load_study(study_file, overrides=["science.evaluation.trial_ages_years=[70, 62]"])


def test_every_inferred_line_of_lisa_like_says_so():
    for name in ("lisa_like", "lisa_like_linear"):
        text = (configs_folder() / f"{name}.yaml").read_text()
        chosen = [line for line in text.splitlines() if ": " in line and not line.startswith("#")]
        structure = ("views:", "extends:")
        silent = [
            line
            for line in chosen
            if "inferred" not in line and not line.strip().startswith(structure)
        ]
        assert all(
            line.strip().split(":")[0] in ("n_folds", "n_repeats", "inner_folds") for line in silent
        )


def test_the_schema_names_every_section_and_refuses_unknown_keys():
    schema = study_schema()
    assert set(schema["properties"]) >= {"science", "paths", "run"}
    assert schema["additionalProperties"] is False
    json.dumps(schema)


def test_a_rule_on_a_whole_section_names_its_keys_and_does_not_show_the_section(study_file):
    with pytest.raises(ConfigError) as told:
        load_study(
            study_file,
            overrides=[
                "paths.reference.scans=x",
                "science.trial={arms: [CON, MIT], control_arm: PLACEBO, "
                "visits: [{label: b, session_id: b, nominal_years: 0}, {label: y, session_id: y, "
                "nominal_years: 1}], primary_visit: y}",
            ],
        )
    message = str(told.value)
    assert "control arm first in arms (found control_arm 'PLACEBO'" in message
    assert "found {" not in message


def test_a_rule_on_the_whole_file_has_no_empty_key(study_file):
    overrides = ["extends=fisher_z_ridge", "science.clock.views=[pearson]"]
    with pytest.raises(ConfigError, match=r"study\.yaml: expected science\.clock\.views"):
        load_study(study_file, overrides=overrides)


def test_paths_of_the_command_line_start_at_the_current_folder(study_file, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    study = load_study(
        study_file,
        overrides=["paths.output=new", "science.atlas.path=a.nii", "paths.trial={series: s}"],
    )
    assert study.paths.output == str(tmp_path / "elsewhere" / "new")
    assert study.science.atlas.path == str(tmp_path / "elsewhere" / "a.nii")
    assert study.paths.trial.series == str(tmp_path / "elsewhere" / "s")
    assert study.paths.reference.series == str(tmp_path / "ref")


def test_a_packaged_study_writes_where_it_is_called_and_never_into_the_package(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert load_study("lisa_twin").paths.output == str(tmp_path / "brainage-lisa-twin")


def test_a_folder_called_like_a_packaged_study_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_study("demo").synthetic is not None


def test_a_strategy_file_is_found_from_the_study_file(study_file, tmp_path):
    text = STUDY + "  cleaning: {strategy: mine.toml}\n"
    study_file.write_text(text)
    assert load_study(study_file).science.cleaning.strategy == str(tmp_path / "mine.toml")


def test_an_atlas_beside_scans_is_refused_because_nobody_would_read_it(study_file):
    with pytest.raises(ConfigError, match="'atlas' only with 'series'"):
        load_study(study_file, overrides=["paths.trial={scans: x, atlas: Gordon}"])


def test_atlases_of_a_sweep_are_found_from_its_file(tmp_path):
    (tmp_path / "s.yaml").write_text("sweep: {atlases: [{name: a, path: a.nii}]}\n")
    (atlas,) = load_sweep(tmp_path / "s.yaml").sweep.atlases
    assert atlas.path == str(tmp_path / "a.nii")


@pytest.mark.parametrize(
    "text",
    [
        "paths: {output: ~nobody_here/out}\n",
        "extends: {a: 1}\n",
        "extends: [recommended]\n",
        "extends: parent.yaml\n",
        "run: {n_jobs: 100000}\n",
    ],
)
def test_paths_and_presets_that_cannot_be_are_told_as_such(tmp_path, text):
    (tmp_path / "parent.yaml").write_text("extends: {a: 1}\n")
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load_study(tmp_path / "s.yaml")


def test_a_path_of_nobodys_home_is_told_in_an_override_too(study_file):
    with pytest.raises(ConfigError, match="is no path here"):
        load_study(study_file, overrides=["paths.scores=~nobody_here/x.tsv"])
