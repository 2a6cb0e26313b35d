"""Conjugate gradients on features on disk give the ridge that a square matrix gives."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock.regressors.iterative import solve_shifted, training_sums
from brainage.clock.regressors.seen_features import SeenFeatures

PENALTIES = np.geomspace(1e-2, 1e3, 6)


def _data(n, p, *, offset=0.3, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 8)) @ rng.normal(size=(8, p)) + rng.normal(size=(n, p)) + offset
    age = 50 + 2 * values[:, :5].sum(axis=1) + rng.normal(0, 3, n)
    member = np.ones((n, 3), dtype=bool)
    member[: n // 3, 0] = member[n // 3 : n // 2, 1] = False
    return values.astype(np.float32), age, member


@pytest.mark.parametrize(("n", "p", "offset"), [(80, 150, 0.3), (150, 80, 0.3), (60, 90, 30.0)])
def test_every_set_and_penalty_equals_scikit_learns_ridge(n, p, offset):
    values, age, member = _data(n, p, offset=offset)
    sums = training_sums(SeenFeatures(values), member, np.repeat(age[:, None], 3, axis=1))
    shifts = sums.units[:, None] * PENALTIES
    everyone = [np.arange(n)] * 3
    found = solve_shifted(
        SeenFeatures(values), member, sums, shifts, watched=everyone, tolerance=1e-8
    )
    X = values.astype(float)
    for k in range(3):
        own = member[:, k]
        centred = X[own] - X[own].mean(axis=0)
        assert sums.units[k] == pytest.approx(np.sum(centred**2) / own.sum(), rel=1e-6)
        for j, shift in enumerate(shifts[k]):
            expected = Ridge(shift).fit(X[own], age[own]).predict(X)
            np.testing.assert_allclose(found.predicted[k][:, j], expected, atol=1e-3)


def test_weights_and_a_memory_map_are_the_same_ridge(tmp_path):
    values, age, member = _data(70, 120)
    np.save(tmp_path / "x.npy", values)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    sums = training_sums(SeenFeatures(mapped), member, np.repeat(age[:, None], 3, axis=1))
    shifts = sums.units[:, None] * 0.5
    watched = [np.array([0]), np.array([30]), np.array([], dtype=int)]
    found = solve_shifted(
        SeenFeatures(mapped), member, sums, shifts, watched=watched, keep_weights=True
    )
    for k in range(3):
        own = member[:, k]
        peer = Ridge(shifts[k, 0]).fit(values[own].astype(float), age[own])
        np.testing.assert_allclose(found.weights[:, k], peer.coef_, atol=1e-5)
    assert found.n_passes < 30


def test_weights_at_many_penalties_are_refused():
    values, age, member = _data(20, 30)
    sums = training_sums(SeenFeatures(values), member, np.repeat(age[:, None], 3, axis=1))
    with pytest.raises(ValueError, match="single shift"):
        solve_shifted(
            SeenFeatures(values),
            member,
            sums,
            np.ones((3, 2)),
            watched=[np.arange(2)] * 3,
            keep_weights=True,
        )
