"""Reliability of edges and networks equals the score's formula, and runs on real repeated scans."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import DesignError
from brainage.trial import TrialDesign, TrialOptions, local_changes, score_reliability
from brainage.trial.analyses.connectivity_reliability import connectivity_reliability
from brainage.trial.analyses.network_based import network_based_statistic

STAGES_TRIAL = (
    Path(os.environ.get("BRAINAGE_REAL_DATA", Path(__file__).parents[4] / "shared" / "data"))
    / "stages_trial"
)


def table_of(values, people, sessions, networks):
    n_parcels = len(networks)
    spec = ViewSpec(
        kind="fisher_z",
        shrinkage="none",
        layout="upper",
        parcel_names=tuple(f"p{k}" for k in range(n_parcels)),
        networks=tuple(networks),
        atlas="unnamed",
        cleaning_fingerprint="x",
    )
    rows = pd.DataFrame(
        {
            "participant_id": people,
            "session_id": sessions,
            "age_years": np.nan,
            "sex": None,
            "site": None,
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": np.nan,
        }
    )
    return FeatureTable({"fisher_z": View(values.astype(np.float32), spec)}, rows)


@pytest.fixture
def repeated():
    rng = np.random.default_rng(0)
    person = rng.normal(0, 0.2, (25, 10))
    values = np.concatenate([person + rng.normal(0, 0.1, (25, 10)) for _ in range(2)])
    people = [f"{i}" for i in range(25)] * 2
    return table_of(values, people, ["a"] * 25 + ["b"] * 25, ["x", "x", "x", "y", "y"])


@pytest.mark.parametrize("edge", [0, 7])
def test_edge_has_the_reliability_of_a_score(repeated, edge):
    table = connectivity_reliability(repeated, ("a", "b"), level="edge")
    values = repeated["fisher_z"].values.astype(float)
    r = score_reliability(np.column_stack([values[:25, edge], values[25:, edge]]))
    row = table.iloc[edge]
    assert row["icc_agreement"] == pytest.approx(r.icc_agreement)
    assert row["icc_agreement_low"] == pytest.approx(r.icc_agreement_low)
    assert row["icc_agreement_high"] == pytest.approx(r.icc_agreement_high)
    assert row["icc_consistency"] == pytest.approx(r.icc_consistency)
    assert row["icc_consistency_low"] == pytest.approx(r.icc_consistency_low)
    assert row["icc_consistency_high"] == pytest.approx(r.icc_consistency_high)
    assert row["sem_in_view_units"] == pytest.approx(r.sem_years)


def test_networks_are_within_and_between(repeated):
    table = connectivity_reliability(repeated, ("a", "b"))
    assert table["region"].tolist() == ["x - x", "x - y", "y - y"]
    assert table["icc_consistency"].between(0.4, 1).all()


def test_repeated_scans_of_one_person_are_refused(repeated):
    keep = (repeated.rows["session_id"] == "a") | (repeated.rows["participant_id"] == "3")
    with pytest.raises(DesignError, match="two people or more"):
        connectivity_reliability(repeated.select(keep.to_numpy()), ("a", "b"))


@pytest.fixture(scope="module")
def real_trial():
    if not (STAGES_TRIAL / "timeseries.npz").is_file():
        pytest.skip(f"no real data at {STAGES_TRIAL} (set BRAINAGE_REAL_DATA)")
    stored = np.load(STAGES_TRIAL / "timeseries.npz", allow_pickle=False)
    series = stored["values"][:, ::4]
    upper = np.triu_indices(series.shape[1], 1)
    rows = []
    for scan in series:
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.corrcoef(scan.astype(float))
        rows.append(np.arctanh(np.clip(r, -0.999999, 0.999999))[upper])
    # Parcels of this release have no names: ten blocks in their order stand in for networks.
    networks = [f"block {k * 10 // series.shape[1]}" for k in range(series.shape[1])]
    people = stored["ids"].astype(str)
    sessions = [str(name).removeprefix("ses-") for name in stored["session"]]
    return table_of(np.array(rows), people, sessions, networks), stored["group"].astype(str)


@pytest.mark.real_data
def test_reliability_of_real_repeated_scans_rises_from_edges_to_networks(real_trial):
    features, _ = real_trial
    first, last = sorted(set(features.rows["session_id"]))
    edges = connectivity_reliability(features, (first, last), level="edge")
    blocks = connectivity_reliability(features, (first, last), level="network")
    assert edges["n_people"].iloc[0] == 37
    # Noel, Scheinost & Constable (2019): edges of single scans average .29, poor.
    assert 0.1 < edges["icc_consistency"].median() < 0.6
    assert edges["icc_agreement"].between(-1, 1).all()
    assert blocks["icc_consistency"].notna().all()


@pytest.mark.real_data
def test_local_changes_of_real_scans_run_and_their_test_is_whole(real_trial):
    features, group = real_trial
    sessions = sorted(set(features.rows["session_id"]))
    people = pd.DataFrame({"participant_id": features.rows["participant_id"], "arm": group})
    people = people[people["arm"] != "n/a"].drop_duplicates("participant_id")
    options = TrialOptions.model_validate(
        {
            "arms": ["placebo", "medication"],
            "control_arm": "placebo",
            "primary_visit": "later",
            "visits": [
                {"label": "first", "session_id": sessions[0], "nominal_years": 0.0},
                {"label": "later", "session_id": sessions[1], "nominal_years": 0.25},
            ],
        }
    )
    design = TrialDesign.from_options(options, people)
    table = local_changes(features, design, level="parcel", n_permutations=99)
    assert table[["difference_in_view_units", "p_value", "p_max_t"]].notna().all().all()
    assert (table["p_max_t"] >= table["p_value"] / 2 - 0.02).all()
    found = network_based_statistic(features, design, n_draws=99)
    assert found.components["p_value"].between(0, 1).all()
    assert any("ages are not known" in note for note in found.notes)
