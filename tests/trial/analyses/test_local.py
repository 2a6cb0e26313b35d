"""Connectivity change by arm, region by region."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brainage.connectivity import FeatureTable, View, ViewSpec, edge_indices
from brainage.errors import DesignError
from brainage.trial import TrialDesign, local_changes

PARCELS = ("a", "b", "c", "d", "e", "f")
NETWORKS = ("front", "front", "front", "back", "back", "back")


@pytest.fixture
def features_and_design(make_trial, make_options):
    """Every edge is noise; edges within "front" rise by 0.5 in HRT after baseline."""
    scores, allocation = make_trial(n=45, missing=0.0)
    spec = ViewSpec(
        kind="fisher_z",
        shrinkage="none",
        layout="upper",
        parcel_names=PARCELS,
        networks=NETWORKS,
        atlas="toy",
        cleaning_fingerprint="x",
    )
    rng = np.random.default_rng(1)
    rows = scores[["participant_id", "session_id", "age_years", "sex", "site"]].assign(
        scanner=None, family_id=None, mean_fd_mm=0.1, retained_s=300.0
    )
    values = rng.normal(0, 0.2, (len(rows), spec.n_features))
    arm = rows["participant_id"].map(allocation.set_index("participant_id")["arm"])
    treated = ((arm == "HRT") & (rows["session_id"] != "bl")).to_numpy()
    row, column = edge_indices(spec)
    front = (row < 3) & (column < 3)
    values[np.ix_(treated, front)] += 0.5
    features = FeatureTable({"fisher_z": View(values.astype(np.float32), spec)}, rows)
    return features, TrialDesign.from_options(make_options(), allocation)


def test_planted_network_is_found_and_the_others_are_not(features_and_design):
    features, design = features_and_design
    table = local_changes(features, design, n_permutations=199).set_index("region")
    assert set(table.index) == {"front - front", "back - front", "back - back"}
    # Mean of three edges, SD 0.2 a scan, 15 people an arm: standard error 0.06.
    assert table.at["front - front", "difference_in_view_units"] == pytest.approx(0.5, abs=0.2)
    assert table.at["front - front", "p_max_t"] == pytest.approx(1 / 200)
    assert table.loc[["back - front", "back - back"], "p_fdr"].min() > 0.05


def test_statistic_of_a_region_is_welch_t_of_its_mean_edge(features_and_design):
    features, design = features_and_design
    table = local_changes(features, design, level="parcel", n_permutations=99).set_index("region")
    spec = features["fisher_z"].spec
    row, column = edge_indices(spec)
    mine = (row == 4) | (column == 4)
    means = pd.Series(features["fisher_z"].values[:, mine].astype(float).mean(axis=1))
    keyed = means.set_axis(
        pd.MultiIndex.from_frame(features.rows[["session_id", "participant_id"]])
    )
    change = keyed["1y"] - keyed["bl"]
    arm = design.allocation.set_index("participant_id")["arm"].loc[change.index]
    found = stats.ttest_ind(change[arm == "HRT"], change[arm == "CON"], equal_var=False)
    assert table.at["e", "statistic"] == pytest.approx(found.statistic, rel=1e-6)
    assert table.at["e", "p_value"] == pytest.approx(found.pvalue, rel=1e-6)
    assert table.at["e", "df"] == pytest.approx(found.df, rel=1e-6)


def test_people_without_one_of_the_scans_are_left_out(features_and_design):
    features, design = features_and_design
    keep = ~((features.rows["participant_id"] == "000") & (features.rows["session_id"] == "1y"))
    less = local_changes(features.select(keep.to_numpy()), design, n_permutations=99)
    whole = local_changes(features, design, n_permutations=99)
    arm = design.allocation.set_index("participant_id").at["000", "arm"]
    assert whole["n"].iloc[0] - less["n"].iloc[0] == (arm in ("HRT", "CON"))


def test_unknown_arm_visit_and_level_are_refused(features_and_design):
    features, design = features_and_design
    with pytest.raises(DesignError, match="found 'XXX'"):
        local_changes(features, design, arm="XXX")
    with pytest.raises(DesignError, match="expected network or parcel"):
        local_changes(features, design, level="voxel")
