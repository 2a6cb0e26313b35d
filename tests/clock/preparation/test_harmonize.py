"""Site effects are learnt from training scans alone and are defined for every site."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import check_estimator

from brainage.clock.preparation.harmonize import SiteHarmonizer
from brainage.clock.preparation.stored_harmonizer import (
    harmonizer_to_stored,
)
from brainage.errors import BrainAgeError, FeatureMismatchError

REFERENCE = Path(__file__).parents[2] / "reference_values" / "combat.json"


@pytest.fixture(scope="module")
def peer():
    """Values of neuroCombat and neuroHarmonize; made by scripts/reference/make_combat_values.py."""
    stored = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return {
        key: np.array(value) if isinstance(value, list) else value for key, value in stored.items()
    }


def _sites(n_per_site, p, *, seed=0, shift=0.5, age_slope=0.0):
    """Edges with a planted shift per site and an age trend; sites are named 'a', 'b', ..."""
    rng = np.random.default_rng(seed)
    site = np.repeat([chr(97 + i) for i in range(len(n_per_site))], n_per_site)
    age = rng.uniform(20, 80, len(site))
    planted = {s: rng.normal(0, shift, p) for s in np.unique(site)}
    X = np.array([planted[s] for s in site]) + rng.normal(0, 0.2, (len(site), p))
    return X + age_slope * (age - 50)[:, None], site, age, planted


@pytest.mark.parametrize("package", ["neurocombat", "neuroharmonize"])
def test_combat_equals_the_peers_without_age(peer, package):
    ours = SiteHarmonizer("combat").fit_transform(peer["features"], site=peer["site"])
    np.testing.assert_allclose(ours, peer[package]["without_age"], rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:harmonisation with preserve_age")
@pytest.mark.parametrize("package", ["neurocombat", "neuroharmonize"])
def test_combat_equals_the_peers_with_age_preserved(peer, package):
    harmonizer = SiteHarmonizer("combat", preserve_age=True)
    harmonizer.fit(peer["features"], peer["age_years"], site=peer["site"])
    ours = harmonizer.transform(peer["features"], site=peer["site"], age_years=peer["age_years"])
    np.testing.assert_allclose(ours, peer[package]["with_age"], rtol=0, atol=1e-6)


def test_chunks_of_edges_do_not_change_combat(peer, monkeypatch):
    whole = SiteHarmonizer("combat").fit_transform(peer["features"], site=peer["site"])
    monkeypatch.setattr("brainage.blocks.BLOCK_VALUES", 3 * len(peer["site"]))
    parts = SiteHarmonizer("combat").fit_transform(peer["features"], site=peer["site"])
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-12)


def test_center_gives_every_site_the_cohorts_mean():
    X, site, _, _ = _sites([30, 20, 10], 5)
    harmonised = SiteHarmonizer("center").fit_transform(X, site=site)
    for name in "abc":
        np.testing.assert_allclose(
            harmonised[site == name].mean(axis=0), X.mean(axis=0), atol=1e-12
        )


@pytest.mark.filterwarnings("ignore:harmonisation with preserve_age")
@pytest.mark.parametrize("method", ["center", "combat"])
def test_preserving_age_keeps_the_difference_between_a_young_and_an_old_site(method):
    rng = np.random.default_rng(1)
    site = np.repeat(["young", "old"], 300)
    age = np.concatenate([rng.uniform(20, 50, 300), rng.uniform(40, 70, 300)])
    X = 0.02 * age[:, None] + rng.normal(0, 0.1, (600, 40)) + 0.7 * (site == "old")[:, None]
    plain = SiteHarmonizer(method).fit_transform(X, site=site)
    kept = SiteHarmonizer(method, preserve_age=True).fit_transform(X, age, site=site)

    def difference(values):
        return values[site == "old"].mean() - values[site == "young"].mean()

    planted = 0.02 * (age[site == "old"].mean() - age[site == "young"].mean())
    assert difference(plain) == pytest.approx(0, abs=0.01)
    assert difference(kept) == pytest.approx(planted, abs=0.03)


@pytest.mark.parametrize("method", ["center", "combat"])
def test_held_out_scans_are_moved_by_the_training_sites_effect_alone(method):
    X, site, _, _ = _sites([40, 40], 6)
    train = np.arange(80) % 2 == 0
    harmonizer = SiteHarmonizer(method).fit(X[train], site=site[train])
    held_out = harmonizer.transform(X[~train], site=site[~train])
    changed = X.copy()
    changed[~train] += 100
    again = SiteHarmonizer(method).fit(changed[train], site=site[train])
    again_arrays = harmonizer_to_stored(again)[1]
    for name, array in harmonizer_to_stored(harmonizer)[1].items():
        np.testing.assert_array_equal(array, again_arrays[name])
    one = harmonizer.transform(X[~train][5:6], site=site[~train][5:6])
    np.testing.assert_array_equal(one[0], held_out[5])


def test_fitting_without_preserve_age_never_reads_the_target():
    X, site, age, _ = _sites([20, 20], 4)
    with_age = SiteHarmonizer("combat").fit(X, age, site=site)
    shuffled = SiteHarmonizer("combat").fit(X, age[::-1], site=site)
    np.testing.assert_array_equal(with_age.shift_, shuffled.shift_)


def test_unseen_site_is_refused_with_its_name_and_the_way_out():
    X, site, _, _ = _sites([20, 20], 4)
    harmonizer = SiteHarmonizer("combat", unseen_site="refuse").fit(X, site=site)
    with pytest.raises(FeatureMismatchError, match=r"found \['trial'\].*pass_through"):
        harmonizer.transform(X[:2], site=["a", "trial"])


def test_unseen_and_missing_sites_pass_through_unchanged():
    X, site, _, _ = _sites([20, 20], 4)
    harmonizer = SiteHarmonizer("combat", unseen_site="pass_through").fit(X, site=site)
    harmonised = harmonizer.transform(X[:5], site=["trial", None, np.nan, pd.NA, "a"])
    np.testing.assert_array_equal(harmonised[:4], X[:4])
    assert np.all(harmonised[4] != X[4])


def test_a_cohort_without_any_site_is_refused_instead_of_left_alone():
    X, _, _, _ = _sites([20, 20], 4)
    with pytest.raises(BrainAgeError, match="Fill the column 'site'"):
        SiteHarmonizer("combat").fit(X, site=[None] * 40)


def test_a_site_of_one_scan_passes_through_and_leaves_the_others_effects_alone():
    X, site, _, _ = _sites([20, 20, 1], 4)
    for method in ("center", "combat"):
        harmonizer = SiteHarmonizer(method, unseen_site="refuse").fit(X, site=site)
        without = SiteHarmonizer(method).fit(X[:40], site=site[:40])
        np.testing.assert_array_equal(harmonizer.shift_, without.shift_)
        assert harmonizer.unestimated_sites_ == ["c"]
        np.testing.assert_array_equal(harmonizer.transform(X[40:], site=["c"]), X[40:])


def test_edges_that_never_vary_stay_finite_and_unchanged():
    X, site, _, _ = _sites([10, 10], 5)
    X[:, 2] = 0.25
    harmonised = SiteHarmonizer("combat").fit_transform(X, site=site)
    assert np.isfinite(harmonised).all()
    np.testing.assert_allclose(harmonised[:, 2], 0.25, atol=0.1)


def _calibrated(method, n_new, *, new_age=(62, 70), seed=5):
    """A reference aged 20-80 with a planted trend, and a new site of old people with a shift."""
    X, site, age, _ = _sites([150, 150], 30, seed=seed, age_slope=0.03)
    rng = np.random.default_rng(seed + 1)
    harmonizer = SiteHarmonizer(method, unseen_site="calibrate").fit(X, age, site=site)
    old = rng.uniform(*new_age, n_new)
    clean = X.mean(axis=0) + 0.03 * (old - age.mean())[:, None] + rng.normal(0, 0.2, (n_new, 30))
    shifted = clean + rng.normal(0, 0.5, 30)
    return harmonizer, clean, shifted, old


@pytest.mark.parametrize(("method", "n_new"), [("center", 200), ("combat", 200), ("combat", 15)])
def test_calibration_removes_the_shift_and_keeps_the_age_difference(method, n_new):
    harmonizer, clean, shifted, old = _calibrated(method, n_new)
    calibrated = harmonizer.calibrate(shifted, site="trial", age_years=old)
    moved = calibrated.transform(shifted, site=["trial"] * n_new)
    # Old people lie 0.03 x 16 years above the reference's mean; raw centring would remove that.
    # Four standard errors: of the new site's mean, and of a four-weight trend of 300 scans.
    error = 0.2 * np.sqrt(1 / n_new + 4 / 300)
    np.testing.assert_allclose(moved.mean(axis=0), clean.mean(axis=0), atol=4 * error)
    assert moved.mean() - harmonizer.centre_.mean() == pytest.approx(0.03 * 16, abs=0.08)


def test_calibration_below_twenty_scans_corrects_location_only():
    harmonizer, _, shifted, old = _calibrated("combat", 19)
    calibrated = harmonizer.calibrate(shifted, site="trial", age_years=old)
    np.testing.assert_array_equal(calibrated.scale_[-1], 1.0)
    assert calibrated.calibrations_[0]["location_only"] is True
    harmonizer, _, shifted, old = _calibrated("combat", 20)
    calibrated = harmonizer.calibrate(shifted, site="trial", age_years=old)
    assert np.all(calibrated.scale_[-1] != 1.0)


def test_calibration_reports_both_age_distributions():
    harmonizer, _, shifted, _ = _calibrated("center", 40)
    record = harmonizer.calibrate(
        shifted, site="t", age_years=np.linspace(62, 90, 40)
    ).calibrations_
    assert record[0]["age_years"][0] == 62
    assert record[0]["age_years"][4] == 90
    reference = record[0]["reference_age_years"]
    np.testing.assert_allclose(reference, [20, 35, 50, 65, 80], atol=2)
    assert record[0]["n_outside_reference_ages"] == np.sum(np.linspace(62, 90, 40) > reference[-1])


def test_calibration_leaves_the_frozen_harmonizer_as_it_was():
    harmonizer, _, shifted, old = _calibrated("combat", 30)
    before = {name: array.copy() for name, array in harmonizer_to_stored(harmonizer)[1].items()}
    harmonizer.calibrate(shifted, site="trial", age_years=old)
    for name, array in harmonizer_to_stored(harmonizer)[1].items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(FeatureMismatchError, match="Calibrate the clock on baseline scans"):
        harmonizer.transform(shifted, site=["trial"] * 30)


def test_a_treatment_effect_after_baseline_survives_calibration():
    harmonizer, _, shifted, old = _calibrated("combat", 60)
    calibrated = harmonizer.calibrate(shifted, site="trial", age_years=old)
    effect = np.linspace(-0.2, 0.2, 30)
    site = ["trial"] * 60
    change = calibrated.transform(shifted + effect, site=site) - calibrated.transform(
        shifted, site=site
    )
    np.testing.assert_allclose(change, effect / calibrated.scale_[-1] + 0 * change, atol=1e-12)


def test_calibrating_a_known_site_or_without_a_trend_is_refused():
    harmonizer, _, shifted, old = _calibrated("center", 30)
    with pytest.raises(BrainAgeError, match="already known"):
        harmonizer.calibrate(shifted, site="a", age_years=old)
    X, site, _, _ = _sites([20, 20], 4)
    with pytest.raises(BrainAgeError, match="keeps no age trend"):
        SiteHarmonizer("center").fit(X, site=site).calibrate(X, site="n", age_years=np.ones(40))


def test_preserving_age_warns_that_it_uses_the_target():
    X, site, age, _ = _sites([20, 20], 4)
    with pytest.warns(UserWarning, match="inside each training fold"):
        SiteHarmonizer("center", preserve_age=True).fit(X, age, site=site)


def test_float32_edges_stay_float32():
    X, site, _, _ = _sites([30, 30], 6)
    harmonised = SiteHarmonizer("combat").fit_transform(X.astype(np.float32), site=site)
    assert harmonised.dtype == np.float32
    double = SiteHarmonizer("combat").fit_transform(X, site=site)
    np.testing.assert_allclose(harmonised, double, atol=1e-5)


@pytest.mark.parametrize("method", ["none", "center", "combat"])
def test_site_free_use_passes_scikit_learns_checks(method):
    check_estimator(SiteHarmonizer(method))


def test_site_free_use_changes_nothing():
    X, _, _, _ = _sites([30, 30], 6)
    np.testing.assert_array_equal(SiteHarmonizer("combat").fit_transform(X), X)


@pytest.mark.filterwarnings("error:harmonisation with preserve_age")
def test_inside_a_training_fold_the_warning_is_not_repeated():
    X, site, age, _ = _sites([20, 20], 4)
    SiteHarmonizer("center", preserve_age=True).fit_inside_fold(X, age, site=site)
