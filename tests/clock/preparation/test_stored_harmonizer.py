"""A harmoniser in a file is the harmoniser, or the file is none."""

import json

import numpy as np
import pytest

from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.preparation.stored_harmonizer import (
    harmonizer_from_stored,
    harmonizer_to_stored,
)
from brainage.errors import ClockFileError


@pytest.fixture
def scans():
    rng = np.random.default_rng(0)
    site, age = np.repeat(["a", "b", "c"], [30, 30, 1]), rng.uniform(20, 80, 61)
    shift = np.repeat([0.0, 0.5, 0.0], [30, 30, 1])[:, None]
    return rng.normal(0, 0.2, (61, 6)) + shift + 0.02 * (age - 50)[:, None], site, age


@pytest.mark.parametrize("method", ["none", "center", "combat"])
def test_arrays_and_json_rebuild_the_same_transform(method, scans):
    X, site, age = scans
    harmonizer = SiteHarmonizer(method, unseen_site="calibrate").fit(X, age, site=site)
    if method != "none":
        harmonizer = harmonizer.calibrate(X[:25] + 1, site="trial", age_years=age[:25])
    stored = json.loads(json.dumps(harmonizer_to_stored(harmonizer)[0], allow_nan=False))
    again = harmonizer_from_stored(
        stored, harmonizer_to_stored(harmonizer)[1], n_features=harmonizer.n_features_in_
    )
    labels = ["trial" if method != "none" else "a", *site[1:]]
    np.testing.assert_array_equal(
        again.transform(X, site=labels), harmonizer.transform(X, site=labels)
    )
    assert harmonizer_to_stored(again)[0] == harmonizer_to_stored(harmonizer)[0]


def _put(name, value):
    return lambda meta, arrays: (meta | {name: value}, arrays)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_put("method", "combet"), "harmonizer method: expected one of"),
        (_put("sites", ["a", "a"]), "expected each name once"),
        (_put("n_features", 7), "n_features: expected a whole number from 6 to 6"),
        (_put("preserve_age", 1), "expected true or false"),
        (_put("more", 1), "expected the keys"),
        (lambda m, a: (m, a | {"scale": a["scale"] * 0}), "'scale': expected values from"),
        (lambda m, a: (m, a | {"shift": a["shift"][:, :5]}), "'shift': expected shape"),
        (lambda m, a: (m, {k: v for k, v in a.items() if k != "trend_sd"}), "'trend_sd'"),
        (_put("calibrations", [{"site": "T"}]), "calibration: expected the keys"),
    ],
)
def test_description_or_array_that_makes_no_sense_is_refused(change, words, scans):
    X, site, age = scans
    fitted = SiteHarmonizer("combat", unseen_site="calibrate").fit(X, age, site=site)
    with pytest.raises(ClockFileError, match=words):
        harmonizer_from_stored(*change(*harmonizer_to_stored(fitted)), n_features=6)
