"""Verbs beside the stages: init and power."""

from __future__ import annotations

import json

from brainage.cli import BAD_INPUT, DONE, main


def test_init_writes_a_study_that_check_understands(tmp_path, capsys):
    path = tmp_path / "study.yaml"
    assert main(["init", str(path)]) == DONE
    assert json.loads((tmp_path / "study.schema.json").read_text())["title"] == "StudyConfig"
    assert main(["init", str(path)]) == BAD_INPUT
    assert "is there already" in capsys.readouterr().err


def test_power_prints_a_size_and_json(capsys):
    arguments = ["power", "--effect-years", "-2", "--sd-years", "5", "--icc", "0.7"]
    assert main(arguments) == DONE
    assert main([*arguments, "--json"]) == DONE
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{\n") :])["power"]
