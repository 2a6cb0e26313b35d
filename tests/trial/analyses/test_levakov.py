"""Levakov's outcome: sign, cancellation between arms, and what the bootstrap adds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial import levakov_outcome
from brainage.trial.design.join import join_scores

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, r_values, trial_data  # noqa: E402

VISITS = ("1 year", "2 years")


def outcome_of(scores, design, **given):
    data = join_scores(scores, design, outcome="gap_years")
    return data, levakov_outcome(
        data.scans, data.changes, arms=design.arms, visits=VISITS, baseline="baseline", **given
    )


def test_attenuation_is_expected_minus_observed_with_the_slope_of_baseline(trial):
    scores, design = trial
    data, found = outcome_of(scores, design, n_bootstraps=200)
    first = data.scans[data.scans["visit"] == "baseline"]
    slope = np.polyfit(first["age_years"], first["predicted_age_years"], 1)[0]
    assert found.slope == pytest.approx(slope, rel=1e-9)
    mine = data.changes[(data.changes["arm"] == "HRT") & (data.changes["visit"] == "2 years")]
    expected = mine["baseline_predicted_years"] + slope * mine["years"]
    values = expected - mine["predicted_age_years"]
    row = found.table[(found.table["arm"] == "HRT") & (found.table["visit"] == "2 years")].iloc[0]
    assert row["attenuation_years"] == pytest.approx(values.mean(), rel=1e-9)
    t = values.mean() / (values.std(ddof=1) / np.sqrt(len(values)))
    assert row["statistic"] == pytest.approx(t, rel=1e-9)


def test_treated_arm_that_gets_younger_has_attenuation_above_zero(make_trial, make_options):
    from brainage.trial import TrialDesign

    scores, allocation = make_trial(n=300, missing=0.0)
    _, found = outcome_of(scores, TrialDesign.from_options(make_options(), allocation))
    between = found.between.set_index(["arm", "visit"])["attenuation_years"]
    # 100 an arm, change SD 2.8: standard error of the difference 0.4 years.
    assert between["HRT", "2 years"] == pytest.approx(2.3, abs=1.2)


def test_bootstrap_error_within_an_arm_is_larger_than_the_published_one(make_trial, make_options):
    from brainage.trial import TrialDesign

    scores, allocation = make_trial(n=150, missing=0.0)
    _, found = outcome_of(scores, TrialDesign.from_options(make_options(), allocation))
    late = found.table[found.table["visit"] == "2 years"]
    published = late["sd_years"] / np.sqrt(late["n"])
    # The slope's own error times two years: the mean over arms is larger by it.
    both = np.sqrt((published**2 + (2 * late["slope_se"]) ** 2).mean())
    assert late["bootstrap_se_years"].mean() == pytest.approx(both, rel=0.1)
    assert late["bootstrap_se_years"].mean() > 1.1 * published.mean()


def test_error_of_the_slope_cancels_between_arms(make_trial, make_options):
    from brainage.trial import TrialDesign

    scores, allocation = make_trial(n=150, missing=0.0)
    data, found = outcome_of(scores, TrialDesign.from_options(make_options(), allocation))
    for row in found.between.itertuples():
        here = data.changes[data.changes["visit"] == row.visit]
        fall = here["baseline_predicted_years"] - here["predicted_age_years"]
        spread = fall.groupby(here["arm"]).agg(["var", "size"])
        plain = np.sqrt((spread["var"] / spread["size"])[["CON", row.arm]].sum())
        # 2,000 draws: Monte-Carlo error of a standard error 1.6 %.
        assert row.bootstrap_se_years == pytest.approx(plain, rel=0.08)


def test_same_seed_gives_the_same_bootstrap(trial):
    scores, design = trial
    _, first = outcome_of(scores, design, n_bootstraps=200, seed=3)
    _, again = outcome_of(scores, design, n_bootstraps=200, seed=3)
    pd.testing.assert_frame_equal(first.table, again.table)


def test_ages_that_do_not_vary_are_an_error(trial):
    scores, design = trial
    at = scores["session_id"].map({"bl": 65.0, "1y": 66.0, "2y": 67.0})
    with pytest.raises(DesignError, match="ages at baseline do not vary"):
        outcome_of(scores.assign(age_years=at), design)


def test_published_t_matches_r():
    data = trial_data("missing").assign(network="whole_brain")
    data["years"] = data["visit_index"] + (data["baseline_age"] - 66) / 100
    data["predicted_age_years"] = data["baseline_age"] + data["years"] + data["gap"]
    data["baseline_predicted_years"] = data["baseline_age"] + data["baseline_gap"]
    first = data[data["visit_index"] == 0]
    scans = first.assign(
        age_years=first["baseline_age"], predicted_age_years=first["baseline_predicted_years"]
    )
    found = levakov_outcome(
        scans,
        data[data["visit_index"] > 0],
        arms=ARMS,
        visits=("v1", "v2"),
        baseline="v0",
        n_bootstraps=200,
    )
    columns = ["attenuation_years", "statistic", "df", "p_value", "slope"]
    theirs = pd.DataFrame(r_values()["levakov"])
    assert found.table[["arm", "visit"]].equals(theirs[["arm", "visit"]])
    np.testing.assert_allclose(
        found.table[columns], theirs[["attenuation", "t", "df", "p", "slope"]], rtol=1e-8
    )
