"""A study is its seed: same people, and the same scans with and without effect."""

from __future__ import annotations

import numpy as np

from brainage.synthetic import make_study


def test_equal_seeds_are_equal_studies_and_others_are_not(options, parcels, study):
    again = make_study(options, seed=3, parcels=parcels)
    assert again.truth.equals(study.truth)
    assert not make_study(options, seed=4, parcels=parcels).truth.equals(study.truth)


def test_the_counterfactual_of_control_is_itself_and_of_treatment_is_not(study):
    scans = study.scans("trial")
    later = scans[scans["visit"] > 0]
    for arm, same in (("CON", True), ("HRT", False)):
        row = later[later["arm"] == arm].iloc[0]
        with_, without = study.covariance(row), study.covariance(row, counterfactual=True)
        assert np.allclose(with_, without) == same


def test_features_are_those_of_the_series(study):
    edges = study.features("reference")["fisher_z"].values[0]
    series = next(study.series("reference"))
    correlation = np.corrcoef(series.values.T)[np.triu_indices(len(study.parcels), 1)]
    np.testing.assert_allclose(np.arctanh(correlation), edges, atol=5e-3)
