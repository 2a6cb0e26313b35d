"""`check --verify` compares a whole output folder with what its stages wrote down."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import load_study
from brainage.errors import StageError
from brainage.stages.verify import verify


def change(path):
    """Change one digit or byte, keeping the length."""
    if path.suffix == ".npy":
        values = np.load(path, mmap_mode="r+")
        values[0, 0] += 1
        values.flush()
        return
    text = path.read_text()
    where = next(i for i, character in enumerate(text) if i > len(text) // 2 and character in "123")
    path.write_text(text[:where] + "9" + text[where + 1 :])


def test_an_untouched_output_verifies_and_every_changed_file_is_named(copy_of_finished, capsys):
    study = load_study(copy_of_finished / "study.yaml")
    whole = verify(study)
    assert whole.problems == ()
    assert whole.n_files > 15
    out = copy_of_finished / "out"
    changed = [
        out / "score" / "scores.tsv",
        out / "compare" / "results" / "contrasts.tsv",
        out / "train" / "features" / "fisher_z.npy",
        out / "train" / "cross_validation.tsv",
    ]
    for path in changed:
        change(path)
    told = verify(study).problems
    assert {problem.split(":")[0] for problem in told} == set(map(str, changed))
    assert main(["check", str(copy_of_finished / "study.yaml"), "--verify"]) == BAD_INPUT
    said = "".join(capsys.readouterr())
    assert "scores.tsv: changed since `brainage score` wrote it" in said
    assert "next: make again what differs" in said


def test_verify_on_the_command_line_says_how_many_files_it_compared(finished, capsys):
    assert main(["check", str(finished / "study.yaml"), "--verify"]) == DONE
    said = capsys.readouterr().out
    assert "differ" in said
    assert "next: brainage run" in said


def test_an_output_that_is_not_there_is_told(tmp_path):
    (tmp_path / "study.yaml").write_text("title: none\n")
    with pytest.raises(StageError, match="no output there"):
        verify(load_study(tmp_path / "study.yaml"))


@pytest.mark.parametrize("verb", ["compare", "report", "run"])
def test_no_verb_goes_on_from_scores_that_were_changed(copy_of_finished, capsys, verb):
    scores = copy_of_finished / "out" / "score" / "scores.tsv"
    change(scores)
    before = scores.read_bytes()
    assert main([verb, str(copy_of_finished / "study.yaml")]) == BAD_INPUT
    assert f"{scores}: changed since `brainage score`" in capsys.readouterr().err
    assert scores.read_bytes() == before
