"""Claims about specs, edges, networks and the table on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import (
    FeatureTable,
    ViewSpec,
    build_features,
    edge_mask,
    edge_names,
    network_names,
)
from brainage.errors import FeatureMismatchError

from .toy import ALL_KINDS, make_people, make_series


@pytest.fixture(scope="module")
def features() -> FeatureTable:
    return build_features(
        [make_series(i) for i in range(5)], make_people(range(5)), kinds=ALL_KINDS
    )


def test_edge_masks_count_the_edges_of_networks(features):
    upper, full = features["fisher_z"].spec, features["lagged"].spec
    half, parcel = features["tangent"].spec, features["amplitude"].spec
    assert [edge_mask(s, within="A").sum() for s in (upper, half, full, parcel)] == [6, 10, 16, 4]
    assert edge_mask(upper, between=("A", "B")).sum() == 12
    assert edge_mask(full, between=("B", "A")).sum() == 24
    np.testing.assert_array_equal(
        edge_mask(upper, between=("A", "B")), edge_mask(upper, between=("B", "A"))
    )


def test_an_unknown_or_edgeless_network_is_refused_with_the_known_ones(features):
    spec = features["fisher_z"].spec
    with pytest.raises(FeatureMismatchError, match="its networks: A, B, C"):
        edge_mask(spec, within="Visual")
    with pytest.raises(FeatureMismatchError, match="needs two parcels"):
        edge_mask(spec, within="C")
    with pytest.raises(FeatureMismatchError, match="one of `within` and `between`"):
        edge_mask(spec)


def test_networks_of_fewer_than_three_parcels_have_no_clock(features):
    assert network_names(features["fisher_z"].spec) == ["A", "B"]
    assert network_names(features["fisher_z"].spec, min_parcels=4) == ["A"]


def test_edge_names_follow_the_columns(features):
    assert edge_names(features["fisher_z"].spec)[:2] == ["P0 ~ P1", "P0 ~ P2"]
    assert edge_names(features["tangent"].spec)[0] == "P0 ~ P0"
    assert edge_names(features["lagged"].spec)[9] == "P1 -> P0"
    assert edge_names(features["amplitude"].spec)[1] == "P1"


def test_a_spec_comes_back_from_its_dictionary_and_says_how_another_differs(features):
    for kind in ALL_KINDS:
        spec = features[kind].spec
        assert ViewSpec.from_dict(spec.to_dict()) == spec
        assert spec.n_features == features[kind].values.shape[1]
    spec = features["partial"].spec
    other = replace(spec, shrinkage="oas", cleaning_fingerprint="x")
    assert spec.differences(other) == [
        "shrinkage: expected ledoit_wolf, found oas",
        "cleaning_fingerprint: expected clean, found x",
    ]
    assert features["log_covariance"].spec.shrinkage == "fixed_0.8"
    with pytest.raises(FeatureMismatchError, match="expected the keys"):
        ViewSpec.from_dict({"kind": "pearson"})


def test_a_saved_table_loads_equal_memory_mapped_or_not(features, tmp_path):
    features.save(tmp_path / "f")
    for memory_map in (True, False):
        loaded = FeatureTable.load(tmp_path / "f", memory_map=memory_map)
        for kind in ALL_KINDS:
            np.testing.assert_array_equal(loaded[kind].values, features[kind].values)
        pd.testing.assert_frame_equal(loaded.rows, features.rows)


def test_a_folder_without_manifest_or_with_a_cut_file_is_refused(features, tmp_path):
    features.save(tmp_path)
    data = (tmp_path / "fisher_z.npy").read_bytes()
    (tmp_path / "fisher_z.npy").write_bytes(data[:-8])
    with pytest.raises(FeatureMismatchError, match="fisher_z.npy: cannot be read"):
        FeatureTable.load(tmp_path)
    (tmp_path / "spec.json").unlink()
    with pytest.raises(FeatureMismatchError, match="expected the manifest"):
        FeatureTable.load(tmp_path)


def test_select_takes_rows_by_mask_or_number(features):
    by_number = features.select(np.array([3, 1]))
    assert by_number.rows["participant_id"].tolist() == ["03", "01"]
    np.testing.assert_array_equal(by_number["lagged"].values, features["lagged"].values[[3, 1]])
    assert len(features.select(features.rows["age_years"].to_numpy() > 21)) == 3
    with pytest.raises(FeatureMismatchError, match="a mask of 5 rows, found 2"):
        features.select(np.array([True, False]))
    with pytest.raises(FeatureMismatchError, match="view 'wavelet'"):
        features["wavelet"]
