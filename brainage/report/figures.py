"""Figures of the report: tables in, matplotlib figures out, nothing computed.

Colours are Okabe & Ito's (2008), which stay apart for colour-blind readers; each arm also has its
own marker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_MARKERS = ("o", "s", "D", "^", "v", "P")


def draw_arm_deltas(deltas: pd.DataFrame, *, title: str) -> Figure:
    """Draw the change from baseline of each arm at each visit, with intervals.

    Parameters
    ----------
    deltas : DataFrame
        Columns arm, visit, estimate_years, ci_low_years, ci_high_years; in order of drawing.
    title : str
        Title of the figure.
    """
    figure, axes = _figure(7, 3.8)
    visits = list(dict.fromkeys(deltas["visit"]))
    arms = list(dict.fromkeys(deltas["arm"]))
    for index, arm in enumerate(arms):
        rows = deltas[deltas["arm"] == arm].set_index("visit").reindex(visits)
        shift = 0.14 * (index - (len(arms) - 1) / 2)
        _points(axes, np.arange(len(visits)) + shift, rows, index, arm)
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.set_xticks(range(len(visits)), visits)
    axes.set_ylabel("change in brain-age gap (years)\n← younger      older →")
    axes.set_title(title, loc="left")
    axes.legend(frameon=False, ncols=len(arms))
    return figure


def draw_contrasts(contrasts: pd.DataFrame, labels: Sequence[str], *, title: str) -> Figure:
    """Draw a forest of contrasts.

    Parameters
    ----------
    contrasts : DataFrame
        Columns estimate_years, ci_low_years, ci_high_years, prespecified.
    labels : sequence of str
        One a row.
    title : str
        Title of the figure.
    """
    figure, axes = _figure(7, 1.2 + 0.32 * len(contrasts))
    heights = np.arange(len(contrasts))[::-1]
    for height, row in zip(heights, contrasts.itertuples(), strict=True):
        colour = _COLOURS[0] if row.prespecified else "0.55"
        axes.plot([row.ci_low_years, row.ci_high_years], [height, height], color=colour)
        axes.plot(row.estimate_years, height, "s", color=colour)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_yticks(heights, labels)
    axes.set_xlabel("difference from control (years); grey: post hoc")
    axes.set_title(title, loc="left")
    return figure


def draw_predictions(predictions: pd.DataFrame) -> Figure:
    """Draw out-of-fold predicted age against age (columns age_years, predicted_age_years)."""
    figure, axes = _figure(4.6, 4.4)
    axes.plot(
        predictions["age_years"],
        predictions["predicted_age_years"],
        ".",
        alpha=0.4,
        color=_COLOURS[0],
        markersize=4,
    )
    ages = predictions["age_years"].min(), predictions["age_years"].max()
    axes.plot(ages, ages, color="0.3", linewidth=0.8, label="predicted = age")
    axes.set_xlabel("age (years)")
    axes.set_ylabel("predicted age, out of fold, uncorrected (years)")
    axes.set_title("Reference cohort", loc="left")
    axes.legend(frameon=False)
    return figure


def draw_leaderboard(leaderboard: pd.DataFrame, corrected: Mapping[str, float]) -> Figure:
    """Draw a sweep's errors with intervals, best first.

    Parameters
    ----------
    leaderboard : DataFrame
        Columns alternative, mae_years, mae_low_years, mae_high_years.
    corrected : mapping
        estimate, low, high: the winner's error without the luck of having won.
    """
    figure, axes = _figure(8, 1.6 + 0.32 * len(leaderboard))
    heights = np.arange(len(leaderboard))[::-1]
    axes.hlines(
        heights, leaderboard["mae_low_years"], leaderboard["mae_high_years"], color=_COLOURS[0]
    )
    axes.plot(leaderboard["mae_years"], heights, "o", color=_COLOURS[0])
    top = len(leaderboard)
    axes.hlines(top, corrected["low"], corrected["high"], color=_COLOURS[5])
    axes.plot(corrected["estimate"], top, _MARKERS[2], color=_COLOURS[5])
    names = [
        name.replace(", ", "\n", 1) if len(name) > 48 else name
        for name in leaderboard["alternative"]
    ]
    names[0] += " (optimistic: it won)"
    axes.set_yticks([top, *heights], ["the best, corrected for the selection", *names])
    axes.set_xlabel("mean absolute error, uncorrected, out of fold (years)")
    axes.set_title("Identical folds, 95 % intervals over people", loc="left")
    return figure


def draw_learning_curve(curve: pd.DataFrame) -> Figure:
    """Draw the error over the number of people (n_people, MAE), a point a random part."""
    figure, axes = _figure(5, 3.4)
    axes.plot(curve["n_people"], curve["MAE"], "o", color=_COLOURS[0], alpha=0.6)
    axes.set_xlabel("people (families stay whole)")
    axes.set_ylabel("mean absolute error,\nuncorrected, out of fold (years)")
    axes.set_title("Would more people help?", loc="left")
    return figure


def draw_gap_slopes(slopes: pd.DataFrame) -> Figure:
    """Draw the slope of the gap on age before and after correction (gap, slope, low, high)."""
    figure, axes = _figure(6, 1.2 + 0.4 * len(slopes))
    heights = np.arange(len(slopes))[::-1]
    axes.hlines(heights, slopes["low"], slopes["high"], color=_COLOURS[0])
    axes.plot(slopes["slope"], heights, "o", color=_COLOURS[0])
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_yticks(heights, slopes["gap"])
    axes.set_xlabel("slope of gap on age (years per year)")
    axes.set_title("Age bias of the gap", loc="left")
    return figure


def draw_gaps_by_visit(summary: pd.DataFrame) -> Figure:
    """Draw the mean corrected gap of each arm over visits (arm, visit, mean_gap_years, ...)."""
    figure, axes = _figure(6, 3.6)
    visits = list(dict.fromkeys(summary["visit"]))
    for index, arm in enumerate(dict.fromkeys(summary["arm"])):
        rows = summary[summary["arm"] == arm].set_index("visit").reindex(visits)
        axes.plot(
            range(len(visits)),
            rows["mean_gap_years"],
            marker=_MARKERS[index % 6],
            color=_COLOURS[index % 6],
            label=arm,
        )
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.set_xticks(range(len(visits)), visits)
    axes.set_ylabel("mean corrected gap (years)")
    axes.legend(frameon=False)
    return figure


def draw_motion(motion: pd.DataFrame) -> Figure:
    """Draw mean framewise displacement by arm and visit (arm, visit, mean_fd_mm, sd_fd_mm)."""
    figure, axes = _figure(6, 3.2)
    visits = list(dict.fromkeys(motion["visit"]))
    arms = list(dict.fromkeys(motion["arm"]))
    for index, arm in enumerate(arms):
        rows = motion[motion["arm"] == arm].set_index("visit").reindex(visits)
        shift = 0.12 * (index - (len(arms) - 1) / 2)
        axes.errorbar(
            np.arange(len(visits)) + shift,
            rows["mean_fd_mm"],
            yerr=rows["sd_fd_mm"],
            fmt=_MARKERS[index % 6],
            color=_COLOURS[index % 6],
            label=arm,
        )
    axes.set_xticks(range(len(visits)), visits)
    axes.set_ylabel("framewise displacement (mm)\nmean ± SD over people")
    axes.legend(frameon=False)
    return figure


def _points(axes: Axes, positions, rows: pd.DataFrame, index: int, arm: str) -> None:
    low = rows["estimate_years"] - rows["ci_low_years"]
    high = rows["ci_high_years"] - rows["estimate_years"]
    axes.errorbar(
        positions,
        rows["estimate_years"],
        yerr=[low, high],
        fmt=_MARKERS[index % 6],
        color=_COLOURS[index % 6],
        capsize=3,
        label=arm,
    )


def _figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    # Figure without pyplot: no global state, no window system, safe in any thread.
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
