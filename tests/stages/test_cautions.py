"""What speaks against a clock's views is said where it applies, and nowhere else."""

from __future__ import annotations

import pandas as pd

from brainage.config import load_study, study_from_mapping
from brainage.stages.cautions import clock_cautions


def test_a_scanner_that_changes_between_visits_is_told_of_a_clock_that_sees_amplitude():
    trial = pd.DataFrame(
        {"participant_id": ["01", "01", "02", "02"], "scanner": ["old", "new", "old", "old"]}
    )
    said = clock_cautions(load_study("recommended"), trial)
    assert "prefer extends: fisher_z_ridge; it does for 01" in said[1]
    assert "it does for" not in clock_cautions(load_study("recommended"), trial[2:])[1]
    assert clock_cautions(load_study("fisher_z_ridge"), trial) == []


def test_of_matrices_a_shift_with_scan_length_is_said_to_be_unmeasurable():
    (said,) = clock_cautions(study_from_mapping({"paths": {"reference": {"matrices": "m"}}}), None)
    assert "of matrices nobody can measure by how much" in said
    series = clock_cautions(study_from_mapping({"paths": {"reference": {"series": "s"}}}), None)
    assert "`train` measures by how much" in series[0]
