"""A clock names what differs in features it refuses, and the key that mends it."""

from dataclasses import replace

import pytest

from brainage.clock import ClockOptions, ValidationOptions, fit_clock
from brainage.connectivity import FeatureTable, View
from brainage.errors import FeatureMismatchError


@pytest.fixture(scope="module")
def clock(make_cohort):
    options = ClockOptions(validation=ValidationOptions(n_folds=4, n_bootstrap=0))
    fitted = fit_clock(make_cohort(40), options)
    return replace(fitted, facts={**fitted.facts, "cleaning": "36P, 0.01-0.1 Hz"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"atlas": "aal"}, "expected toy, found aal.*science.atlas.name: toy"),
        ({"shrinkage": "oas"}, "expected none, found oas.*science.connectivity.shrinkage: none"),
        ({"cleaning_fingerprint": "x"}, r"cleaning_fingerprint.*science.cleaning \(36P, 0.01-0.1"),
        ({"parcel_names": tuple("abcdefghij")}, "lacking p0, p1.*science.atlas.name: toy"),
        ({"networks": ("a",) * 10}, "other networks.*science.atlas.name: toy"),
    ],
)
def test_features_of_another_making_are_refused_with_the_fix(clock, make_cohort, change, words):
    features = make_cohort(5, seed=1)
    view = features.views["fisher_z"]
    other = View(view.values, replace(view.spec, **change))
    with pytest.raises(FeatureMismatchError, match=words):
        clock.score(FeatureTable({"fisher_z": other}, features.rows))
