"""Results in, one offline page out; computes nothing."""

from brainage.report.figures import (
    figure_of,
    plot_changes,
    plot_contrasts,
    plot_efficiency,
    plot_flow,
    plot_forest,
    plot_gap_on_age,
    plot_gap_slopes,
    plot_leaderboard,
    plot_learning_curve,
    plot_length_curve,
    plot_networks,
    plot_predictions,
    plot_quality,
    plot_region_matrix,
    plot_sensitivity,
    plot_sites,
    plot_specifications,
    plot_trajectories,
    save_figure,
)
from brainage.report.page import render_page, render_report
from brainage.report.references import cite
from brainage.report.results import StudyResults, fields_of_trial, plan_table
from brainage.report.scan_sections import worst_first

__all__ = [
    "StudyResults",
    "cite",
    "fields_of_trial",
    "figure_of",
    "plot_changes",
    "plot_contrasts",
    "plot_efficiency",
    "plot_flow",
    "plot_forest",
    "plot_gap_on_age",
    "plot_gap_slopes",
    "plot_leaderboard",
    "plot_learning_curve",
    "plot_length_curve",
    "plot_networks",
    "plot_predictions",
    "plot_quality",
    "plot_region_matrix",
    "plot_sensitivity",
    "plot_sites",
    "plan_table",
    "plot_specifications",
    "plot_trajectories",
    "render_page",
    "render_report",
    "save_figure",
    "worst_first",
]
