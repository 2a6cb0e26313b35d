"""A clock trained on series scores matrices of the same parcels, and the reverse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, main
from brainage.stages.train import load_efficiency
from brainage.tables import read_scores

P = 8


def _draw(folder, prefix, *, seed, first):
    """Write thirty people's series, and matrices of the same, and their table."""
    rng = np.random.default_rng(seed)
    ids = [f"{i:02d}" for i in range(first, first + 30)]
    ages = rng.uniform(20, 80, 30)
    for person, age in zip(ids, ages, strict=True):
        mixing = np.eye(P) + 0.02 * (age - 50) * np.eye(P, k=1) + 0.05 * rng.normal(size=(P, P))
        values = pd.DataFrame(
            rng.normal(size=(120, P)) @ mixing, columns=[f"r{i}" for i in range(P)]
        )
        stem = f"sub-{person}_space-M_atlas-toy"
        for name, frame, ending in (
            ("series", values, "stat-mean_timeseries"),
            ("matrices", values.corr(), "stat-pearsoncorrelation_relmat"),
        ):
            (folder / f"{prefix}{name}").mkdir(exist_ok=True)
            path = folder / f"{prefix}{name}" / f"{stem}_{ending}.tsv"
            frame.to_csv(path, sep="\t", index=False)
    people = pd.DataFrame({"participant_id": ids, "age": ages, "sex": "F"})
    people.to_csv(folder / f"{prefix}p.tsv", sep="\t", index=False)


@pytest.fixture
def lab(tmp_path):
    """Return a folder of two cohorts, each as series and as matrices of the same."""
    _draw(tmp_path, "", seed=0, first=10)
    _draw(tmp_path, "t_", seed=1, first=50)
    return tmp_path


def _study(folder, of_reference, of_trial, kinds="[fisher_z]"):
    path = folder / f"{of_reference}_{of_trial}.yaml"
    path.write_text(
        f"""
paths:
  output: out_{of_reference}_{of_trial}
  reference: {{{of_reference}: {of_reference}, participants: p.tsv}}
  trial: {{{of_trial}: t_{of_trial}, participants: t_p.tsv}}
science:
  connectivity: {{kinds: {kinds}}}
  clock:
    views: {kinds}
    networks: false
    validation: {{n_folds: 5, n_bootstrap: 0}}
"""
    )
    return path


@pytest.mark.parametrize("of_reference", ["series", "matrices"])
def test_a_clock_of_series_scores_matrices_and_the_reverse(lab, of_reference, monkeypatch):
    monkeypatch.chdir(lab)
    scores = []
    for of_trial in ("series", "matrices"):
        study = _study(lab, of_reference, of_trial)
        for verb in ("check", "train", "score"):
            assert main([verb, str(study)]) == DONE
        folder = lab / f"out_{of_reference}_{of_trial}" / "score"
        scores.append(read_scores(folder / "scores.tsv"))
    noise = load_efficiency(folder.parent / "train").set_index("measure").iloc[0]
    if of_reference == "matrices":
        assert noise["note"] == "only matrices are at hand: a scan cannot be cut in two"
    else:
        assert noise["estimate"] > 0
    of_series, of_matrices = scores
    assert np.corrcoef(of_series["age_years"], of_series["predicted_age_years"])[0, 1] > 0.9
    np.testing.assert_allclose(
        of_matrices["predicted_age_years"], of_series["predicted_age_years"], atol=1e-3
    )


def test_kinds_of_series_are_refused_of_matrices_before_anything_is_made(lab, capsys):
    study = _study(lab, "matrices", "series", kinds="[lagged]")
    assert main(["train", str(study)]) == BAD_INPUT
    told = " ".join("".join(capsys.readouterr()).split())
    assert "matrices cannot give lagged: these need the series" in told
