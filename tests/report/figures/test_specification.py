"""The specification plot: a point an analysis, a dot a choice."""

from __future__ import annotations

import pandas as pd

from brainage.report import plot_specifications


def test_the_specification_plot_has_a_point_an_analysis_and_a_dot_a_choice_it_made():
    table = pd.DataFrame(
        {
            "rank": [2, 1, 3],
            "analysis": ["main analysis", "no covariates", "adjusted for motion"],
            "role": ["main analysis", "by other means", "a description of dependence, ..."],
            "estimate_years": [-1.0, -1.5, -0.5],
            "ci_low_years": [-2.0, -2.5, -1.5],
            "ci_high_years": [0.0, -0.5, 0.5],
            "outcome": "gap_corrected_years",
            "analysis_set": "intention_to_treat",
            "model": "MMRM",
            "covariates": ["sex; baseline_gap", None, "sex; baseline_gap; fd_mm"],
        }
    )
    axes = plot_specifications(table)
    points = [line for line in axes.lines if line.get_marker() == "s"]
    assert [line.get_ydata()[0] for line in points] == [-1.5, -1.0, -0.5]
    dots = axes.figure.axes[-1]
    names = [tick.get_text() for tick in dots.get_yticklabels()]
    made = {
        name: sum(
            len(line.get_xdata())
            for line in dots.lines
            if line.get_markersize() == 4 and set(line.get_ydata()) == {height}
        )
        for height, name in enumerate(names)
    }
    assert made["covariate: sex"] == 2
    assert made["covariate: fd mm"] == 1
    assert made["model: MMRM"] == 3
