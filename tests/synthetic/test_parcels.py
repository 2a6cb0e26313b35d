"""Parcels come from the atlas the options name."""

import numpy as np
import pytest

from brainage.errors import AtlasError
from brainage.imaging import load_atlas
from brainage.synthetic import tiny_options, twin_options
from brainage.synthetic.parcels import load_parcels


def test_the_twin_has_the_atlas_parcels_in_the_atlas_order():
    atlas, parcels = load_atlas("seitzman300"), load_parcels(twin_options())
    assert parcels.names == tuple(atlas.parcel_names)
    assert parcels.networks == tuple(atlas.networks)
    np.testing.assert_array_equal(parcels.coordinates_mm, atlas.coordinates_mm)
    assert 20 < parcels.prefrontal.sum() < 100


def test_a_selection_is_named_otherwise_than_the_atlas():
    parcels = load_parcels(tiny_options())
    assert len(parcels) == len(set(parcels.names)) == 32
    assert parcels.atlas == "seitzman300of32"


def test_more_parcels_than_the_atlas_has_are_refused():
    options = tiny_options().model_copy(update={"n_parcels": 301})
    with pytest.raises(AtlasError, match="at most the 300 parcels of seitzman300, found 301"):
        load_parcels(options)
