"""One session's rows: each kind from its signals, runs joined without their levels and gains."""

import numpy as np
import pytest

from brainage.connectivity.session_rows import SessionSignals, connectivity_rows
from brainage.errors import TooFewVolumesError

RNG = np.random.default_rng(0)
RUNS = [RNG.normal(size=(40, 4)) @ RNG.normal(size=(4, 4)) for _ in range(2)]
KEPT = [np.arange(40), np.arange(40)]
UPPER = np.triu_indices(4, 1)


def rows_of(runs, kinds=("pearson", "fisher_z"), kept=KEPT, shrinkage="none"):
    return connectivity_rows(runs, kept, kinds=kinds, shrinkage=shrinkage)


def test_correlation_of_one_run_is_numpys_and_fisher_z_its_arctanh():
    rows, missing = rows_of(RUNS[:1], kept=KEPT[:1])
    expected = np.corrcoef(RUNS[0].T)[UPPER]
    np.testing.assert_allclose(rows["pearson"], expected, atol=1e-6)
    np.testing.assert_allclose(rows["fisher_z"], np.arctanh(expected), atol=1e-5)
    assert not missing.any()


def test_levels_and_gains_of_a_run_do_not_look_like_signal():
    moved = [RUNS[0], 50.0 + 7.0 * RUNS[1]]
    for kind in ("pearson", "log_covariance", "amplitude"):
        one, other = (rows_of(runs, (kind,))[0][kind] for runs in (RUNS, moved))
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_lag_is_taken_between_volumes_that_follow_one_another():
    keep = np.delete(np.arange(40), 10)
    gaps = [RUNS[0][keep], RUNS[1]]
    found = SessionSignals(gaps, [keep, np.arange(40)], "none").lagged()
    parts = [(r - r.mean(0)) / r.std(0) for r in gaps]
    first = np.vstack([parts[0][:9], parts[0][10:-1], parts[1][:-1]])
    second = np.vstack([parts[0][1:10], parts[0][11:], parts[1][1:]])
    np.testing.assert_allclose(found, first.T @ second / len(first), atol=1e-10)


def test_parcel_without_a_signal_is_missing_in_its_edges_alone():
    bare = [run.copy() for run in RUNS]
    bare[1][:, 2] = 3.0
    rows, missing = rows_of(bare)
    assert missing.tolist() == [False, False, True, False]
    touched = (UPPER[0] == 2) | (UPPER[1] == 2)
    assert np.isnan(rows["pearson"][touched]).all()
    whole, _ = rows_of(RUNS)
    np.testing.assert_allclose(rows["pearson"][~touched], whole["pearson"][~touched], atol=1e-6)


@pytest.mark.parametrize(
    ("n", "kinds", "words"),
    [
        (9, ("pearson",), "at least 10 kept volumes, found 9"),
        (4, ("partial",), "at least 10"),
    ],
)
def test_too_few_volumes_are_refused(n, kinds, words):
    with pytest.raises(TooFewVolumesError, match=words):
        rows_of([RUNS[0][:n]], kinds, [np.arange(n)])


def test_inverse_of_an_unshrunk_matrix_needs_more_volumes_than_parcels():
    wide = [np.random.default_rng(1).normal(size=(12, 12))]
    with pytest.raises(TooFewVolumesError, match="more kept volumes than the 12 parcels"):
        rows_of(wide, ("partial",), [np.arange(12)])
    shrunk, _ = rows_of(wide, ("partial",), [np.arange(12)], "ledoit_wolf")
    assert np.isfinite(shrunk["partial"]).all()
