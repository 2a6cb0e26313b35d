"""The example clock that comes with the package loads, says what it is, and scores."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.clock import BrainClock, find_clock_file, packaged_clocks
from brainage.config import load_study
from brainage.errors import ClockFileError

NAME = "lemon_schaefer200"


def test_the_card_tells_source_licence_and_limits():
    card = BrainClock.load(find_clock_file(NAME)).card()
    for words in ("ds000221", "CC0", "cite it", "Not for clinical use", "five years"):
        assert words in card["source"]
    assert card["participants' data in the file"].startswith("none")


def test_the_file_holds_nobodys_id():
    content = packaged_clocks()[NAME].read_bytes()
    assert b"03230" not in content
    # Of participants it speaks where it says that it holds none, and in the names of measures.
    left = content.lower()
    for words in (b"participants' data", b"participants_change", b"participants_baseline"):
        left = left.replace(words, b"")
    assert b"participant" not in left


def test_a_name_that_is_no_clock_is_told_the_packaged_ones():
    with pytest.raises(ClockFileError, match="Did you mean 'lemon_schaefer200'"):
        find_clock_file("lemon_schaefer20")


def test_list_and_show_know_the_clock_by_its_name(capsys):
    assert main(["clock", "list"]) == DONE
    assert NAME in capsys.readouterr().out
    assert main(["clock", "show", NAME, "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["atlas"] == "schaefer200, 200 parcels"
    assert main(["clock", "show", "nothing"]) == BAD_INPUT


def test_a_lab_without_a_reference_scores_its_matrices_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = BrainClock.load(find_clock_file(NAME)).specs[0].parcel_names
    rng = np.random.default_rng(0)
    stack = [np.corrcoef(rng.normal(size=(200, 300))) for _ in range(3)]
    edges = np.triu_indices(200, 1)
    np.savez("m.npz", values=[matrix[edges] for matrix in stack], ids=["1", "2", "3"])
    (tmp_path / "parcels.tsv").write_text("name\n" + "\n".join(names) + "\n")
    (tmp_path / "p.tsv").write_text("participant_id\tage\n1\t30\n2\t40\n3\t50\n")
    study = tmp_path / "study.yaml"
    study.write_text(
        f"""
paths:
  clock: {NAME}
  trial:
    {{matrices: m.npz, matrix_values: pearson, triangle: upper, parcels: parcels.tsv,
      atlas: schaefer200, participants: p.tsv}}
"""
    )
    assert load_study(study).paths.clock.endswith(f"{NAME}.clock")
    assert main(["score", str(study)]) == DONE
    scores = pd.read_csv(tmp_path / "out" / "score" / "scores.tsv", sep="\t")
    assert np.isfinite(scores["predicted_age_years"]).all()
