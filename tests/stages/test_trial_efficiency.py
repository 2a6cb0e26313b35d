"""What a clock asks of a trial, on halves of scans."""

from __future__ import annotations

import pandas as pd

from brainage.stages.evaluate import evaluate
from brainage.stages.report import report
from brainage.stages.train import train


def test_trial_efficiency_is_measured_on_half_scans_and_shown(study_in, tmp_path, external_of):
    more = ["science.evaluation.efficiency_scans=20"]
    study = study_in(overrides=[*external_of(tmp_path), *more])
    trained = train(study)
    found = trained.efficiency.set_index("measure")
    assert found.loc["within_scan_noise_years", "estimate"] > 0
    # Of the reference's 24 scans.
    assert found.loc["within_scan_noise_years", "n"] == 20
    shares = found.loc[["share_pooled", "share_within_site", "share_used"], "estimate"]
    assert shares.notna().all()
    assert found.loc["share_planted", "note"] == "no twin: nothing was planted"
    metrics = trained.metrics.set_index("metric")["estimate"]
    for name in ("within_scan_noise_years", "share_used"):
        assert metrics[name] == found.loc[name, "estimate"]
    card = trained.clocks["whole_brain"].card()
    noise = found.loc["within_scan_noise_years", "estimate"]
    assert card["within_scan_noise_years"].startswith(f"{noise:.3f} [")
    assert not list((tmp_path / "out" / "train").glob(".halves-*"))
    evaluated = evaluate(study)
    pd.testing.assert_frame_equal(evaluated.efficiency, trained.efficiency)
    reason = evaluated.external_efficiency["note"][0]
    assert reason == "8 scans could be halved, at least 10 needed"
    assert "What the clock asks of a trial" in report(study).read_text()
