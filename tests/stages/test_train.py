"""Each network's clock keeps a file of its own, and two clocks for one network are refused."""

import shutil

import pandas as pd
import pytest

from brainage.clock import EFFICIENCY, METRICS, BrainClock
from brainage.config import StudyConfig
from brainage.errors import StageError
from brainage.stages.train import (
    _with_efficiency,
    clock_file,
    load_efficiency,
    study_clocks,
    write_clocks,
)

NETWORKS = (
    "视觉",
    "运动",
    "默认",
    "a b",
    "a-b",
    "a - b",
    "Visual",
    "visual",
    "a/b",
    "..",
    "x" * 300,
)


def test_no_two_networks_share_a_file_and_every_name_is_a_files(tmp_path):
    names = [clock_file(network) for network in NETWORKS]
    assert len(set(names)) == len(NETWORKS)
    for name in names:
        (tmp_path / name).touch()
    assert len(list(tmp_path.iterdir())) == len(NETWORKS)
    assert clock_file("whole_brain") == "whole_brain.clock"
    assert clock_file("DefaultMode") == "DefaultMode.clock"


def test_networks_that_differ_in_case_alone_survive_disks_that_do_not_see_it(finished, tmp_path):
    clock = BrainClock.load(finished / "out" / "train" / "clocks" / "whole_brain.clock")
    written = write_clocks({"Visual": clock, "visual": clock, "whole_brain": clock}, tmp_path)
    assert len({path.name.casefold() for path in written}) == 3
    shutil.copy(written[-1], tmp_path / "clocks" / "another.clock")
    study = StudyConfig.model_validate(
        {"paths": {"output": str(tmp_path / "out"), "clock": str(tmp_path / "clocks")}}
    )
    with pytest.raises(StageError, match="expected one clock for 'whole_brain', found two"):
        study_clocks(study)


def test_a_twin_tells_the_planted_share_and_the_file_holds_figures_alone(finished):
    folder = finished / "out" / "train"
    efficiency = load_efficiency(folder).set_index("measure")
    planted = efficiency.loc["share_planted"]
    assert planted["n"] == 30
    assert planted["low"] < planted["estimate"] < planted["high"]
    expected = min(planted["estimate"], efficiency.loc["share_within_site", "estimate"])
    assert efficiency.loc["share_used", "estimate"] == pytest.approx(expected)
    facts = BrainClock.load(folder / "clocks" / "whole_brain.clock").facts["efficiency"]
    assert [row["measure"] for row in facts] == list(efficiency.index)
    assert all(set(row) == {"measure", "estimate", "low", "high", "n", "note"} for row in facts)


@pytest.mark.parametrize("shows_nothing", [True, False])
def test_rows_of_efficiency_say_of_the_clock_what_its_accuracy_says(shows_nothing):
    metrics = pd.DataFrame(
        [("5-fold", "MAE", 9.0, 8.0, 10.0, shows_nothing)], columns=METRICS.names
    )
    row = dict.fromkeys(EFFICIENCY.names) | {"measure": "share_used", "estimate": 0.1, "n": 20}
    both = _with_efficiency(metrics, pd.DataFrame([row | {"low": 0.0, "high": 0.2}]))
    assert both["metric"].tolist() == ["MAE", "share_used"]
    assert both["shows_nothing"].tolist() == [shows_nothing] * 2
