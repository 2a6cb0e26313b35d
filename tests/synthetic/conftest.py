"""A small brain that needs no atlas: parcels on a lattice, in four networks."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from brainage.synthetic import make_study, tiny_options
from brainage.synthetic.parcels import Parcels


@pytest.fixture(scope="session")
def parcels():
    x, y, z = np.meshgrid((-40.0, -20.0, 20.0, 40.0), (-70.0, -20.0, 40.0), (10.0, 40.0))
    coordinates = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    networks = tuple("ABCD"[i % 4] if i else None for i in range(len(coordinates)))
    names = tuple(f"parcel{i:02d}" for i in range(len(coordinates)))
    return Parcels("lattice", names, networks, coordinates, np.full(len(names), 5.0))


@pytest.fixture(scope="session")
def options():
    return tiny_options().model_copy(update={"n_parcels": None})


@pytest.fixture(scope="session")
def study(parcels, options):
    return make_study(options, seed=3, parcels=parcels)


def hash_files(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def hashes():
    """Return the function that gives relative path -> SHA-256 of every file of a folder."""
    return hash_files
