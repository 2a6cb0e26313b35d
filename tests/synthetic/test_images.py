"""The 24 motion terms: six parameters, their differences, and the squares of both."""

from __future__ import annotations

import numpy as np

from brainage.synthetic.images import expand_motion, make_grid


def test_motion_terms_are_parameters_differences_and_squares():
    parameters = np.random.default_rng(0).normal(size=(10, 6))
    terms = expand_motion(parameters)
    assert terms.shape == (10, 24)
    columns = {tuple(np.round(column, 12)) for column in terms.T}
    for one in parameters.T:
        assert tuple(np.round(one, 12)) in columns
        assert tuple(np.round(one**2, 12)) in columns


def test_every_parcel_has_voxels_on_the_grid(parcels):
    grid = make_grid(parcels, 8.0)
    assert set(range(len(parcels))) <= set(grid.parcel_of.ravel().tolist())
