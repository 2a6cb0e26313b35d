"""Products with features as a training set sees them, without moving one."""

import numpy as np
import pytest

from brainage.clock.regressors.seen_features import Directions, SeenFeatures, SiteMove

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 1.0, (10, 6))
MEMBER = (RNG.random((10, 2)) > 0.3).astype(float)


def moved():
    """Two sites of three scans, moved otherwise by each of two training sets."""
    moves = [
        SiteMove(np.array(rows), RNG.uniform(0.5, 2.0, (6, 2)), RNG.normal(size=(6, 2)))
        for rows in ([0, 2, 4], [1, 3, 9])
    ]
    as_made = [X.copy(), X.copy()]
    for move in moves:
        for k in range(2):
            as_made[k][move.rows] = move.gain[:, k] * X[move.rows] + move.offset[:, k]
    return SeenFeatures(X, moves), as_made


def directed():
    mean = np.column_stack([X[:7].mean(axis=0), X[3:].mean(axis=0)])
    apart = [X - mean[:, k] for k in range(2)]
    length = np.column_stack([np.linalg.norm(part, axis=1) for part in apart])
    seen = SeenFeatures(X, directions=Directions(mean, 1 / length))
    return seen, [part / length[:, [k]] for k, part in enumerate(apart)]


def moved_directions():
    """Directions are taken first; sites move them then."""
    (still, turned), (seen, _) = directed(), moved()
    as_made = [made.copy() for made in turned]
    for move in seen.moves:
        for k in range(2):
            as_made[k][move.rows] = move.gain[:, k] * turned[k][move.rows] + move.offset[:, k]
    return SeenFeatures(X, seen.moves, directions=still.directions), as_made


@pytest.mark.parametrize(
    "make", [lambda: (SeenFeatures(X), [X, X]), moved, directed, moved_directions]
)
def test_products_both_ways_and_lengths_are_those_of_the_features_as_made(make):
    seen, as_made = make()
    vectors = RNG.normal(size=(6, 2))
    forward, back, lengths = np.zeros((10, 2)), np.zeros((6, 2)), np.zeros(2)
    for part in seen.parts():
        weights, inner, outer = part.on_stored(vectors)
        for rows, block in part.blocks(float):
            forward[rows] = part.scaled(rows, block @ weights + inner) + outer
            own = part.scaled(rows, MEMBER[rows])
            back += part.as_seen(block.T @ own, own.sum(axis=0), MEMBER[rows].sum(axis=0))
            lengths += part.squared_lengths(rows, block, MEMBER[rows])
    for k, made in enumerate(as_made):
        np.testing.assert_allclose(forward[:, k], made @ vectors[:, k], atol=1e-10)
        np.testing.assert_allclose(back[:, k], made.T @ MEMBER[:, k], atol=1e-10)
        expected = ((made**2).sum(axis=1) * MEMBER[:, k]).sum()
        assert lengths[k] == pytest.approx(expected)


def test_every_scan_is_in_one_part():
    seen, _ = moved()
    rows = np.concatenate([part.rows for part in seen.parts()])
    assert sorted(rows) == list(range(10))
    assert (len(seen), seen.n_features) == (10, 6)


def test_large_mean_is_worked_on_in_double_precision():
    small = X.astype(np.float32)
    assert SeenFeatures(small).precision == np.float32
    assert SeenFeatures(small + 100).precision == np.float64
