"""Linear models are one weight a feature, through scans as through features."""

import numpy as np
import pytest

from brainage.clock.regressors.lines import (
    FeatureLine,
    GramLine,
    freeze_lines,
    weights_of_lines,
)
from brainage.errors import BrainAgeError

RNG = np.random.default_rng(0)
VIEWS = [RNG.normal(2.0, 1.0, (12, 7)), RNG.normal(size=(12, 4))]
TRAIN = np.arange(9)


def gram_line(scale="years", seed=1):
    rng = np.random.default_rng(seed)
    return GramLine([rng.normal(size=9) / 50 for _ in VIEWS], 4.0, {}, scale)


def test_line_through_scans_is_its_weights_on_features_that_are_not_centred():
    model = gram_line()
    means = [view[TRAIN].mean(axis=0) for view in VIEWS]
    products = [(v[9:] - m) @ (v[TRAIN] - m).T for v, m in zip(VIEWS, means, strict=True)]
    # Duals of a ridge add up to nothing, or the mean would enter twice.
    centred = GramLine([d - d.mean() for d in model.duals], model.intercept)
    weights, intercepts = weights_of_lines([centred], [TRAIN], VIEWS)
    expected = centred.predict(products)
    np.testing.assert_allclose(np.hstack(VIEWS)[9:] @ weights[0] + intercepts[0], expected)


@pytest.mark.parametrize("make", [gram_line, lambda seed: FeatureLine(np.arange(11.0) * seed, 2.0)])
def test_frozen_mean_of_models_predicts_their_mean(make):
    models = [make(seed=seed) for seed in (1, 2)]
    if isinstance(models[0], GramLine):
        models = [GramLine([d - d.mean() for d in m.duals], m.intercept) for m in models]
    weights, intercepts = weights_of_lines(models, [TRAIN, TRAIN], VIEWS)
    frozen = freeze_lines(models, [TRAIN, TRAIN], VIEWS)
    whole = np.hstack(VIEWS)
    expected = (whole @ weights.T + intercepts).mean(axis=1)
    np.testing.assert_allclose(frozen.predict_rows(whole), expected)


def test_models_on_several_age_scales_have_no_mean():
    with pytest.raises(BrainAgeError, match=r"chose the age scales \['log', 'years'\]"):
        freeze_lines([gram_line(), gram_line("log")], [TRAIN, TRAIN], VIEWS)


@pytest.mark.parametrize(("scale", "years"), [("years", 5.0), ("sqrt", 25.0)])
def test_prediction_comes_back_from_the_age_scale(scale, years):
    assert FeatureLine(np.ones(2), 3.0, {}, scale).predict(np.ones((1, 2))) == pytest.approx(years)
