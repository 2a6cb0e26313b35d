"""Results in, one offline page out; computes nothing."""

from brainage.report.page import render_report, write_leaderboard_figure
from brainage.report.results import StudyResults

__all__ = ["StudyResults", "render_report", "write_leaderboard_figure"]
