"""Haufe patterns point at the edges that carry age, and stability says how far to trust them."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from brainage.clock.evaluation.patterns import (
    fold_stability,
    haufe_pattern,
    network_means,
    parcel_means,
    stability_table,
)
from brainage.connectivity import ViewSpec

SPEC = ViewSpec(
    kind="fisher_z",
    shrinkage="none",
    layout="upper",
    parcel_names=("p1", "p2", "p3", "p4"),
    networks=("default", "default", "motor", None),
    atlas="toy",
    cleaning_fingerprint="0",
)


def test_pattern_equals_covariance_over_variance():
    rng = np.random.default_rng(0)
    X, predicted = rng.normal(5, 1, (50, 7)), rng.normal(60, 8, 50)
    expected = [np.cov(X[:, j], predicted)[0, 1] / np.var(predicted, ddof=1) for j in range(7)]
    np.testing.assert_allclose(haufe_pattern(X, predicted), expected, rtol=1e-10)


def test_patterns_of_several_clocks_equal_those_of_each():
    rng = np.random.default_rng(4)
    X, predicted = rng.normal(size=(20, 5)), rng.normal(size=(20, 3))
    together = haufe_pattern(X, predicted)
    alone = [haufe_pattern(X, predicted[:, k]) for k in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_pattern_ignores_an_edge_that_only_cancels_noise_though_its_weight_is_large():
    # Haufe's own example: edge 0 = signal + noise, edge 1 = noise alone.
    rng = np.random.default_rng(1)
    age, noise = rng.normal(0, 10, 4000), rng.normal(0, 10, 4000)
    X = np.column_stack([age + noise, noise])
    clock = Ridge(alpha=1e-3).fit(X, age)
    assert clock.coef_[1] == pytest.approx(-1, abs=0.01)
    pattern = haufe_pattern(X, clock.predict(X))
    np.testing.assert_allclose(pattern, [1, 0], atol=0.05)


def test_chunks_of_columns_do_not_change_the_pattern(monkeypatch):
    rng = np.random.default_rng(2)
    X, predicted = rng.normal(size=(30, 11)).astype(np.float32), rng.normal(size=30)
    whole = haufe_pattern(X, predicted)
    monkeypatch.setattr("brainage.blocks.BLOCK_VALUES", 90)
    np.testing.assert_allclose(haufe_pattern(X, predicted), whole, rtol=1e-12)


def test_pattern_of_constant_predictions_is_zero():
    np.testing.assert_array_equal(haufe_pattern(np.ones((5, 3)), np.full(5, 50.0)), 0.0)


def test_stability_of_equal_and_of_opposite_vectors():
    vector = np.array([1.0, -2.0, 3.0, 0.5])
    same = fold_stability(np.array([vector, 2 * vector, vector]))
    assert same.mean_correlation == pytest.approx(1)
    np.testing.assert_array_equal(same.sign_consistency, 1.0)
    mixed = fold_stability(np.array([vector, vector, -vector]))
    assert mixed.lowest_correlation == pytest.approx(-1)
    assert mixed.mean_correlation == pytest.approx(-1 / 3)
    np.testing.assert_allclose(mixed.sign_consistency, 2 / 3)


def test_parcel_means_average_the_edges_that_touch_a_parcel():
    # Edges in order: 12, 13, 14, 23, 24, 34.
    table = parcel_means(np.array([1.0, -2, 3, 4, 5, 6]), SPEC)
    np.testing.assert_allclose(table["mean"], [2 / 3, 10 / 3, 8 / 3, 14 / 3])
    np.testing.assert_allclose(table["mean_absolute"], [2, 10 / 3, 4, 14 / 3])
    assert table["n_edges"].tolist() == [3, 3, 3, 3]


def test_network_means_average_within_and_between_and_leave_unassigned_parcels_out():
    table = network_means(np.array([1.0, -2, 3, 4, 5, 6]), SPEC)
    rows = table.set_index(["network", "other_network"])
    assert rows.loc[("default", "default"), "mean"] == 1
    assert rows.loc[("default", "motor"), "mean"] == 1
    assert rows.loc[("default", "motor"), "mean_absolute"] == 3
    assert len(table) == 2


def test_the_diagonal_never_enters_a_parcels_mean():
    spec = ViewSpec(**{**SPEC.to_dict(), "layout": "upper_with_diagonal", "kind": "covariance"})
    first, second = np.triu_indices(4)
    table = parcel_means(np.where(first == second, 1e6, 1.0), spec)
    np.testing.assert_array_equal(table["mean"], 1.0)


def test_stability_table_has_a_row_per_level_and_averaging_makes_noise_steadier():
    rng = np.random.default_rng(3)
    planted = np.array([3.0, 1, -1, -2, 0.5, 2])
    table = stability_table(planted + rng.normal(0, 1, (8, 6)), SPEC).set_index("level")
    assert table.index.tolist() == ["edge", "parcel", "network"]
    assert table.loc["edge", "n_values"] == 6
    assert 0 < table.loc["edge", "mean_correlation"] < 1
    assert stability_table(np.array([planted] * 3), SPEC)[
        "mean_correlation"
    ].min() == pytest.approx(1)


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(ValueError, match="expected 6 values"):
        parcel_means(np.zeros(5), SPEC)
