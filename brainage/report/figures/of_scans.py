"""Figures of scans: motion and minutes kept by arm and visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brainage.report.figures.drawing import (
    axes_for,
    colour,
    error_bars,
    label_of,
    literal,
    marker,
    spread,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_AXES = {
    "fd_mm": "mean framewise displacement (mm)",
    "minutes": "minutes kept",
}


def plot_quality(quality: pd.DataFrame, *, what: str, axes: Axes | None = None) -> Axes:
    """Draw motion, or the minutes kept of a scan, by arm and visit: median and quartiles.

    Parameters
    ----------
    quality : DataFrame
        arm, visit, and of `what` the columns ``{what}_median``, ``{what}_low``, ``{what}_high``
        (quartiles).
    what : {"fd_mm", "minutes"}
        Mean framewise displacement, or minutes kept.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> quality = pd.DataFrame(
    ...     {"arm": ["CON"], "visit": ["baseline"], "fd_mm_median": 0.2, "fd_mm_low": 0.1}
    ... ).assign(fd_mm_high=0.3, n=8)
    >>> axes = ba.plot_quality(quality, what="fd_mm")
    """
    with style():
        axes = axes_for(axes, 5.6, 3.0)
        visits, arms = list(dict.fromkeys(quality["visit"])), list(dict.fromkeys(quality["arm"]))
        for index, arm in enumerate(arms):
            rows = quality[quality["arm"] == arm].set_index("visit").reindex(visits)
            axes.errorbar(
                np.arange(len(visits)) + spread(index, len(arms), 0.14),
                rows[f"{what}_median"],
                yerr=error_bars(rows[f"{what}_low"], rows[f"{what}_median"], rows[f"{what}_high"]),
                fmt=marker(index),
                color=colour(index),
                capsize=3,
                label=label_of(arm),
            )
        axes.set_xticks(range(len(visits)), [literal(visit) for visit in visits])
        axes.set_xlim(-0.6, len(visits) - 0.4)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(f"{_AXES[what]}\nmedian and quartiles")
        axes.legend(ncols=min(4, len(arms)))
    return axes
