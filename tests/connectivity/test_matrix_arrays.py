"""Half-vectorised rows of any order come back whole."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.connectivity.matrix_arrays import array_row

P = 4
MATRIX = np.corrcoef(np.random.default_rng(0).normal(size=(P, 20)))


@pytest.mark.parametrize(
    ("triangle", "indices"), [("upper", np.triu_indices), ("lower", np.tril_indices)]
)
@pytest.mark.parametrize("diagonal", [0, 1])
def test_a_row_is_its_matrix_with_or_without_diagonal(tmp_path, triangle, indices, diagonal):
    offset = 0 if not diagonal else (1 if triangle == "upper" else -1)
    rows = np.array([MATRIX[indices(P, offset)]])
    np.savez(tmp_path / "a.npz", values=rows, ids=["1"])
    found = array_row(tmp_path / "a.npz", 0, triangle)
    np.testing.assert_allclose(found, MATRIX, atol=1e-12)
