"""What the terminal shows of results: counted, with reasons, and the worst first."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.screen import Screen
from brainage.cli.shows import (
    scan_counts,
    show_calibrations,
    show_comparison,
    show_left_out,
    show_no_clock,
    show_scans,
    show_scores,
    some_failed,
)
from brainage.synthetic import examples


def scans(status, reasons):
    return pd.DataFrame(
        {
            "participant_id": [f"{k:02d}" for k in range(len(status))],
            "session_id": "bl",
            "run": "n/a",
            "status": status,
            "reason": reasons,
            "retained_s": 300.0,
            "mean_fd_mm": 0.1,
        }
    )


TABLE = scans(
    ["done", "excluded", "excluded", "failed"],
    [
        None,
        "/data/sub-01/sub-01_bold.nii.gz: mean FD 0.61 mm above 0.5 mm",
        "/data/sub-02/sub-02_bold.nii.gz: mean FD 0.93 mm above 0.5 mm",
        "no such file",
    ],
)


def test_reasons_that_differ_in_file_and_number_alone_are_one_line(capsys):
    show_scans(Screen(), TABLE, "trial")
    told = capsys.readouterr().out
    assert "trial: 1 done, 2 excluded, 1 failed" in told
    assert "bold.nii.gz: mean FD 0.61 to 0.93 mm above 0.5 mm" in told
    assert told.index("excluded") < told.index("no such file")
    assert scan_counts(TABLE) == {"done": 1, "excluded": 2, "failed": 1}
    assert some_failed(TABLE)
    assert not some_failed(TABLE.head(3))


def test_silence_tells_failures_alone(capsys):
    show_scans(Screen(quiet=True), TABLE, "trial")
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 scan(s) failed, the first: no such file" in told.err


def test_session_without_an_age_is_an_exit_code_and_one_excluded_by_rule_is_not(capsys):
    left_out = pd.DataFrame({"participant_id": ["01"], "session_id": "bl"})
    short = left_out.assign(reason="at least 10 kept volumes expected")
    assert show_left_out(Screen(), short, "trial") == DONE
    ageless = left_out.assign(reason="no age in the people table")
    assert show_left_out(Screen(), ageless, "trial") == SOME_FAILED
    assert "no age in the people table" in capsys.readouterr().out


def test_clock_that_shows_nothing_is_told_and_networks_are_counted(capsys):
    show_no_clock(Screen(), {"whole_brain": "r = -0.1", "motor": "r = 0.0", "visual": "r = 0.0"})
    told = capsys.readouterr().out
    assert "this clock shows nothing of age (no better than the median): r = -0.1." in told
    assert "2 network clock(s) show nothing of age: motor, visual" in told
    show_no_clock(Screen(), {})
    assert capsys.readouterr().out == ""


def test_scans_that_are_extrapolated_are_counted_of_one_clock(capsys):
    scores = pd.DataFrame(
        {
            "network": ["whole_brain", "whole_brain", "motor"],
            "participant_id": ["a", "b", "a"],
            "in_age_range": [True, False, False],
            "distance_percentile": [99.0, 10.0, 99.0],
        }
    )
    show_scores(Screen(), scores)
    assert capsys.readouterr().out.startswith(
        "2 scans of 2 participants scored by 2 clocks; 1 outside the clock's age range, 1 farther"
    )


def test_comparison_says_how_it_was_planned_and_its_negative_is_younger(capsys):
    result = examples.result()
    show_comparison(Screen(), result)
    told = capsys.readouterr().out
    assert f"primary contrast: {result.standing}" in told
    assert "contrasts with control (years; negative: younger than under control)" in told
    assert f"{result.primary.estimate_years:+.2f}" in told
    assert "under control); post hoc" in " ".join(told.split())
    row = next(line for line in told.splitlines() if line.rstrip().endswith("primary"))
    assert f"{result.primary.estimate_years:+.2f}" in row


@pytest.mark.parametrize("known", [True, False])
def test_ages_of_a_calibrated_site_have_quartiles_where_they_are_known(known, capsys):
    row = {"network": "whole_brain", "site": "T", "n_scans": 6, "corrected": "location"}
    row["n_outside_reference_ages"] = 0
    for cohort in ("site", "reference"):
        row |= {f"{cohort}_youngest_years": 60.0, f"{cohort}_oldest_years": 70.0}
        for k, name in enumerate(("first_quartile", "median", "third_quartile")):
            row[f"{cohort}_{name}_years"] = 62.0 + k if known else float("nan")
    show_calibrations(Screen(), pd.DataFrame([row]))
    told = capsys.readouterr().out
    assert "calibrated site T on 6 baseline scans (location), ages 60.0 to 70.0" in told
    assert ("(quartiles 62.0, 63.0, 64.0)" in told) is known
