"""The fixed part of the model: covariances are valid and move as planted."""

import numpy as np
import pytest

from brainage.synthetic import make_study
from brainage.synthetic.options import DifficultyOptions
from brainage.synthetic.world import ageing_curves, make_world, regional_loadings

QUIET = DifficultyOptions(
    ageing=0.1,
    person_offset_sd_years=0.0,
    state_sd_years=0.0,
    person_connectivity=0.0,
    person_diffuse=0.0,
    scan_connectivity=0.0,
    visit_connectivity=0.0,
    site_shift=0.0,
    site_scale=0.0,
    motion=0.0,
)


def correlation(covariance):
    scale = np.sqrt(np.diag(covariance))
    return covariance / np.outer(scale, scale)


def at_brain_age(study, years):
    row = study.truth.iloc[0].copy()
    row["brain_age_years"] = years
    return correlation(study.covariance(row))


@pytest.fixture(scope="module")
def quiet(parcels, options):
    return make_study(options.model_copy(update={"difficulty": QUIET}), seed=1, parcels=parcels)


@pytest.mark.parametrize("years", [0.0, 50.0, 120.0])
def test_covariance_is_positive_definite_at_any_brain_age(study, years):
    row = study.truth.iloc[0].copy()
    row["brain_age_years"] = years
    assert np.linalg.eigvalsh(study.covariance(row)).min() > 0.1


def test_networks_lose_cohesion_with_age(quiet, parcels):
    networks = np.array([n or "-" for n in parcels.networks])
    pairs = np.triu_indices(len(parcels), k=1)
    within = (networks[pairs[0]] == networks[pairs[1]]) & (networks[pairs[0]] != "-")
    young, old = (at_brain_age(quiet, years)[pairs][within].mean() for years in (25.0, 75.0))
    assert young - old > 0.05


def test_ageing_is_not_linear_in_age(quiet):
    low, middle, high = (at_brain_age(quiet, years) for years in (20.0, 50.0, 80.0))
    bend = np.abs((low + high) / 2 - middle)
    assert bend.max() > 0.02
    assert ageing_curves(50.0) == pytest.approx([0.0, -0.4])


def test_scans_of_equal_brain_age_have_equal_covariance_without_other_effects(quiet):
    first, second = quiet.truth.iloc[0].copy(), quiet.truth.iloc[7].copy()
    first["brain_age_years"] = second["brain_age_years"] = 60.0
    np.testing.assert_array_equal(quiet.covariance(first), quiet.covariance(second))


def test_a_persons_own_connectivity_is_the_same_at_every_visit(parcels, options):
    stable = QUIET.model_copy(update={"person_connectivity": 0.2, "person_diffuse": 0.2})
    study = make_study(options.model_copy(update={"difficulty": stable}), seed=1, parcels=parcels)
    trial = study.truth[study.truth["cohort"] == "trial"]
    rows = [row.copy() for _, row in trial.iloc[:4].iterrows()]
    for row in rows:
        row["brain_age_years"], row["regional_z"] = 60.0, 0.0
    same, later, other = (study.covariance(rows[i]) for i in (0, 2, 3))
    np.testing.assert_allclose(same, later, atol=1e-12)
    assert np.abs(same - other).max() > 0.05


def test_regional_effect_raises_prefrontal_covariance_alone(parcels):
    world = make_world(parcels, 0)
    before = world.base @ world.base.T
    after_loadings = world.base + regional_loadings(world, 0.07)
    rise = after_loadings @ after_loadings.T - before
    expected = np.where(np.outer(world.prefrontal, world.prefrontal), 0.07, 0.0)
    assert world.prefrontal.sum() == 8
    np.testing.assert_allclose(rise, expected, atol=1e-12)


def test_another_population_seed_is_another_world(parcels):
    assert np.abs(make_world(parcels, 0).base - make_world(parcels, 1).base).max() > 0.1
