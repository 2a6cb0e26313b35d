"""Figures: a result in, matplotlib axes out; nothing is computed."""

from brainage.report.figures.drawing import FigureFiles, figure_of, save_figure
from brainage.report.figures.flow import plot_flow
from brainage.report.figures.of_clock import (
    plot_efficiency,
    plot_gap_on_age,
    plot_gap_slopes,
    plot_leaderboard,
    plot_learning_curve,
    plot_predictions,
    plot_sites,
)
from brainage.report.figures.of_frontier import plot_frontier
from brainage.report.figures.of_length import plot_length_curve
from brainage.report.figures.of_scans import plot_quality
from brainage.report.figures.of_trial import (
    plot_changes,
    plot_contrasts,
    plot_forest,
    plot_networks,
    plot_region_matrix,
    plot_sensitivity,
    plot_trajectories,
)
from brainage.report.figures.specification import plot_specifications

__all__ = [
    "FigureFiles",
    "figure_of",
    "plot_changes",
    "plot_contrasts",
    "plot_efficiency",
    "plot_flow",
    "plot_forest",
    "plot_frontier",
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
    "plot_specifications",
    "plot_trajectories",
    "save_figure",
]
