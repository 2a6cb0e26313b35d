"""The command line: exit codes, messages, JSON."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, main
from brainage.cli.screen import Screen


def test_a_config_typo_is_exit_code_2_with_a_suggestion(tmp_path, capsys):
    (tmp_path / "s.yaml").write_text("science:\n  clok: {}\n")
    assert main(["train", str(tmp_path / "s.yaml")]) == BAD_INPUT
    assert "line 2: science.clok: unknown key. Did you mean 'clock'?" in capsys.readouterr().err


def test_an_unknown_verb_is_refused():
    with pytest.raises(SystemExit) as stopped:
        main(["trian"])
    assert stopped.value.code == BAD_INPUT


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


@pytest.mark.parametrize("verb", ["check", "run"])
def test_names_that_no_extraction_would_find_are_told_before_data_are_made(
    tmp_path, capsys, monkeypatch, verb
):
    monkeypatch.chdir(tmp_path)
    wrong = {"cleaning.strategy": "36p+scrubb", "atlas.name": "schaeffer200"}
    sets = [f"--set=science.{key}={value}" for key, value in wrong.items()]
    assert main([verb, "demo_tiny", *sets]) == BAD_INPUT
    told = capsys.readouterr()
    assert "Did you mean '36P+scrub'?" in told.out + told.err
    assert "Did you mean 'schaefer200'?" in told.out + told.err
    assert list(tmp_path.iterdir()) == []


def test_missing_numbers_are_null_in_json(capsys, strict_json):
    Screen(as_json=True).result(
        {"a": np.float64("nan"), "b": np.int64(3), "c": [np.bool_(True)], "d": pd.NA, "e": "n/a"}
    )
    found = strict_json(capsys.readouterr().out)
    assert found == {"a": None, "b": 3, "c": [True], "d": None, "e": "n/a"}
