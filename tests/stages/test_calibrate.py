"""New sites are learnt from baseline scans, and from nothing else."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock
from brainage.errors import StageError
from brainage.stages.report import gather
from brainage.stages.score import load_calibrations, score, scoring_clock
from brainage.stages.train import train


def test_a_new_site_is_calibrated_on_the_first_visit_and_its_ages_are_told(study_in):
    study = study_in(calibrates=True, visits=True)
    train(study)
    scores = score(study)
    assert np.isfinite(scores["predicted_age_years"]).all()
    row = load_calibrations(study).iloc[0]
    assert row["site"] == "new"
    assert row["n_scans"] == 6
    ages = [row[f"site_{word}_years"] for word in ("youngest", "median", "oldest")]
    assert ages == pytest.approx([35.0, 38.75, 42.5])
    assert row["reference_youngest_years"] == pytest.approx(20.0)
    assert set(scores["clock_id"]) == {scoring_clock(study).clock_id}
    assert gather(study).calibrations is not None


def test_scans_after_baseline_never_enter_a_calibration(study_in, tmp_path):
    study = study_in(calibrates=True, visits=True)
    train(study)
    before = score(study)
    for path in (tmp_path / "trial").glob("*ses-end*"):
        values = pd.read_csv(path, sep="\t")
        values["c"] += 3 * values["d"]
        values.to_csv(path, sep="\t", index=False)
    after = score(study)
    start = before["session_id"] == "start"
    columns = ["predicted_age_years", "clock_id"]
    pd.testing.assert_frame_equal(before.loc[start, columns], after.loc[start, columns])
    assert not np.allclose(before.loc[~start, columns[0]], after.loc[~start, columns[0]])


def test_named_baseline_scans_calibrate_whatever_arm_stands_beside_them(study_in, tmp_path):
    table = tmp_path / "baseline.tsv"
    override = [f"paths.calibration={table}"]
    found = []
    for arm in ("CON", "EX"):
        table.write_text(
            "participant_id\tsession_id\tarm\n"
            + "".join(f"sub-T{i}\tses-start\t{arm}\n" for i in range(4))
        )
        study = study_in(calibrates=True, overrides=override)
        train(study)
        found.append(score(study))
        assert load_calibrations(study)["n_scans"].tolist() == [4]
    pd.testing.assert_frame_equal(*found)


def test_a_new_site_without_baseline_scans_says_how_to_name_them(study_in, tmp_path):
    study = study_in(calibrates=True)
    train(study)
    with pytest.raises(StageError, match=r"site\(s\) new.*paths.calibration"):
        score(study)
    table = tmp_path / "baseline.tsv"
    table.write_text("participant_id\tsession_id\nT99\tstart\n")
    study = study_in(calibrates=True, overrides=[f"paths.calibration={table}"])
    with pytest.raises(StageError, match="no baseline scan of the new"):
        score(study)


def test_a_clock_from_elsewhere_is_calibrated_and_the_calibrated_one_kept(study_in, tmp_path):
    first = study_in(calibrates=True, visits=True)
    train(first)
    elsewhere = tmp_path / "lent.clock"
    shutil.copy2(tmp_path / "calibrated" / "train" / "clocks" / "whole_brain.clock", elsewhere)
    shutil.rmtree(tmp_path / "calibrated")
    study = study_in(calibrates=True, visits=True, overrides=[f"paths.clock={elsewhere}"])
    scores = score(study)
    kept = BrainClock.load(tmp_path / "calibrated" / "score" / "clocks" / "whole_brain.clock")
    assert set(scores["clock_id"]) == {kept.clock_id} != {BrainClock.load(elsewhere).clock_id}
    assert "6 baseline scans" in kept.card()["calibrated site new"]
