"""Time since baseline: actual, described, and said where arms differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.trial import TrialDesign
from brainage.trial.design.join import join_scores
from brainage.trial.design.timing import timing_notes, timing_table


def test_intervals_are_those_between_ages_at_scan(make_trial, make_options):
    scores, allocation = make_trial(n=30, missing=0.0)
    options = make_options()
    design = TrialDesign.from_options(options, allocation)
    data = join_scores(scores, design, outcome=options.outcome)
    timing = timing_table(data.scans, design.arms, design.visits)
    ages = scores.pivot(index="participant_id", columns="session_id", values="age_years")
    own = allocation[allocation["arm"] == "CON"]["participant_id"]
    expected = (ages["1y"] - ages["bl"])[own].mean()
    np.testing.assert_allclose(timing.iloc[0]["mean_years"], expected)


def test_arms_with_other_intervals_are_named():
    rows = {"visit": "1 year", "arm": ["CON", "HRT"], "mean_years": [1.0, 1.4]}
    (note,) = timing_notes(pd.DataFrame(rows))
    assert "CON 1.00, HRT 1.40" in note
    assert timing_notes(pd.DataFrame(rows | {"mean_years": [1.0, 1.01]})) == []
