"""The command line: exit codes, messages, JSON."""

from __future__ import annotations

import json

import pytest

from brainage.cli import BAD_INPUT, DONE, main


def test_init_writes_a_study_that_check_understands(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    assert main(["init", str(path)]) == DONE
    assert json.loads((tmp_path / "study.schema.json").read_text())["title"] == "StudyConfig"
    assert main(["init", str(path)]) == BAD_INPUT
    assert "is there already" in capsys.readouterr().err


def test_check_computes_nothing_and_names_what_is_not_there(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    main(["init", str(path), "--quiet"])
    assert main(["check", str(path)]) == 1
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
