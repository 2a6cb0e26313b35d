"""Small reference cohorts with a planted age effect."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import ClockOptions, ValidationOptions, fit_clock
from brainage.connectivity import KINDS, FeatureTable, View, ViewSpec

NETWORKS = ("motor", "visual")


def make_features(n=60, *, p=10, kinds=("fisher_z",), effect=0.01, n_sites=2, seed=0):
    """Return features of n people; `effect` is the change of an edge per year, in its own units."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    names = tuple(f"p{i}" for i in range(p))
    networks = tuple(NETWORKS[i % 2] for i in range(p))
    views = {}
    for kind in kinds:
        layout = KINDS[kind].layout
        spec = ViewSpec(kind, "none", layout, names, networks, "toy", "cleaned")
        if kind == "tangent":
            values = _covariances(rng, age, p, effect)
        else:
            planted = rng.normal(size=spec.n_features)
            values = 0.3 + effect * np.outer(age - 50, planted)
            values += rng.normal(0, 0.3, values.shape)
        views[kind] = View(values.astype(np.float32), spec)
    rows = pd.DataFrame(
        {
            "participant_id": [f"person{i:03d}" for i in range(n)],
            "session_id": "n/a",
            "age_years": age,
            "sex": "F",
            "site": [f"site{i % n_sites}" for i in range(n)],
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": 0.1,
            "retained_s": 300.0,
        }
    )
    return FeatureTable(views, rows)


def _covariances(rng, age, p, effect):
    upper = np.triu_indices(p)
    direction = rng.normal(size=(p, p))
    direction = (direction + direction.T) / 2
    rows = []
    for years in age:
        signals = rng.normal(size=(3 * p, p))
        logarithm = effect * (years - 50) * direction
        values, vectors = np.linalg.eigh(logarithm)
        root = vectors * np.exp(values / 2) @ vectors.T
        rows.append((root @ np.cov(signals.T) @ root)[upper])
    return np.array(rows)


@pytest.fixture(scope="session")
def make_cohort():
    """Return `make_features`."""
    return make_features


@pytest.fixture(scope="session")
def ridge_and_cohort(make_cohort):
    """A ridge of 40 people, four folds, and these people; read only."""
    cohort = make_cohort(40)
    options = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))
    return fit_clock(cohort, options), cohort
