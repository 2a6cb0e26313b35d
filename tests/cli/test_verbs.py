"""Verbs of the stages: who is worked on, and what was left out."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED, main
from brainage.imaging import write_nifti


def test_a_stage_without_its_input_says_which_command_makes_it(tmp_path, capsys):
    (tmp_path / "s.yaml").write_text("paths: {output: out}\n")
    assert main(["train", str(tmp_path / "s.yaml")]) == BAD_INPUT
    assert "Run `brainage extract` first" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/3", "4/3", "x"])
def test_a_bad_shard_is_refused(tmp_path, capsys, shard):
    (tmp_path / "s.yaml").write_text("paths: {reference: {scans: x}}\n")
    assert main(["extract", str(tmp_path / "s.yaml"), "--shard", shard]) == BAD_INPUT
    assert "expected K/N" in capsys.readouterr().err


def test_someone_without_an_age_is_named_and_the_others_are_trained_on(
    study_file, capsys, strict_json
):
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
        "extends: fisher_z_ridge\n"
        "paths: {output: out, reference: {scans: R1.tsv}, trial: {scans: T1.tsv}}\n"
        "run: {n_jobs: 1}\nscience:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  cleaning: {strategy: none}\n"
    )
    return path


def test_a_participant_is_found_in_whichever_cohort_has_them(scans_file, capsys, strict_json):
    assert main(["extract", str(scans_file), "--participant", "sub-T1", "--json"]) == DONE
    assert strict_json(capsys.readouterr().out)["trial"]["done"] == 1
    assert not list((scans_file.parent / "out" / "extract").glob("reference/sub-*"))
    assert main(["extract", str(scans_file), "--participant", "X9"]) == BAD_INPUT
    assert "no scans of X9 in the cohort(s) reference, trial" in capsys.readouterr().err


def test_collecting_and_extracting_a_part_exclude_each_other(scans_file, capsys):
    assert main(["extract", str(scans_file), "--collect", "--shard", "1/2"]) == BAD_INPUT
    assert "--collect: expected alone" in capsys.readouterr().err
    assert not (scans_file.parent / "out").exists()
