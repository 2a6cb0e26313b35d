"""What is read of a clock's own record, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial.analyses.clock_facts import ClockFacts, shares_of_one_kind


def test_accuracy_of_the_folds_is_read_and_not_that_of_new_sites():
    facts = ClockFacts.of(
        {
            "metrics": [
                {"metric": "MAE", "validation": "10-fold", "estimate": 6.4},
                {"metric": "MAE_median", "validation": "10-fold", "estimate": 14.9},
                {"metric": "r", "validation": "10-fold", "estimate": 0.8},
                {"metric": "MAE", "validation": "leave one site out", "estimate": 9.0},
            ],
            "gap_slope_out_of_fold": {"before": {"slope": -0.3}},
            "alpha": 3.0,
        }
    )
    assert (facts.mae_years, facts.mae_of_median_years, facts.r) == (6.4, 14.9, 0.8)
    assert facts.gap_slope == -0.3
    assert np.isnan(facts.share)


def test_values_under_their_own_names_come_first_and_none_is_not_known():
    facts = ClockFacts.of({"share": 0.4, "share_kind": "planted", "r": None})
    assert (facts.share, facts.share_kind) == (0.4, "planted")
    assert np.isnan(facts.r)


def test_no_record_is_nothing_known():
    assert ClockFacts.of(None).share_kind == ""


def test_share_within_sites_is_one_plus_the_slope_with_its_error():
    facts = ClockFacts.of(
        {"gap_slope_within_sites": {"slope": -0.4, "low": -0.5, "high": -0.3, "n": 500}}
    )
    assert (facts.share, facts.share_kind) == (0.6, "within site")
    assert abs(facts.share_se - 0.0509) < 1e-4


def test_halves_of_scans_tell_the_noise_of_a_scan_and_the_planted_share():
    facts = ClockFacts.of(
        {
            "metrics": [
                {"metric": "RMSE", "validation": "10-fold", "estimate": 8.0},
                {"metric": "R2", "validation": "10-fold", "estimate": 0.75},
            ],
            "gap_slope_out_of_fold": {"before": {"slope": -0.25}},
            "gap_slope_within_sites": {"slope": -0.4, "low": -0.5, "high": -0.3, "n": 500},
            "efficiency": [
                {"measure": "within_scan_noise_years", "estimate": 3.0, "n": 200},
                {"measure": "share_planted", "estimate": 0.5, "low": 0.4, "high": 0.6, "n": 90},
            ],
        }
    )
    assert (facts.retest_sem_years, facts.retest_df) == (3.0, 199.0)
    # Ages vary by 64 / .25 = 256; the slope takes .25^2 of that off 64: 48 are left.
    assert facts.retest_icc == pytest.approx(1 - 9 / 48)
    assert (facts.share, facts.share_kind) == (0.5, "planted")
    assert facts.share_se == pytest.approx(0.051, abs=1e-3)


def test_efficiency_that_was_not_measured_is_not_known():
    row = {"measure": "within_scan_noise_years", "estimate": None, "n": 0}
    assert np.isnan(ClockFacts.of({"efficiency": [row]}).retest_sem_years)


def test_shares_that_are_compared_are_of_one_kind():
    within = {"gap_slope_within_sites": {"slope": -0.3, "low": -0.4, "high": -0.2, "n": 100}}
    planted = {"efficiency": [{"measure": "share_planted", "estimate": 0.9, "n": 50}]}
    both = {"whole_brain": within | planted, "Visual": within}
    shares = {name: ClockFacts.of(each) for name, each in shares_of_one_kind(both).items()}
    assert {each.share_kind for each in shares.values()} == {"within site"}
    assert {round(each.share, 12) for each in shares.values()} == {0.7}
    # Without any other share of the same kind, none.
    alone = shares_of_one_kind({"whole_brain": planted, "Visual": within})
    assert np.isnan(ClockFacts.of(alone["whole_brain"]).share)
    everyone = {"whole_brain": within | planted, "Visual": planted}
    assert shares_of_one_kind(everyone) == everyone
    given = {"whole_brain": {"share": 0.9, "share_kind": "planted"}, "Visual": within}
    kept = shares_of_one_kind(given, given=["whole_brain"])
    assert ClockFacts.of(kept["whole_brain"]).share == 0.9
