"""Motion by arm and visit is the observed mean, and says who was scanned elsewhere."""

from __future__ import annotations

import numpy as np

from brainage.trial import TrialDesign
from brainage.trial.design.join import join_scores
from brainage.trial.design.motion import motion_by_arm


def test_motion_is_the_mean_of_the_scans_of_an_arm_at_a_visit(make_trial, make_options):
    scores, allocation = make_trial(n=30)
    options = make_options()
    design = TrialDesign.from_options(options, allocation)
    data = join_scores(scores, design, outcome=options.outcome)
    table = motion_by_arm(data.scans, design, outcome=options.outcome)
    assert len(table) == 9
    row = table.iloc[4]
    own = data.scans[(data.scans["arm"] == row["arm"]) & (data.scans["visit"] == row["visit"])]
    assert row["n"] == len(own)
    np.testing.assert_allclose(row["mean_fd_mm"], own["mean_fd_mm"].mean())
    expected = np.corrcoef(own["mean_fd_mm"], own[options.outcome])[0, 1]
    np.testing.assert_allclose(row["correlation_with_gap"], expected)
