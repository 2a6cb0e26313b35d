"""Figure of a choice by participants: error against latent noise of every candidate ridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from brainage.report.figures.drawing import COLOURS, MARKERS, axes_for, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_frontier(frontier: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw what a ridge's penalties and difference rows trade: error against latent noise.

    Parameters
    ----------
    frontier : DataFrame
        weight, penalty, mae_years, latent_noise_years, chosen_by, as `choose_by_participants`
        gives it. Candidates without any share have no latent noise, and no point.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes
        A line a weight of difference rows, over its penalties; the choices are ringed.

    Examples
    --------
    >>> frontier = pd.DataFrame({"weight": 0.0, "penalty": [0.1, 1.0], "mae_years": [5.0, 5.2]})
    >>> frontier = frontier.assign(latent_noise_years=[4.0, 3.5], chosen_by=["error", None])
    >>> axes = ba.plot_frontier(frontier)
    """
    with style():
        axes = axes_for(axes, 5.6, 4.0)
        for number, (weight, rows) in enumerate(frontier.groupby("weight", sort=True)):
            rows = rows.sort_values("penalty")
            axes.plot(
                rows["mae_years"],
                rows["latent_noise_years"],
                marker=MARKERS[number % len(MARKERS)],
                color=COLOURS[number % len(COLOURS)],
                markersize=4,
                linewidth=0.8,
                label=f"weight {weight:g}",
            )
        chosen = frontier[frontier["chosen_by"].notna()]
        # The two lie close together: one is named above its point, the other below.
        for height, row in zip((16, -24), chosen.itertuples(), strict=False):
            at = row.mae_years, row.latent_noise_years
            axes.plot(*at, "o", markersize=12, fillstyle="none", color="0.2")
            axes.annotate(f"by {row.chosen_by}", at, xytext=(6, height), textcoords="offset points")
        axes.margins(y=0.12)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.set_xlabel("mean absolute error, people left out (years)")
        axes.set_ylabel("latent noise (years of brain age)")
        axes.legend(title="difference rows")
    return axes
