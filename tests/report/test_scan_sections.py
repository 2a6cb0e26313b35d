"""Scans on the page: counted by status and reason, the worst first."""

from __future__ import annotations

import pandas as pd

from brainage.report import StudyResults
from brainage.report.content import Table
from brainage.report.figures.drawing import FigureFolder
from brainage.report.scan_sections import scan_sections, worst_first

SCANS = pd.DataFrame(
    {
        "participant_id": ["01", "02", "03", "04", "05"],
        "session_id": "bl",
        "run": "n/a",
        "status": ["done", "excluded", "done", "failed", "excluded"],
        "reason": [None, "motion", None, "damaged", "motion"],
        "n_volumes": 200,
        "n_kept": 180,
        "retained_s": 360.0,
        "mean_fd_mm": [0.1, 0.6, 0.3, None, 0.9],
        "n_missing_parcels": 0,
    }
)


def tables_of(results, tmp_path):
    (section,) = scan_sections(results, FigureFolder(tmp_path, ()))
    return [block for block in section.blocks if isinstance(block, Table)]


def test_scans_are_counted_by_status_and_reason(tmp_path):
    status, reasons, every = tables_of(StudyResults(title="t", scans={"trial": SCANS}), tmp_path)
    assert dict(status.rows) == {"done": "2", "excluded": "2", "failed": "1"}
    assert reasons.rows[0] == ("excluded", "motion", "2", "02")
    assert reasons.rows[1] == ("failed", "damaged", "1", "04")
    assert [row[0] for row in every.rows] == ["04", "05", "02", "03", "01"]
    minutes = every.columns.index("minutes kept")
    assert {float(row[minutes]) for row in every.rows} == {6.0}
    assert every.folded


def test_scans_that_were_not_used_come_first_and_then_those_of_most_motion():
    found = worst_first(SCANS)
    assert found["participant_id"].tolist() == ["04", "05", "02", "03", "01"]
    assert list(found.columns) == list(SCANS.columns)


def test_sessions_left_out_are_listed_with_their_file(tmp_path):
    left_out = pd.DataFrame({"participant_id": ["07"], "reason": ["too short"]})
    results = StudyResults(
        title="t", excluded={"trial": left_out}, files={"excluded trial": "x.tsv"}
    )
    (table,) = tables_of(results, tmp_path)
    assert (table.rows, table.file, table.folded) == ((("07", "too short"),), "x.tsv", False)
