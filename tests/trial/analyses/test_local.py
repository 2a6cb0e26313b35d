"""Connectivity change by arm, region by region."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import OLS, add_constant

from brainage.connectivity import FeatureTable, View, ViewSpec, edge_indices
from brainage.errors import DesignError
from brainage.trial import TrialDesign, local_changes
from brainage.trial.options import LocalOptions

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


def region_change(features, parcel, session):
    """Return the mean edge of a parcel at baseline, and its change, by participant."""
    row, column = edge_indices(features["fisher_z"].spec)
    mine = (row == parcel) | (column == parcel)
    means = pd.Series(features["fisher_z"].values[:, mine].astype(float).mean(axis=1))
    keyed = means.set_axis(
        pd.MultiIndex.from_frame(features.rows[["session_id", "participant_id"]])
    )
    return keyed["bl"], keyed[session] - keyed["bl"]


def test_difference_of_a_region_is_the_covariance_analysis_of_its_mean_edge(features_and_design):
    features, design = features_and_design
    table = local_changes(features, design, level="parcel", n_permutations=99).set_index("region")
    baseline, change = region_change(features, 4, "1y")
    rows = features.rows[features.rows["session_id"] == "bl"].set_index("participant_id")
    people = design.allocation.set_index("participant_id").loc[change.index]
    columns = [
        people["arm"] == "HRT",
        people["arm"] == "MIT",
        baseline.loc[change.index],
        rows.loc[change.index, "age_years"],
        people["stratum"] == "low",
        rows.loc[change.index, "sex"] == "M",
    ]
    matrix = add_constant(np.column_stack([np.asarray(c, dtype=float) for c in columns]))
    found = OLS(change.to_numpy(), matrix).fit(cov_type="HC3", use_t=True)
    assert table.at["e", "difference_in_view_units"] == pytest.approx(found.params[1], rel=1e-6)
    assert table.at["e", "se_in_view_units"] == pytest.approx(found.bse[1], rel=1e-6)
    assert table.at["e", "p_value"] == pytest.approx(found.pvalues[1], rel=1e-6)
    assert table.at["e", "df"] == found.df_resid


def test_named_regions_by_pattern_network_and_box(features_and_design):
    features, design = features_and_design
    regions = [
        {"name": "early", "pattern": "^[AB]$"},
        {"name": "all front", "network": "front"},
        {"name": "left", "mni_box_mm": [-90, -1, -90, 90, -90, 90]},
    ]
    options = LocalOptions.model_validate({"regions": regions})
    centres = pd.DataFrame({"parcel": PARCELS, "x_mm": [-9, 9, -9, 9, 9, 9], "y_mm": 0, "z_mm": 0})
    table = local_changes(
        features,
        design,
        level="named region",
        options=options,
        coordinates=centres,
        n_permutations=99,
    ).set_index("region")
    # Edges that touch 2, 3 and 2 of 6 parcels, and edges among them.
    assert list(table["n_edges"]) == [9, 1, 12, 3, 9, 1]
    assert table.at["all front, within", "difference_in_view_units"] == pytest.approx(0.5, abs=0.2)


def test_edge_missing_in_one_scan_is_left_out_for_all(features_and_design):
    features, design = features_and_design
    values = np.array(features["fisher_z"].values)
    row, column = edge_indices(features["fisher_z"].spec)
    values[7, (row == 0) | (column == 0)] = np.nan
    holed = FeatureTable({"fisher_z": View(values, features["fisher_z"].spec)}, features.rows)
    table = local_changes(holed, design, level="parcel", n_permutations=99).set_index("region")
    assert table.at["a", "n_edges"] == 0
    assert np.isnan(table.at["a", "p_value"])
    assert table.loc["b":, "n_edges"].eq(4).all()
    assert table.loc["b":, "p_max_t"].notna().all()


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
    with pytest.raises(DesignError, match="expected network, parcel or"):
        local_changes(features, design, level="voxel")
