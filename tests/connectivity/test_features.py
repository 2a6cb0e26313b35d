"""A feature table: rows and views go together, on disk and in selections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainage.connectivity import FeatureTable, View
from brainage.errors import FeatureMismatchError
from brainage.synthetic import examples


def test_a_selection_keeps_rows_and_views_together():
    features = examples.features()
    old = features.select(features.ages > 60)
    assert (old.ages > 60).all()
    first = int(np.flatnonzero(features.ages > 60)[0])
    np.testing.assert_array_equal(old["fisher_z"].values[0], features["fisher_z"].values[first])


def test_what_is_saved_is_loaded(tmp_path):
    features = examples.features().select(np.arange(5))
    features.save(tmp_path)
    loaded = FeatureTable.load(tmp_path)
    np.testing.assert_array_equal(loaded["fisher_z"].values, features["fisher_z"].values)
    assert loaded.rows["participant_id"].tolist() == features.rows["participant_id"].tolist()
    assert loaded["fisher_z"].spec == features["fisher_z"].spec


def test_rows_that_do_not_fit_the_views_and_absent_views_are_refused():
    features = examples.features()
    view = features["fisher_z"]
    with pytest.raises(FeatureMismatchError, match="expected shape"):
        replace(features, views={"fisher_z": View(view.values[:3], view.spec)})
    with pytest.raises(FeatureMismatchError, match="the features hold fisher_z"):
        features["tangent"]


def test_an_unfinished_folder_is_refused(tmp_path):
    with pytest.raises(FeatureMismatchError):
        FeatureTable.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"views": {', '"views": 5, "others": {'),
        ('"dropped_parcels": []', '"dropped_parcels": 3'),
        ('"layout": "upper"', '"layout": 1e308'),
        ('"atlas": "lattice24"', '"atlas": null'),
        ('"parcel_names": [', '"parcel_names": [7, '),
    ],
)
def test_a_spec_that_says_no_views_is_refused_in_words(tmp_path, old, new):
    examples.features().save(tmp_path)
    spec = tmp_path / "spec.json"
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new, 1))
    with pytest.raises(FeatureMismatchError, match="expected|cannot be"):
        FeatureTable.load(tmp_path)
