"""Components of edges: a planted one is found whole, and nothing is found in noise."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.connectivity import FeatureTable, View, ViewSpec, edge_indices
from brainage.errors import DesignError
from brainage.trial import TrialDesign
from brainage.trial.analyses.network_based import (
    components_of,
    largest_components,
    network_based_statistic,
)

PARCELS = tuple(f"p{k}" for k in range(12))


def features_of(scores, allocation, *, rise):
    spec = ViewSpec(
        kind="fisher_z",
        shrinkage="none",
        layout="upper",
        parcel_names=PARCELS,
        networks=(None,) * 12,
        atlas="toy",
        cleaning_fingerprint="x",
    )
    rng = np.random.default_rng(2)
    rows = scores[["participant_id", "session_id", "age_years", "sex", "site"]].assign(
        scanner=None, family_id=None, mean_fd_mm=0.1, retained_s=300.0
    )
    values = rng.normal(0, 0.2, (len(rows), spec.n_features))
    arm = rows["participant_id"].map(allocation.set_index("participant_id")["arm"])
    treated = ((arm == "HRT") & (rows["session_id"] != "bl")).to_numpy()
    row, column = edge_indices(spec)
    chain = (column - row == 1) & (row < 5)
    values[np.ix_(treated, chain)] += rise
    return FeatureTable({"fisher_z": View(values.astype(np.float32), spec)}, rows)


@pytest.fixture
def trial_of(make_trial, make_options):
    scores, allocation = make_trial(n=60, missing=0.0)
    design = TrialDesign.from_options(make_options(), allocation)
    return lambda rise: (features_of(scores, allocation, rise=rise), design)


def test_planted_chain_of_edges_is_one_component_with_the_smallest_p(trial_of):
    features, design = trial_of(0.8)
    found = network_based_statistic(features, design, n_draws=99)
    first = found.components.iloc[0]
    assert first["direction"] == "rises"
    assert first["n_edges"] >= 5
    assert {"p0", "p1", "p2", "p3", "p4", "p5"} <= set(first["parcels"].split(", "))
    assert first["p_value"] == pytest.approx(1 / 100)
    assert "no single edge is claimed" in first["reads"]


def test_noise_has_no_significant_component(trial_of):
    features, design = trial_of(0.0)
    found = network_based_statistic(features, design, n_draws=99, threshold_t=2.0)
    assert (found.components["p_value"] > 0.05).all()
    assert len(found.largest) == 99


def test_nothing_above_the_threshold_is_an_empty_table(trial_of):
    features, design = trial_of(0.0)
    found = network_based_statistic(features, design, n_draws=99, threshold_t=50.0)
    assert found.components.empty
    assert (found.largest == 0).all()


def test_edges_that_rise_and_edges_that_fall_are_apart(trial_of):
    features, design = trial_of(0.8)
    values = np.array(features["fisher_z"].values)
    row, column = edge_indices(features["fisher_z"].spec)
    arm = features.rows["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    treated = ((arm == "HRT") & (features.rows["session_id"] != "bl")).to_numpy()
    values[np.ix_(treated, (row == 5) & (column == 6))] -= 0.8
    mixed = FeatureTable({"fisher_z": View(values, features["fisher_z"].spec)}, features.rows)
    found = network_based_statistic(mixed, design, n_draws=99)
    falls = found.components[found.components["direction"] == "falls"]
    assert len(falls) >= 1
    assert {"p5", "p6"} <= set(falls.iloc[0]["parcels"].split(", "))


def test_unknown_arm_is_refused(trial_of):
    with pytest.raises(DesignError, match="found 'XXX'"):
        network_based_statistic(*trial_of(0.0), arm="XXX")


def test_largest_components_of_many_draws_are_those_of_each_by_itself():
    rng = np.random.default_rng(6)
    ends = np.triu_indices(12, 1)
    statistics = rng.normal(size=(40, len(ends[0])))
    statistics[3] = 0.0
    found = largest_components(statistics, ends, 1.5)
    alone = [
        max((len(e) for sign in (1, -1) for e in components_of(sign * row, ends, 1.5)), default=0)
        for row in statistics
    ]
    np.testing.assert_array_equal(found, alone)
    assert found[3] == 0
    assert found.max() > 2
