"""Parts of names, in BIDS and in near-BIDS."""

from __future__ import annotations

from brainage.series.names import labels_of, parts_of, run_label, run_parts

NAME = "sub-A-1_ses-a_task-rest_dir-AP_run-2_space-M_seg-S_scale-4_timeseries.tsv"


def test_a_label_may_hold_hyphens_and_unknown_entities_are_parts():
    assert labels_of(NAME)["sub"] == "A-1"
    assert "scale-4" in parts_of(NAME)


def test_a_run_is_what_is_left_without_form():
    assert run_parts(NAME) == (
        "sub-A-1",
        "ses-a",
        "task-rest",
        "dir-AP",
        "run-2",
        "scale-4",
    )
    assert run_label(labels_of(NAME), absent="n/a") == "AP2"
    assert run_label({}, absent="n/a") == "n/a"
