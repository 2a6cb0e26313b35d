"""Rows of matrices made elsewhere: as of series, where a matrix can say it."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.connectivity.matrix_rows import matrix_rows, refuse_kinds_of_series
from brainage.errors import SeriesError


def matrix(seed=0):
    return np.corrcoef(np.random.default_rng(seed).normal(size=(5, 60)))


def test_runs_are_averaged_in_fisher_z_and_one_run_is_its_own():
    upper = np.triu_indices(5, 1)
    first, second = matrix(0), matrix(1)
    rows, missing = matrix_rows([first, second], kinds=["fisher_z"], asked="none")
    expected = (np.arctanh(first[upper]) + np.arctanh(second[upper])) / 2
    np.testing.assert_allclose(rows["fisher_z"], expected, rtol=1e-5)
    assert not missing.any()
    rows, _ = matrix_rows([first], kinds=["pearson"], asked="none")
    np.testing.assert_allclose(rows["pearson"], first[upper], rtol=1e-6)


def test_a_parcel_missing_in_one_run_is_missing_in_the_session():
    broken = matrix()
    broken[2, :] = broken[:, 2] = np.nan
    rows, missing = matrix_rows([matrix(1), broken], kinds=["fisher_z"], asked="none")
    assert missing.tolist() == [False, False, True, False, False]
    assert np.isnan(rows["fisher_z"]).sum() == 4


def test_what_needs_volumes_is_refused_by_name():
    with pytest.raises(SeriesError, match="matrices cannot give lagged, amplitude"):
        refuse_kinds_of_series(["fisher_z", "lagged", "amplitude"])
