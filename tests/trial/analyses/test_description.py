"""Baseline by arm and raw means are those of the scores."""

from __future__ import annotations

import pytest


def test_raw_means_and_baseline_are_those_of_the_scores(as_drawn):
    scores, design, result = as_drawn
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    plain = scores.assign(arm=arm).groupby(["arm", "session_id"])["gap_corrected_years"]
    raw = result.tables["raw_means"].set_index(["arm", "visit"])
    assert raw.loc[("HRT", "2 years"), "mean_gap_years"] == pytest.approx(plain.mean()["HRT", "2y"])
    assert raw.loc[("CON", "1 year"), "sd_gap_years"] == pytest.approx(plain.std()["CON", "1y"])
    table = result.tables["baseline_by_arm"]
    sex = table[(table["variable"] == "sex") & (table["arm"] == "CON")]
    assert sex["n"].sum() == sex["of"].iloc[0] == 20
    assert sex["percent"].sum() == pytest.approx(100)
