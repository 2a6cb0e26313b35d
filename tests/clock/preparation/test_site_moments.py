"""Site effects from sums over scans are those of the scans themselves."""

import numpy as np
import pytest

from brainage.clock.preparation.combat import estimate_site_effects
from brainage.clock.preparation.site_moments import moments_of_sites


@pytest.mark.parametrize("shrink", [True, False])
@pytest.mark.parametrize("with_age", [True, False])
def test_effects_of_every_training_set_equal_those_of_its_scans(shrink, with_age):
    rng = np.random.default_rng(0)
    labels = ["a"] * 20 + ["b"] * 15 + ["lone"] + [None] * 4
    age = rng.uniform(20, 80, 40)
    X = rng.normal(0.3, 0.2, (40, 12)) + 0.01 * age[:, None] + 0.3 * np.arange(40)[:, None] / 40
    X[:, 3] = 0.25
    trains = [np.arange(40), np.arange(3, 40, 2)]
    found = moments_of_sites(X, labels, age, trains, least_scans=2)
    for train, moments in zip(trains, found, strict=True):
        code = np.array([{"a": 0, "b": 1}.get(labels[i], -1) for i in train])
        centred = age[train] - age[train][code >= 0].mean()
        peer = estimate_site_effects(
            X[train], code, shrink=shrink, covariate=centred if with_age else None
        )
        own = moments.effects(shrink=shrink, with_age=with_age)
        for name in ("shift", "scale", "grand_mean", "covariate_slope", "covariate_mean"):
            np.testing.assert_allclose(getattr(own, name), getattr(peer, name), atol=1e-9)
