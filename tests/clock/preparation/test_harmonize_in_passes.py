"""Harmonisers of features on disk are those that a fold in memory would have been given."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import HarmonizationOptions
from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.preparation.harmonize_in_passes import (
    HarmonizedView,
    harmonizers_in_passes,
    site_moves,
)
from brainage.clock.regressors.seen_features import SeenFeatures


@pytest.fixture
def cohort():
    """Three sites, one of them with a single scan, and two scans without a site."""
    rng = np.random.default_rng(1)
    n = 60
    site = np.array(["a", "b"] * 28 + ["b", "lone", None, None], dtype=object)
    rows = pd.DataFrame({"site": site, "age_years": rng.uniform(20, 80, n)})
    X = rng.normal(0.3, 0.2, (n, 15)) + 0.004 * rows["age_years"].to_numpy()[:, None]
    X[site == "b"] = X[site == "b"] * 1.5 + 0.1
    return X.astype(np.float32), rows


@pytest.mark.parametrize("method", ["center", "combat"])
@pytest.mark.parametrize("preserve_age", [True, False])
def test_each_training_set_is_harmonised_as_in_memory(cohort, method, preserve_age):
    X, rows = cohort
    options = HarmonizationOptions(
        method=method, preserve_age=preserve_age, unseen_site="calibrate"
    )
    trains = [np.arange(60), np.arange(0, 60, 3), np.arange(10, 60)]
    found = harmonizers_in_passes(X, rows, trains, options)
    seen = SeenFeatures(X, site_moves(found, rows), np.arange(3))
    peers = []
    for train, own in zip(trains, found, strict=True):
        peer = SiteHarmonizer(method, preserve_age, "calibrate")
        peer.fit_inside_fold(
            X[train].astype(float), rows["age_years"].iloc[train], site=rows["site"].iloc[train]
        )
        assert (own.sites_, own.unestimated_sites_) == (peer.sites_, peer.unestimated_sites_)
        for name in ("shift_", "scale_", "centre_", "trend_sd_", "trend_age_range_years_"):
            np.testing.assert_allclose(getattr(own, name), getattr(peer, name), atol=1e-6)
        np.testing.assert_allclose(own.trend_.weights, peer.trend_.weights, atol=1e-6)
        # Sites that this training set has not seen pass through, as in a held-out fold.
        peers.append(peer.transform(X.astype(float), site=rows["site"], unseen_site="pass_through"))
    # A vector a training set: products with moved features, without moving one.
    vectors = np.random.default_rng(2).normal(size=(15, 3))
    products, sums = np.zeros((60, 3)), np.zeros((15, 3))
    for part in seen.parts():
        weights, _, outer = part.on_stored(vectors)
        for members, block in part.blocks(float):
            products[members] = block @ weights + outer
            ones = np.ones((len(block), 3))
            sums += part.as_seen(block.T @ ones, ones.sum(axis=0), ones.sum(axis=0))
    for k, moved in enumerate(peers):
        np.testing.assert_allclose(products[:, k], moved @ vectors[:, k], atol=1e-5)
        np.testing.assert_allclose(sums[:, k], moved.sum(axis=0), atol=1e-4)


def test_a_view_is_harmonised_where_it_is_read(cohort):
    X, rows = cohort
    options = HarmonizationOptions(method="combat")
    harmonizer = harmonizers_in_passes(X, rows, [np.arange(60)], options)[0]
    view = HarmonizedView(X, rows, harmonizer)
    whole = harmonizer.transform(X, site=rows["site"])
    np.testing.assert_array_equal(view[:, 2:9], whole[:, 2:9])
    chosen = np.array([1, 5, 57, 59])
    np.testing.assert_array_equal(view[chosen, 4:15], whole[chosen, 4:15])
