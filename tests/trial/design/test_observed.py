"""Observed gaps by arm and visit: everybody scored at a planned visit, and no others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.trial import TrialDesign, gap_means, scans_by_arm


def test_each_scan_has_its_arm_and_unplanned_visits_are_left_out(make_trial, make_options):
    scores, allocation = make_trial(n=12, missing=0.0)
    options = make_options()
    design = TrialDesign.from_options(options, allocation)
    extra = scores.iloc[:1].assign(session_id="pilot")

    scans = scans_by_arm(pd.concat([scores, extra]), design.allocation, options)
    assert len(scans) == 36
    arms = allocation.set_index("participant_id")["arm"]
    assert (scans["arm"] == scans["participant_id"].map(arms)).all()
    assert (scans["gap"] == scans[options.outcome]).all()


def test_means_are_those_of_an_arm_with_t_intervals(make_trial, make_options):
    scores, allocation = make_trial(n=12, missing=0.0)
    options = make_options()
    design = TrialDesign.from_options(options, allocation)
    scans = scans_by_arm(scores, design.allocation, options)
    row = gap_means(scans, options).iloc[0]
    own = scans[(scans["arm"] == row["arm"]) & (scans["visit"] == row["visit"])]["gap"]
    low, high = stats.t.interval(0.95, len(own) - 1, own.mean(), stats.sem(own))
    np.testing.assert_allclose([row["low_years"], row["high_years"]], [low, high])
