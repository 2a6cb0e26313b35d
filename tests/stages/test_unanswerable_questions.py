"""Questions that the data cannot answer, asked on the command line: a reason each, never a NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.config import load_study
from brainage.stages.compare import load_comparison

ARMS, SESSIONS, N = ("CON", "MIT", "HRT"), ("bl", "1y", "2y"), 18
PARCELS = pd.DataFrame(
    {
        "name": [f"region {k}" for k in range(6)],
        "network": ["motor"] * 3 + ["pair"] * 2 + ["lone"],
    }
)
STUDY = """
title: unanswerable
paths:
  output: out
  scores: scores.tsv
  allocation: allocation.tsv
  outcomes: outcomes.tsv
  trial:
    matrices: matrices.npz
    matrix_values: pearson
    triangle: upper
    parcels: parcels.tsv
    participants: participants.tsv
    sessions: sessions.tsv
run: {n_jobs: 1}
science:
  trial:
    arms: [CON, MIT, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: bl, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
      - {label: 2 years, session_id: 2y, nominal_years: 2}
    primary_visit: 2 years
    score_covariates: []
    randomization: {n_draws: 99}
    dose_column: sessions
    dose: {}
    association: {outcomes: [strength]}
    networks: {n_draws: 99, n_bootstraps: 200}
    moderators: [{variable: smoker}]
    local:
      levels: [network, parcel]
      regions: [{name: prefrontal, pattern: Frontal}]
      n_draws: 99
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Nobody's sessions are known, one arm has no smoker, strength was not measured at 2 years."""
    folder = tmp_path_factory.mktemp("unanswerable")
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}" for i in range(N)]
    arm = np.resize(ARMS, N)
    smoker = np.where((arm != "HRT") & (np.arange(N) % 2 == 0), "yes", "no")
    people = pd.DataFrame({"participant_id": ids, "arm": arm, "sessions": "n/a", "smoker": smoker})
    _write(people, folder / "allocation.tsv")
    scans = pd.DataFrame(
        {"participant_id": np.repeat(ids, 3), "session_id": np.tile(SESSIONS, N)}
    ).assign(age=66.0 + np.tile(np.arange(3), N))
    _write(
        scans.assign(sex="F")[["participant_id", "sex"]].drop_duplicates(),
        folder / "participants.tsv",
    )
    _write(scans, folder / "sessions.tsv")
    tables = [
        scans.rename(columns={"age": "age_years"}).assign(
            network=name, gap_years=rng.normal(0, 3, len(scans))
        )
        for name in ("whole_brain", "motor")
    ]
    _write(pd.concat(tables), folder / "scores.tsv")
    late = scans["session_id"] == "2y"
    strength = np.where(late, np.nan, rng.normal(50, 8, len(scans)))
    _write(scans.drop(columns="age").assign(strength=strength), folder / "outcomes.tsv")
    _write(PARCELS, folder / "parcels.tsv")
    np.savez(
        folder / "matrices.npz",
        values=rng.uniform(-0.5, 0.5, (len(scans), 15)).astype(np.float32),
        ids=scans["participant_id"].to_numpy(str),
        session=scans["session_id"].to_numpy(str),
    )
    (folder / "study.yaml").write_text(STUDY)
    assert main(["compare", str(folder / "study.yaml"), "--quiet"]) == DONE
    return folder


def _write(table, path):
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")


@pytest.fixture(scope="module")
def compared(study):
    return load_comparison(load_study(study / "study.yaml"))


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        ("dose", "no sessions attended are recorded"),
        ("moderators", "smoker"),
    ],
)
def test_analysis_that_cannot_be_done_is_listed_with_its_reason(compared, analysis, words):
    listed = compared.analyses.set_index("analysis").loc[analysis]
    assert listed["state"] == "not run"
    assert words in listed["reason"]
    assert any(listed["reason"] in note for note in compared.notes)


def test_outcome_missing_at_a_visit_is_a_reason_there_and_a_number_elsewhere(compared):
    rows = compared.tables["association"]
    here = rows[rows["measure"].str.startswith("Pearson")].set_index("visit")
    assert here.loc["1 year", "estimate"].notna().all()
    assert here.loc["2 years", "estimate"].isna().all()
    assert here.loc["2 years", "reads"].str.startswith("not run: ").all()


def test_pattern_that_matches_nothing_is_a_note_with_the_labels_there_are(compared):
    assert "named region" not in set(compared.tables["local"]["level"])
    assert any("'prefrontal': no parcel matches its pattern 'Frontal'" in n for n in compared.notes)


def test_network_of_two_parcels_is_named_and_not_compared(compared):
    assert any("network 'pair' is not compared: it has 2 parcel(s)" in n for n in compared.notes)
    assert "pair" not in set(compared.tables["networks"]["network"])


def test_no_number_is_missing_without_a_reason(compared):
    local = compared.tables["local"]
    empty = local["difference_in_view_units"].isna()
    assert (local["reason"].notna() == empty).all()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--effect-years", "0"], "other than 0"),
        (["--effect-years", "-1", "--drop-out", "1.2"], "drop_out"),
        (["--effect-years", "-1", "--n-per-arm", "1"], "two analysed people"),
        (["--effect-years", "-1", "--icc", "1.5", "--sd-years", "4"], "icc"),
    ],
)
def test_impossible_power_is_bad_input(flags, words, capsys):
    assert main(["power", *flags]) == BAD_INPUT
    assert words in capsys.readouterr().err


def test_scores_of_one_person_twice_give_power_no_noise(tmp_path, capsys):
    rows = [("001", "a", 60.0, 1.0), ("001", "b", 61.0, 2.0), ("002", "a", 60.0, 0.0)]
    names = ["participant_id", "session_id", "age_years", "gap_years"]
    _write(pd.DataFrame(rows, columns=names), tmp_path / "scores.tsv")
    assert main(["power", str(tmp_path / "scores.tsv"), "--effect-years", "-1"]) == BAD_INPUT
    assert "two people" in capsys.readouterr().err


def test_scores_made_elsewhere_with_a_raw_gap_alone_give_power_their_noise(tmp_path, capsys):
    rng = np.random.default_rng(3)
    scans = [(f"{i:03d}", session, 60.0 + at) for i in range(12) for at, session in enumerate("ab")]
    table = pd.DataFrame(scans, columns=["participant_id", "session_id", "age_years"])
    _write(table.assign(gap_years=rng.normal(0, 4, 24)), tmp_path / "scores.tsv")
    assert main(["power", str(tmp_path / "scores.tsv"), "--effect-years", "-1"]) == DONE
    assert "the raw gap, the only one there" in " ".join(capsys.readouterr().out.split())
