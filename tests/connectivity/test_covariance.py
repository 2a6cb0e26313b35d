"""Claims about correlation, shrinkage, partial and lagged connectivity of one scan."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf

from brainage.connectivity import covariance as cov
from brainage.errors import MatrixError, TooFewVolumesError

from .toy import make_series

SIGNALS = make_series(1, n_volumes=80).values


def _nilearn(kind: str, estimator) -> np.ndarray:
    measure = ConnectivityMeasure(kind=kind, cov_estimator=estimator, standardize=False)
    return measure.fit_transform([SIGNALS])[0]


def test_pearson_equals_nilearn_and_numpy():
    found = cov.pearson(SIGNALS)
    np.testing.assert_allclose(found, np.corrcoef(SIGNALS.T), atol=1e-13)
    np.testing.assert_allclose(found, _nilearn("correlation", EmpiricalCovariance()), atol=1e-12)


def test_fisher_z_is_arctanh_and_finite_for_a_parcel_listed_twice():
    correlation = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert cov.fisher_z(correlation)[0, 1] == pytest.approx(0.5493061443340549, abs=1e-15)
    assert np.isfinite(cov.fisher_z(correlation)).all()


@pytest.mark.parametrize("n_volumes", [6 + cov.MIN_VOLUMES, 80])
@pytest.mark.parametrize(("name", "peer"), [("ledoit_wolf", LedoitWolf), ("oas", OAS)])
def test_shrunk_covariances_equal_scikit_learns(name, peer, n_volumes):
    signals = SIGNALS[:n_volumes]
    expected = peer().fit(signals).covariance_
    np.testing.assert_allclose(
        cov.estimate_covariance(signals, shrinkage=name), expected, rtol=1e-10, atol=1e-12
    )


def test_partial_correlation_equals_nilearns():
    covariance = cov.estimate_covariance(SIGNALS, shrinkage="ledoit_wolf")
    expected = _nilearn("partial correlation", LedoitWolf())
    np.testing.assert_allclose(cov.partial_correlation(covariance), expected, atol=1e-10)


def test_partial_correlation_of_a_singular_matrix_says_what_to_do():
    with pytest.raises(MatrixError, match="Use shrinkage 'ledoit_wolf'"):
        cov.partial_correlation(np.ones((3, 3)))


def test_lagged_covariance_finds_the_parcel_that_leads():
    rng = np.random.default_rng(0)
    leader = rng.standard_normal(400)
    signals = cov.standardize(np.column_stack([leader, np.roll(leader, 1)])[1:])
    lagged = cov.lagged_covariance(signals, follows=np.ones(398, dtype=bool))
    assert lagged[0, 1] == pytest.approx(1.0, abs=0.01)
    assert abs(lagged[1, 0]) < 0.15


def test_lagged_pairs_never_cross_a_gap():
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((40, 3))
    follows = np.ones(39, dtype=bool)
    follows[19] = False
    whole = cov.lagged_covariance(signals, follows=follows)
    halves = [signals[:20], signals[20:]]
    expected = sum(half[:-1].T @ half[1:] for half in halves) / 38
    np.testing.assert_allclose(whole, expected, atol=1e-14)
    with pytest.raises(TooFewVolumesError, match="found 0"):
        cov.lagged_covariance(signals, follows=np.zeros(39, dtype=bool))


def test_constant_nan_and_infinite_parcels_are_missing_and_a_small_signal_is_not():
    signals = SIGNALS.copy()
    signals[:, 0], signals[3, 1], signals[5, 2] = 7.1, np.nan, np.inf
    signals[:, 3] = 1e-6 * signals[:, 3]
    np.testing.assert_array_equal(cov.find_missing(signals), [1, 1, 1, 0, 0, 0, 0, 0, 0])


def test_amplitude_ignores_gain_and_is_zero_for_standardised_series():
    relative = cov.remove_gain(SIGNALS)
    np.testing.assert_allclose(cov.remove_gain(37.0 * SIGNALS), relative, atol=1e-12)
    amplitude = cov.relative_amplitude(relative)
    assert np.argmax(amplitude) == np.argmax(SIGNALS.std(axis=0))
    assert amplitude.mean() == pytest.approx(0, abs=1e-12)
    assert amplitude.std() == pytest.approx(1, abs=1e-12)
    np.testing.assert_array_equal(cov.relative_amplitude(cov.standardize(SIGNALS)), 0.0)


def test_fixed_shrinkage_keeps_the_total_variance():
    covariance = cov.estimate_covariance(SIGNALS, shrinkage="none")
    shrunk = cov.shrink_fixed(covariance, 0.8)
    assert np.trace(shrunk) == pytest.approx(np.trace(covariance), rel=1e-12)
    assert shrunk[0, 1] == pytest.approx(0.2 * covariance[0, 1], rel=1e-12)
