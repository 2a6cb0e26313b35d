"""Estimates stand beside what was planted; of a contrast, less control's."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.errors import ConfigError
from brainage.stages.recovery import recovery
from brainage.synthetic import CLOCK_SCALE, examples
from brainage.tables import write_table


@pytest.fixture
def study(tmp_path):
    """A study of the examples' trial, whose truth is 1 year of CON's and -3 of the others'."""
    options = examples.trial_options()
    rows = [
        (arm, visit.session_id, 10, 2.0 * true, true, 0.0)
        for arm in options.arms
        for visit in options.visits
        for true in [1.0 if arm == options.control_arm else -3.0]
    ]
    columns = list(CLOCK_SCALE.names)
    table = pd.DataFrame([row[: len(columns)] for row in rows], columns=columns)
    write_table(table, tmp_path / "out" / "truth" / "clock_scale.tsv", CLOCK_SCALE)
    trial = options.model_dump(mode="json", exclude_none=True)
    return study_from_mapping(
        {"paths": {"output": "out"}, "science": {"trial": trial}}, base=tmp_path
    )


def test_change_within_an_arm_has_its_own_truth_and_a_contrast_that_less_controls(study):
    result = examples.result()
    found = recovery(study, result).whole_brain
    within = found[found["versus"] == "baseline"].set_index(["arm", "visit"])
    assert (within.loc["HRT", "clock_scale_years"] == -3.0).all()
    assert (within.loc["CON", "planted_years"] == 2.0).all()
    between = found[found["versus"] == "CON"]
    assert (between["clock_scale_years"] == -4.0).all()
    assert (between["planted_years"] == -8.0).all()
    # Averages over visits have no truth of one visit.
    assert set(found["visit"]) == {"1 year", "2 years"}
    row = between.iloc[0]
    covered = row["ci_low_years"] <= -4.0 <= row["ci_high_years"]
    assert row["interval_covers"] == ("yes" if covered else "MISS")


def test_networks_and_regions_that_were_not_asked_for_are_empty(study):
    found = recovery(study, examples.result())
    assert found.networks.empty
    assert found.regions.empty


def test_study_without_a_trial_is_refused():
    with pytest.raises(ConfigError, match=r"science\.trial: expected visits"):
        recovery(study_from_mapping({}), examples.result())
