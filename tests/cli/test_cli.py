"""The command line: exit codes, messages, JSON."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED, main
from brainage.cli.screen import Screen
from brainage.imaging import write_nifti


def test_init_writes_a_study_that_check_understands(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    assert main(["init", str(path)]) == DONE
    assert json.loads((tmp_path / "study.schema.json").read_text())["title"] == "StudyConfig"
    assert main(["init", str(path)]) == BAD_INPUT
    assert "is there already" in capsys.readouterr().err


def test_check_computes_nothing_and_names_what_is_not_there(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    main(["init", str(path), "--quiet"])
    assert main(["check", str(path)]) == BAD_INPUT
    told = capsys.readouterr().out
    assert "reference/derivatives/fmriprep" in told
    assert {p.name for p in tmp_path.iterdir()} == {"study.yaml", "study.schema.json"}


def test_a_config_typo_is_exit_code_2_with_a_suggestion(tmp_path, capsys):
    (tmp_path / "s.yaml").write_text("science:\n  clok: {}\n")
    assert main(["train", str(tmp_path / "s.yaml")]) == BAD_INPUT
    assert "line 2: science.clok: unknown key. Did you mean 'clock'?" in capsys.readouterr().err


def test_a_stage_without_its_input_says_which_command_makes_it(tmp_path, capsys):
    (tmp_path / "s.yaml").write_text("paths: {output: out}\n")
    assert main(["train", str(tmp_path / "s.yaml")]) == BAD_INPUT
    assert "Run `brainage extract` first" in capsys.readouterr().err


def test_power_prints_a_size_and_json(capsys):
    arguments = ["power", "--effect-years", "-2", "--sd-years", "5", "--icc", "0.7"]
    assert main(arguments) == DONE
    assert main([*arguments, "--json"]) == DONE
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{\n") :])["power"]


@pytest.mark.parametrize("shard", ["0/3", "4/3", "x"])
def test_a_bad_shard_is_refused(tmp_path, capsys, shard):
    (tmp_path / "s.yaml").write_text("paths: {reference: {scans: x}}\n")
    assert main(["extract", str(tmp_path / "s.yaml"), "--shard", shard]) == BAD_INPUT
    assert "expected K/N" in capsys.readouterr().err


def test_an_unknown_verb_is_refused():
    with pytest.raises(SystemExit) as stopped:
        main(["trian"])
    assert stopped.value.code == BAD_INPUT


@pytest.fixture
def study_file(tmp_path):
    """Twelve people's series made elsewhere, one person without an age; a study that trains."""
    rng = np.random.default_rng(0)
    ages = [str(20 + 5 * i) for i in range(11)] + ["n/a"]
    for i in range(12):
        values = pd.DataFrame(rng.standard_normal((60, 5)), columns=list("abcde"))
        values["a"] += 0.2 * i * values["b"]
        values.to_csv(tmp_path / f"sub-{i:02d}_atlas-toy_timeseries.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": [f"{i:02d}" for i in range(12)], "age": ages})
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    path = tmp_path / "study.yaml"
    path.write_text(
        "paths: {output: out, reference: {series: ., participants: people.tsv}}\n"
        "run: {n_jobs: 1}\nscience:\n"
        "  clock: {networks: false, validation: {n_folds: 4, n_bootstrap: 20}}\n"
    )
    return path


def strict_json(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_someone_without_an_age_is_named_and_the_others_are_trained_on(study_file, capsys):
    assert main(["train", str(study_file)]) == SOME_FAILED
    out = capsys.readouterr().out
    assert "no age in the people table" in out
    assert main(["train", str(study_file), "--json"]) == SOME_FAILED
    told = capsys.readouterr()
    assert strict_json(told.out)["left_out"][0]["participant_id"] == "11"
    assert main(["train", str(study_file), "--quiet"]) == SOME_FAILED
    told = capsys.readouterr()
    assert told.out == ""
    assert "without a row or an age" in told.err


def test_check_tells_what_costs_a_scan_from_what_ends_a_stage(study_file, capsys):
    assert main(["check", str(study_file), "--quiet"]) == SOME_FAILED
    assert "sub-11 ses-n/a: no age" in capsys.readouterr().err
    missing = ["--set", f"paths.reference.participants={study_file.parent / 'gone.tsv'}"]
    assert main(["check", str(study_file), "--json", *missing]) == BAD_INPUT
    assert "gone.tsv: no such file" in strict_json(capsys.readouterr().out)["stops"][0]


def test_a_fault_of_the_disk_is_no_bug_of_ours(study_file, capsys):
    (study_file.parent / "file").write_text("")
    output = ["--set", f"paths.output={study_file.parent / 'file' / 'out'}"]
    assert main(["train", str(study_file), *output]) == BAD_INPUT
    told = capsys.readouterr().err
    assert "Not a directory" in told
    assert "bug" not in told


def test_an_override_is_named_as_the_place_of_its_own_mistake(study_file, capsys):
    assert main(["train", str(study_file), "--set", "science.clok=1"]) == BAD_INPUT
    assert "--set: science.clok: unknown key. Did you mean 'clock'?" in capsys.readouterr().err


def test_verbose_shows_where_an_error_came_from(tmp_path, capsys):
    assert main(["train", str(tmp_path / "gone.yaml"), "-v"]) == BAD_INPUT
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.rstrip().endswith("no such file. `brainage init` writes one.")


def test_a_verb_on_a_synthetic_study_without_data_says_what_makes_them(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["extract", "demo_tiny"]) == BAD_INPUT
    assert "`brainage run` makes them" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_numbers_are_null_in_json(capsys):
    Screen(as_json=True).result(
        {"a": np.float64("nan"), "b": np.int64(3), "c": [np.bool_(True)], "d": pd.NA, "e": "n/a"}
    )
    found = strict_json(capsys.readouterr().out)
    assert found == {"a": None, "b": 3, "c": [True], "d": None, "e": "n/a"}


@pytest.fixture
def scans_file(tmp_path):
    """A study of one small scan a cohort."""
    rng = np.random.default_rng(0)
    affine = np.diag([10.0, 10.0, 10.0, 1.0])
    write_nifti(tmp_path / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % 4, affine)
    for name in ("R1", "T1"):
        data = 1000 + 50 * rng.standard_normal((5, 5, 5, 80))
        write_nifti(tmp_path / f"{name}.nii.gz", data, affine, t_r_s=2.0)
        (tmp_path / f"{name}.tsv").write_text(f"path\tparticipant_id\n{name}.nii.gz\t{name}\n")
    path = tmp_path / "study.yaml"
    path.write_text(
        "paths: {output: out, reference: {scans: R1.tsv}, trial: {scans: T1.tsv}}\n"
        "run: {n_jobs: 1}\nscience:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  cleaning: {strategy: none}\n"
    )
    return path


def test_a_participant_is_found_in_whichever_cohort_has_them(scans_file, capsys):
    assert main(["extract", str(scans_file), "--participant", "sub-T1", "--json"]) == DONE
    assert strict_json(capsys.readouterr().out)["trial"]["done"] == 1
    assert not list((scans_file.parent / "out" / "extract").glob("reference/sub-*"))
    assert main(["extract", str(scans_file), "--participant", "X9"]) == BAD_INPUT
    assert "no scans of X9 in the cohort(s) reference, trial" in capsys.readouterr().err


def test_collecting_and_extracting_a_part_exclude_each_other(scans_file, capsys):
    assert main(["extract", str(scans_file), "--collect", "--shard", "1/2"]) == BAD_INPUT
    assert "--collect: expected alone" in capsys.readouterr().err
    assert not (scans_file.parent / "out").exists()
