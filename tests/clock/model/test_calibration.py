"""A frozen clock learns a new site from baseline scans and from nothing that comes after."""

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock, ClockOptions, cross_validate_clock, fit_clock
from brainage.clock.model.calibration import calibrate_clock
from brainage.clock.options import HarmonizationOptions, ValidationOptions
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import BrainAgeError, FeatureMismatchError

P = 12
SPEC = ViewSpec(
    "fisher_z", "none", "upper", tuple(f"p{i}" for i in range(P)), ("a", "b") * 6, "toy", "0"
)
PLANTED = np.random.default_rng(99).normal(size=SPEC.n_features)


def _scans(ages, sites, *, shift=0.0, seed=0, prefix="r", session="n/a"):
    rng = np.random.default_rng(seed)
    values = 0.02 * np.outer(ages, PLANTED) + rng.normal(0, 0.5, (len(ages), len(PLANTED))) + shift
    rows = pd.DataFrame(
        {
            "participant_id": [f"{prefix}{i:03d}" for i in range(len(ages))],
            "session_id": session,
            "age_years": ages,
            "sex": None,
            "site": sites,
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    return FeatureTable({"fisher_z": View(values.astype(np.float32), SPEC)}, rows)


@pytest.fixture(scope="module")
def clock():
    ages = np.random.default_rng(1).uniform(20, 80, 160)
    reference = _scans(ages, np.where(np.arange(160) % 2 == 0, "A", "B"))
    options = ClockOptions(
        harmonization=HarmonizationOptions(method="combat", unseen_site="calibrate"),
        validation=ValidationOptions(n_folds=5, n_bootstrap=0),
    )
    return fit_clock(reference, options)


@pytest.fixture(scope="module")
def trial():
    """People of 62 to 70 on a scanner that shifts every edge along the ageing direction."""
    ages = np.random.default_rng(2).uniform(62, 70, 60)
    return _scans(ages, "trial", shift=0.4 * PLANTED, seed=3, prefix="t")


def test_calibration_removes_a_scanners_years_and_keeps_the_peoples(clock, trial):
    calibrated = calibrate_clock(clock, trial)
    scores = calibrated.score(trial)
    # The shift is worth 20 years; raw centring would put everyone at the reference's 50 years.
    assert scores["gap_corrected_years"].mean() == pytest.approx(0, abs=2)
    assert scores["predicted_age_years"].mean() > 58


def test_an_uncalibrated_clock_refuses_the_new_site(clock, trial):
    with pytest.raises(FeatureMismatchError, match="Calibrate the clock on baseline scans"):
        clock.score(trial)


def test_calibrated_clock_is_another_clock_that_saves_and_loads(clock, trial, tmp_path):
    calibrated = calibrate_clock(clock, trial)
    assert calibrated.clock_id != clock.clock_id
    calibrated.save(tmp_path / "trial.clock")
    again = BrainClock.load(tmp_path / "trial.clock")
    pd.testing.assert_frame_equal(again.score(trial), calibrated.score(trial))
    record = again.facts["calibrations"][0]
    assert (record["site"], record["n_scans"], record["location_only"]) == ("trial", 60, False)


def test_card_states_scans_and_ages_of_a_calibrated_site(clock, trial):
    words = calibrate_clock(clock, trial).card()["calibrated site trial"]
    assert words.startswith("60 baseline scans, ages 62.")
    assert words.endswith("location and scale")


@pytest.mark.parametrize("unseen_site", ["refuse", "calibrate"])
def test_a_site_held_out_whole_passes_through_in_validation(unseen_site):
    ages = np.random.default_rng(1).uniform(20, 80, 60)
    sites = np.where(np.arange(60) < 58, np.where(np.arange(60) % 2 == 0, "A", "B"), "C")
    reference = _scans(ages, sites)
    validation = ValidationOptions(n_folds=5, n_bootstrap=0, leave_one_site_out=True)

    def predictions(choice):
        harmonization = HarmonizationOptions(method="center", unseen_site=choice)
        options = ClockOptions(harmonization=harmonization, validation=validation)
        return cross_validate_clock(reference, options)

    strict, lenient = predictions(unseen_site), predictions("pass_through")
    for name in ("predictions", "leave_one_site_out"):
        pd.testing.assert_frame_equal(getattr(strict, name), getattr(lenient, name))


def test_reference_sites_score_as_before(clock, trial):
    calibrated = calibrate_clock(clock, trial)
    new = _scans(np.array([30.0, 60.0]), ["A", "B"], seed=5, prefix="n")
    before, after = clock.score(new), calibrated.score(new)
    columns = ["predicted_age_years", "gap_corrected_years", "interval_low_years"]
    pd.testing.assert_frame_equal(before[columns], after[columns])


def test_a_second_scan_of_a_person_is_refused(clock, trial):
    twice = trial.select(np.array([0, 1, 2, 1]))
    with pytest.raises(BrainAgeError, match=r"one baseline scan a person.*t001"):
        calibrate_clock(clock, twice)


def test_known_sites_alone_and_missing_ages_are_refused(clock, trial):
    with pytest.raises(BrainAgeError, match="every scan is of a site"):
        calibrate_clock(clock, _scans(np.array([30.0, 60.0]), "A", prefix="n"))
    ageless = _scans(np.array([65.0, np.nan]), "trial", prefix="n")
    with pytest.raises(BrainAgeError, match="found 1 without"):
        calibrate_clock(clock, ageless)


def test_a_clock_without_an_age_trend_says_how_to_train_one(trial):
    ages = np.random.default_rng(1).uniform(20, 80, 60)
    options = ClockOptions(validation=ValidationOptions(n_folds=5, n_bootstrap=0))
    plain = fit_clock(_scans(ages, "A"), options)
    with pytest.raises(BrainAgeError, match="unseen_site: calibrate"):
        calibrate_clock(plain, trial)


def test_network_clocks_calibrate_on_their_own_edges(trial):
    ages = np.random.default_rng(1).uniform(20, 80, 120)
    reference = _scans(ages, np.where(np.arange(120) % 2 == 0, "A", "B"))
    options = ClockOptions(
        harmonization=HarmonizationOptions(method="center", unseen_site="calibrate"),
        validation=ValidationOptions(n_folds=5, n_bootstrap=0),
    )
    calibrated = calibrate_clock(fit_clock(reference, options, network="a"), trial)
    assert calibrated.score(trial)["gap_corrected_years"].mean() == pytest.approx(0, abs=4)
