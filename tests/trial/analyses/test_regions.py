"""Which edges make a region, counted by hand on six parcels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import ViewSpec, edge_indices
from brainage.errors import DesignError
from brainage.trial.analyses.regions import (
    named_regions,
    network_means,
    pair_edges,
    parcel_strengths,
    parcels_of_region,
)
from brainage.trial.options import RegionOptions

PARCELS = ("a", "b", "c", "d", "e", "f")
CENTRES = pd.DataFrame({"parcel": PARCELS, "x_mm": [-9, 9, -9, 9, 9, 9], "y_mm": 0, "z_mm": 0})
ALL = np.ones(15, dtype=bool)


def spec_of(**changed):
    plain = {
        "kind": "fisher_z",
        "shrinkage": "none",
        "layout": "upper",
        "parcel_names": PARCELS,
        "networks": ("front",) * 3 + ("back",) * 3,
        "atlas": "toy",
        "cleaning_fingerprint": "x",
    }
    return ViewSpec(**(plain | changed))


def regions_of(*regions):
    wanted = tuple(RegionOptions.model_validate(each) for each in regions)
    return named_regions(spec_of(), ALL, wanted, coordinates=CENTRES)


def test_strength_of_a_parcel_is_the_mean_of_its_edges():
    square = np.arange(36.0).reshape(6, 6)
    square = square + square.T
    np.fill_diagonal(square, 0)
    row, column = edge_indices(spec_of())
    found = square[row, column] @ parcel_strengths(spec_of(), ALL).weights
    np.testing.assert_allclose(found, square.sum(axis=1) / 5)


def test_networks_are_their_own_edges_and_those_between():
    found = network_means(spec_of(), ALL)
    counts = dict(zip(found.name, found.n_edges, strict=True))
    assert counts == {"back - back": 3, "back - front": 9, "front - front": 3}
    np.testing.assert_allclose(found.weights.sum(axis=0), 1)


def test_parcels_without_a_network_are_in_none():
    some = network_means(spec_of(networks=("front", "front", None, None, "back", "back")), ALL)
    assert dict(zip(some.name, some.n_edges, strict=True)) == {
        "back - back": 1,
        "back - front": 4,
        "front - front": 1,
    }
    with pytest.raises(DesignError, match="assigns no networks"):
        network_means(spec_of(networks=(None,) * 6), ALL)


def test_named_regions_by_pattern_network_and_box():
    found = regions_of(
        {"name": "early", "pattern": "^[AB]$"},
        {"name": "all front", "network": "front"},
        {"name": "left", "mni_box_mm": [-90, -1, -90, 90, -90, 90]},
    )
    # Edges that touch 2, 3 and 2 of 6 parcels, and edges among them.
    assert found.n_edges.tolist() == [9, 1, 12, 3, 9, 1]
    assert found.name[:2] == ("early", "early, within")


def test_edge_that_was_not_measured_is_in_no_region_and_one_parcel_has_none_within():
    row, column = edge_indices(spec_of())
    usable = (row != 0) & (column != 0)
    assert parcel_strengths(spec_of(), usable).n_edges.tolist() == [0, 4, 4, 4, 4, 4]
    alone = regions_of({"name": "one", "pattern": "^a$"})
    assert alone.n_edges.tolist() == [5, 0]
    assert not alone.weights[:, 1].any()


@pytest.mark.parametrize(
    ("region", "centres", "words"),
    [
        ({"pattern": "frontal"}, CENTRES, "no parcel matches its pattern 'frontal'"),
        ({"network": "middle"}, CENTRES, "the atlas has back, front"),
        ({"mni_box_mm": [0, 1, 0, 1, 0, 1]}, CENTRES, "no parcel matches its MNI box"),
        ({"mni_box_mm": [0, 1, 0, 1, 0, 1]}, None, "needs the parcels' coordinates"),
    ],
)
def test_region_that_matches_nothing_is_named(region, centres, words):
    with pytest.raises(DesignError, match=words):
        parcels_of_region(spec_of(), RegionOptions(name="x", **region), centres)


def test_view_with_a_diagonal_has_no_regions():
    with pytest.raises(DesignError, match="without a diagonal"):
        pair_edges(spec_of(kind="log_euclidean", layout="upper_with_diagonal"))
