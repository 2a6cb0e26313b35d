"""Figure of scan length: how far a clock's predictions move when a part of a scan is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from brainage.report.figures.drawing import (
    COLOURS,
    MARKERS,
    QUIET,
    axes_for,
    error_bars,
    literal,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOSSES = {"contiguous": "scan cut short", "scattered": "bursts of 5 volumes lost"}


def plot_length_curve(curve: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw how far a clock's predictions move when a part of a scan is kept.

    Parameters
    ----------
    curve : DataFrame
        loss, share_kept, shift_years, shift_low_years, shift_high_years (`tables.LENGTH_CURVE`).
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> curve = pd.DataFrame({"loss": "scattered", "share_kept": [0.5, 0.75]})
    >>> curve = curve.assign(shift_years=[1.0, 0.3])
    >>> curve = curve.assign(shift_low_years=[0.5, 0.1], shift_high_years=[1.5, 0.5])
    >>> axes = ba.plot_length_curve(curve)
    """
    with style():
        axes = axes_for(axes, 5.2, 3.2)
        for number, (loss, rows) in enumerate(curve.groupby("loss", sort=False)):
            middle = rows["shift_years"]
            axes.errorbar(
                # Side by side: the two kinds of loss have the same shares.
                rows["share_kept"] + 0.008 * (2 * number - 1),
                middle,
                yerr=error_bars(rows["shift_low_years"], middle, rows["shift_high_years"]),
                marker=MARKERS[number],
                color=COLOURS[number],
                capsize=3,
                label=_LOSSES.get(str(loss), literal(str(loss))),
            )
        axes.axhline(0, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_xlabel("share of the volumes kept")
        axes.set_ylabel("part minus whole scan (years)")
        axes.legend()
    return axes
