"""Adjusted for what was measured after randomisation: only where it is known and varies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainage.errors import DesignError
from brainage.trial.analyses.adjusted import (
    MOTION_ADJUSTED,
    SCANNER_ADJUSTED,
    SCANNER_COVARIATE,
    fit_adjusted,
)
from brainage.trial.analyses.record import NothingToDo
from brainage.trial.design.motion import scanner_notes


def test_scanner_is_a_covariate_where_there_are_two(inputs, inputs_of, trial):
    scores, design = trial
    other = scores["participant_id"].astype(int) % 3 == 0
    two = scores.assign(scanner=np.where(other, "A", "B"))
    assert "scanner" in SCANNER_COVARIATE.run(inputs_of(two, design)).covariates
    with pytest.raises(NothingToDo, match="not known, or all scans are of one"):
        SCANNER_COVARIATE.run(inputs)


def test_scanner_change_is_printed_and_adjusted_for(trial, inputs_of):
    scores, design = trial
    late = scores["session_id"] == "2y"
    some = scores["participant_id"].astype(int) % 3 == 0
    new = scores.assign(scanner=np.where(late & some, "B", "A"))
    inputs = inputs_of(new, design)
    assert "scanner_changed" in SCANNER_ADJUSTED.run(inputs).covariates
    notes = scanner_notes(inputs.changes, design)
    assert any("scanner or software at the visit" in note for note in notes)


def test_nobody_who_changed_scanner_is_nothing_to_do(inputs):
    with pytest.raises(NothingToDo, match="nobody was scanned on another scanner"):
        SCANNER_ADJUSTED.run(inputs)


def test_change_that_is_the_motion_has_no_effect_left(inputs):
    rng = np.random.default_rng(0)
    moved = rng.normal(0.2, 0.05, len(inputs.changes))
    at_first, noise = rng.normal(0.2, 0.05, (2, len(moved)))
    # The motion differs by arm, and the change is made of it.
    fd = moved - 0.1 * (inputs.changes["arm"] == "HRT")
    changes = inputs.changes.assign(fd_mm=fd, baseline_fd_mm=at_first, change=30 * fd + noise)
    rows = MOTION_ADJUSTED.run(replace(inputs, changes=changes)).contrasts
    own = {(row.arm, row.visit): row.found.estimate for row in rows}
    assert own["HRT", "1 year"] == pytest.approx(0.0, abs=0.1)


def test_covariate_known_for_half_or_the_same_in_all_is_refused(inputs):
    half = inputs.changes.iloc[: len(inputs.changes) // 2]
    with pytest.raises(DesignError, match="fd_mm: known for"):
        fit_adjusted(inputs, half, ("fd_mm",))
    same = inputs.changes.assign(fd_mm=0.1)
    with pytest.raises(DesignError, match="fd_mm: the same in all"):
        fit_adjusted(inputs, same, ("fd_mm",))
