"""Signals have the planted covariance, in the band, and motion does what it should."""

import numpy as np
import pytest

from brainage.connectivity import build_features
from brainage.synthetic.motion import artefact_fields, displacement_mm, draw_motion
from brainage.synthetic.seeds import stream
from brainage.synthetic.signal import draw_coefficients, fisher_z_rows, make_band, to_series


@pytest.fixture(scope="module")
def band():
    return make_band(100, 2.0, 0.01, 0.1)


def test_band_functions_are_orthonormal_without_mean(band):
    np.testing.assert_allclose(band.basis.T @ band.basis, np.eye(band.basis.shape[1]), atol=1e-12)
    np.testing.assert_allclose(band.basis.mean(axis=0), 0, atol=1e-14)
    assert (band.amplitude**2).mean() == pytest.approx(1.0)


def test_series_have_no_power_outside_the_band(band):
    coefficients = draw_coefficients(band, np.full((3, 2), 0.5), np.ones(3), stream(0, "test"))
    power = np.abs(np.fft.rfft(to_series(band, coefficients), axis=0)) ** 2
    frequencies = np.fft.rfftfreq(100, 2.0)
    outside = (frequencies < 0.01 - 1e-9) | (frequencies > 0.1 + 1e-9)
    assert power[outside].max() < 1e-20 * power.max()


def test_mean_covariance_of_many_scans_is_the_planted_one(band):
    loadings = np.array([[0.8, 0.0], [0.6, -0.3], [0.1, 0.7]])
    unshared = np.array([0.5, 0.7, 0.4])
    expected = loadings @ loadings.T + np.diag(unshared**2)
    drawn = [draw_coefficients(band, loadings, unshared, stream(0, "test", i)) for i in range(3000)]
    mean = np.mean([c.T @ c / len(c) for c in drawn], axis=0)
    # Standard error of an element: about sqrt(2 / (3000 * 36)) = 0.004; five of them.
    np.testing.assert_allclose(mean, expected, atol=0.02)


def test_edges_equal_the_fisher_z_of_the_series(band):
    coefficients = draw_coefficients(band, np.eye(4), np.full(4, 0.8), stream(1, "test"))
    correlation = np.corrcoef(to_series(band, coefficients).T)
    expected = np.arctanh(correlation[np.triu_indices(4, k=1)])
    np.testing.assert_allclose(fisher_z_rows(coefficients), expected, atol=1e-6)


def test_feature_depth_equals_features_built_from_the_series_up_to_rounding(study):
    table = study.features("trial")
    built = build_features(list(study.series("trial")), table.rows)
    assert built["fisher_z"].spec == table["fisher_z"].spec
    for key in ("participant_id", "session_id"):
        assert built.rows[key].tolist() == table.rows[key].tolist()
    # Series are rounded to 0.001 standard deviations.
    np.testing.assert_allclose(built["fisher_z"].values, table["fisher_z"].values, atol=2e-3)


def test_mean_displacement_is_the_one_asked_for():
    motion = draw_motion(90, 0.23, stream(0, "motion"))
    assert motion.mean_fd_mm == pytest.approx(0.23, rel=1e-12)
    assert np.isnan(motion.fd_mm[0])
    np.testing.assert_allclose(motion.fd_mm[1:], displacement_mm(motion.parameters)[1:])


def test_displacement_follows_power_with_a_50_mm_head():
    parameters = np.array([[0, 0, 0, 0, 0, 0], [0.1, -0.2, 0, 0.01, 0, -0.002]])
    assert displacement_mm(parameters)[1] == pytest.approx(0.3 + 50 * 0.012)


def test_artefact_is_shared_more_by_near_places_than_by_far_ones():
    places = np.array([[-40.0, -60, 20], [-35, -60, 25], [40, 40, 20]])
    fields = artefact_fields(places)[:, 1:]
    shared = fields @ fields.T
    assert shared[0, 1] > 5 * shared[0, 2]


def test_motion_pulls_moving_scans_away_from_their_neural_signal(study):
    row = study.truth.iloc[0].copy()
    away = []
    for fd_mm in (0.05, 0.8):
        row["mean_fd_mm"] = fd_mm
        neural = fisher_z_rows(study.neural_coefficients(row))
        away.append(np.abs(fisher_z_rows(study.coefficients(row)) - neural).mean())
    assert away[1] > 5 * away[0]
