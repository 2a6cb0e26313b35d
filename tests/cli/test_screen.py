"""What a person sees while long work runs and when it ends."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from brainage.cli.screen import Bar, Screen, duration
from brainage.cli.shows import show_scans
from brainage.stages.extract import SCANS


def test_a_log_has_scans_per_minute_and_the_time_left(capsys):
    clock = [1000.0]
    bar = Bar(visible=True, now=lambda: clock[0])
    for done in range(1, 9):
        bar(done, 8, "extract trial")
        clock[0] += 12
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  extract trial: 1 of 8"
    assert lines[1] == "  extract trial: 2 of 8, 5.0 scans/min, 1 min 12 s left"
    assert lines[-1] == "  extract trial: 8 of 8, 5.0 scans/min"


def test_scans_that_were_done_before_do_not_make_the_rest_look_near(capsys):
    clock = [1000.0]
    bar = Bar(visible=True, now=lambda: clock[0])
    for done in range(1, 901):
        bar(done, 1000, "extract trial")
    for done in range(901, 911):
        clock[0] += 30
        bar(done, 1000, "extract trial")
    assert capsys.readouterr().out.splitlines()[-1].endswith("2.0 scans/min, 45 min 30 s left")


def test_a_long_log_has_a_line_a_minute(capsys):
    clock = [1000.0]
    bar = Bar(visible=True, now=lambda: clock[0])
    for done in range(7200):
        clock[0] += 1
        bar(done, 7200, "extract trial")
    assert 115 < len(capsys.readouterr().out.splitlines()) < 175


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (9.4, "9 s"),
        (65, "1 min 5 s"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


def test_the_last_table_groups_scans_by_what_became_of_them(capsys):
    rows = pd.DataFrame(columns=list(SCANS.names), index=range(40), dtype=object)
    rows[["session_id", "run", "task"]] = "n/a"
    rows["participant_id"] = [f"{i:02d}" for i in range(40)]
    rows["status"] = ["done"] * 20 + ["failed"] * 12 + ["excluded"] * 8
    rows.loc[20:31, "reason"] = [
        f"/data/sub-{i}/func/sub-{i}_task-rest_bold.nii.gz: truncated gzip" for i in range(20, 32)
    ]
    rows.loc[32:, "reason"] = "mean FD 0.9 mm above 0.5 mm"
    rows["retained_s"] = np.where(rows["status"] == "failed", np.nan, 300.0)
    rows["mean_fd_mm"] = np.where(rows["status"] == "failed", np.nan, 0.2)
    show_scans(Screen(), rows, "trial")
    lines = capsys.readouterr().out.splitlines()
    rule = next(i for i, line in enumerate(lines) if line.startswith("\u2500"))
    starts = [m.start() for m in re.finditer("\u2500+", lines[rule])]
    ends = [*starts[1:], None]
    cells = [
        [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        for line in lines[rule + 1 : rule + 4]
    ]
    assert cells == [
        ["done", "20", "20", "5", "0.20", "", "00"],
        ["excluded", "8", "8", "5", "0.20", "mean FD 0.9 mm above 0.5 mm", "32"],
        ["failed", "12", "12", "n/a", "n/a", "bold.nii.gz: truncated gzip", "20"],
    ]


def test_what_stands_in_square_brackets_is_shown(capsys):
    table = pd.DataFrame({"[b]": ["science.atlas.allow_spaces: [native]", "/data/[a]/x"]})
    Screen().table(table, title="of [red]")
    shown = capsys.readouterr().out
    assert "of [red]" in shown
    assert "[b]" in shown
    assert "science.atlas.allow_spaces: [native]" in shown
    assert "/data/[a]/x" in shown


def unused_scans(n: int, status: str) -> pd.DataFrame:
    rows = pd.DataFrame(columns=list(SCANS.names), index=range(n), dtype=object)
    rows[["session_id", "run", "task"]] = "n/a"
    rows["participant_id"] = [f"{i:02d}" for i in range(n)]
    rows["status"] = status
    rows[["retained_s", "mean_fd_mm"]] = np.nan
    return rows


def test_a_reason_with_numbers_of_its_own_in_each_scan_is_one_line(capsys):
    rows = unused_scans(30, "excluded")
    rows["reason"] = [
        f"mean framewise displacement 0.{51 + i} mm, more than 0.5 mm" for i in range(30)
    ]
    rows.loc[20:, "reason"] = "sub-7_bold.nii.gz: in space MNI152NLin6Asym, 98 of 200 kept"
    show_scans(Screen(), rows, "trial")
    shown = capsys.readouterr().out
    assert shown.count("mean framewise displacement") == 1
    assert "mean framewise displacement 0.51 to 0.70 mm, more than 0.5 mm" in shown
    assert "in space MNI152NLin6Asym, 98 of 200 kept" in shown


def test_files_of_a_table_do_not_make_a_reason_another_one(capsys):
    rows = unused_scans(20, "failed")
    rows["reason"] = [f"/my data/scan{'ab'[i % 2] * i}.nii.gz: truncated gzip" for i in range(20)]
    show_scans(Screen(), rows, "trial")
    shown = capsys.readouterr().out
    assert shown.count("truncated gzip") == 1
    assert " *.nii.gz: truncated gzip" in shown


def test_a_zero_has_no_sign(capsys):
    Screen().table(pd.DataFrame({"slope": [-0.0, 0.25]}), title="slopes")
    shown = capsys.readouterr().out.split()
    assert "0.000" in shown
    assert "-0.000" not in shown
