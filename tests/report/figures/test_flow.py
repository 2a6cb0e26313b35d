"""The flow diagram's boxes hold the numbers of the flow table."""

from __future__ import annotations

import brainage as ba


def test_every_box_has_the_counts_of_its_arm_and_visit(trial_results):
    flow = trial_results.flow[trial_results.flow["arm"].isin(["CON", "MIT"])]
    boxes = [text.get_text() for text in ba.plot_flow(flow).texts if text.get_text()]
    assert boxes[0] == "Randomised (n = 60)"
    # Allocation, three visits and the analysis of each of two arms.
    assert len(boxes) == 1 + 2 * 5
    allocated, baseline, first, _, analysed = boxes[1:6]
    assert allocated == "Allocated to CON\n(n = 30)"
    assert baseline == "baseline: scanned (n = 30)\n• no later score (n = 3)"
    assert first.startswith("1 year: scanned (n = 28)\n• not scanned (n = 2)")
    assert "• scanned, without a score (n = 1)" in first
    assert analysed == "Analysed\n1 year: n = 26\n2 years: n = 25"


def test_long_reasons_are_cut_and_boxes_of_one_level_are_equally_high(trial_results):
    flow = trial_results.flow.assign(reasons="a very long reason that says much " * 20)
    axes = ba.plot_flow(flow)
    lines = max(len(text.get_text().splitlines()) for text in axes.texts)
    assert lines <= 8
    tops = {}
    for patch in axes.patches:
        box = patch.get_path().get_extents()
        tops.setdefault(round(float(box.y1), 6), set()).add(round(float(box.height), 6))
    assert all(len(heights) == 1 for heights in tops.values())
