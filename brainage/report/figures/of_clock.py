"""Figures of a clock: how well it predicts, what its gap owes to age, whether more people help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brainage.report.figures.drawing import (
    COLOURS,
    MANY_POINTS,
    MARKERS,
    QUIET,
    axes_for,
    error_bars,
    literal,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_predictions(predictions: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw out-of-fold predicted age against age, with the median predictor beside it.

    Parameters
    ----------
    predictions : DataFrame
        age_years, predicted_age_years (uncorrected) and, where it is known, median_age_years: a
        row a scan of someone the clock had not seen.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> axes = ba.plot_predictions(examples.cross_validation().mean_predictions())
    """
    age = predictions["age_years"].to_numpy(float)
    with style():
        axes = axes_for(axes, 4.8, 4.6)
        _scatter(axes, age, predictions["predicted_age_years"].to_numpy(float))
        ends = [age.min(), age.max()]
        axes.plot(ends, ends, color="0.2", linewidth=1, label="predicted = age")
        if "median_age_years" in predictions:
            middle = float(predictions["median_age_years"].median())
            axes.axhline(middle, color=COLOURS[1], linestyle="--", label="median predictor")
        axes.set_xlabel("age (years)")
        axes.set_ylabel("predicted age, uncorrected, out of fold (years)")
        axes.legend(loc="upper left")
    return axes


def plot_gap_on_age(gaps: pd.DataFrame, *, corrected: bool, axes: Axes | None = None) -> Axes:
    """Draw the out-of-fold gap against age, before or after the correction for age bias.

    Parameters
    ----------
    gaps : DataFrame
        age_years, gap_years, gap_corrected_years: a row a scan of the reference cohort.
    corrected : bool
        Which of the two gaps.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> seen = examples.cross_validation().mean_predictions()
    >>> seen = seen.assign(gap_years=seen["predicted_age_years"] - seen["age_years"])
    >>> axes = ba.plot_gap_on_age(seen, corrected=False)
    """
    column = "gap_corrected_years" if corrected else "gap_years"
    with style():
        axes = axes_for(axes, 4.8, 3.4)
        _scatter(axes, gaps["age_years"].to_numpy(float), gaps[column].to_numpy(float))
        axes.axhline(0, color="0.2", linewidth=1)
        axes.set_xlabel("age (years)")
        axes.set_ylabel("brain-age gap (years)")
        axes.set_title("after correction" if corrected else "before correction")
    return axes


def plot_gap_slopes(slopes: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw the slope of the gap on age, before and after correction.

    Parameters
    ----------
    slopes : DataFrame
        gap (what it is of), slope, low, high: years of gap per year of age.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> slopes = pd.DataFrame(
    ...     {"gap": ["raw", "corrected"], "slope": [-0.4, 0.0], "low": -0.5, "high": 0.1}
    ... )
    >>> axes = ba.plot_gap_slopes(slopes)
    """
    with style():
        axes = axes_for(axes, 6.4, 0.9 + 0.34 * max(2, len(slopes)))
        heights = np.arange(len(slopes))[::-1]
        axes.errorbar(
            slopes["slope"],
            heights,
            xerr=error_bars(slopes["low"], slopes["slope"], slopes["high"]),
            fmt="o",
            color=COLOURS[0],
            capsize=3,
        )
        axes.axvline(0, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_yticks(heights, [literal(name) for name in slopes["gap"]])
        axes.set_ylim(-0.6, len(slopes) - 0.4)
        axes.set_xlabel("slope of the gap on age (years per year)")
    return axes


def plot_learning_curve(curve: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw the out-of-fold error over the number of people, a point a random part of the cohort.

    Parameters
    ----------
    curve : DataFrame
        n_people, MAE (years).
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> curve = pd.DataFrame({"n_people": [20, 40], "MAE": [12.0, 9.0], "draw": 0})
    >>> axes = ba.plot_learning_curve(curve)
    """
    with style():
        axes = axes_for(axes, 5.2, 3.2)
        axes.plot(curve["n_people"], curve["MAE"], "o", color=COLOURS[0], alpha=0.6)
        means = curve.groupby("n_people")["MAE"].mean()
        axes.plot(means.index, means, color=COLOURS[0], linewidth=1)
        axes.set_xlabel("people (families stay whole)")
        axes.set_ylabel("mean absolute error,\nuncorrected, out of fold (years)")
    return axes


_SHARES = {
    "share_pooled": "of all people together",
    "share_within_site": "within sites",
    "share_local": "at the trial's ages",
    "share_planted": "of a planted shift (twin)",
}


def plot_efficiency(efficiency: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw which share of a true shift of age the clock shows, asked in several ways.

    Parameters
    ----------
    efficiency : DataFrame
        Schema `brainage.clock.EFFICIENCY`; a share that could not be told is left out.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes
        1: years of brain age show whole; 0: the clock shows nothing of them.

    Examples
    --------
    >>> shares = {"measure": ["share_pooled"], "estimate": [0.7], "low": [0.6], "high": [0.8]}
    >>> axes = ba.plot_efficiency(pd.DataFrame(shares))
    """
    rows = efficiency[efficiency["measure"].isin(list(_SHARES))].dropna(subset=["estimate"])
    with style():
        axes = axes_for(axes, 6.4, 0.9 + 0.34 * max(2, len(rows)))
        heights = np.arange(len(rows))[::-1]
        axes.errorbar(
            rows["estimate"],
            heights,
            xerr=error_bars(rows["low"], rows["estimate"], rows["high"]),
            fmt="o",
            color=COLOURS[0],
            capsize=3,
        )
        for at in (0, 1):
            axes.axvline(at, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_yticks(heights, [_SHARES[name] for name in rows["measure"]])
        axes.set_ylim(-0.6, max(2, len(rows)) - 0.4)
        axes.set_xlabel("share of a true shift that the clock shows (1: all of it)")
    return axes


def plot_sites(sites: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw the ages and the mean gap of each site of the reference cohort.

    Parameters
    ----------
    sites : DataFrame
        site, n, mean_gap_years, low_years, high_years: out of fold, uncorrected.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> sites = pd.DataFrame({"site": ["A", "B"], "n": 20, "mean_gap_years": [0.5, -0.5]})
    >>> sites = sites.assign(age_low_years=20, age_median_years=50, age_high_years=80)
    >>> axes = ba.plot_sites(sites.assign(low_years=-1.0, high_years=1.0))
    """
    with style():
        axes = axes_for(axes, 6.4, 0.9 + 0.3 * max(2, len(sites)))
        heights = np.arange(len(sites))[::-1]
        axes.errorbar(
            sites["mean_gap_years"],
            heights,
            xerr=error_bars(sites["low_years"], sites["mean_gap_years"], sites["high_years"]),
            fmt="o",
            color=COLOURS[0],
            capsize=3,
        )
        axes.axvline(0, color=QUIET, linewidth=0.8, linestyle=":")
        names = [f"{site} (n = {n})" for site, n in zip(sites["site"], sites["n"], strict=True)]
        axes.set_yticks(heights, [literal(name) for name in names])
        axes.set_ylim(-0.6, len(sites) - 0.4)
        axes.set_xlabel("mean out-of-fold gap (years), uncorrected")
    return axes


def plot_leaderboard(
    leaderboard: pd.DataFrame, corrected: Mapping[str, float], *, axes: Axes | None = None
) -> Axes:
    """Draw a sweep's errors with intervals, in the order of its leaderboard.

    Parameters
    ----------
    leaderboard : DataFrame
        alternative, mae_years, mae_low_years, mae_high_years.
    corrected : mapping
        estimate, low, high: the smallest error without the luck of having been it.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> board = pd.DataFrame(
    ...     {
    ...         "alternative": ["ridge", "svr"],
    ...         "mae_years": [4.1, 4.3],
    ...         "mae_low_years": [3.8, 4.0],
    ...         "mae_high_years": [4.4, 4.6],
    ...     }
    ... )
    >>> corrected = {"estimate": 4.2, "low": 3.9, "high": 4.5}
    >>> axes = ba.plot_leaderboard(board, corrected)
    """
    with style():
        axes = axes_for(axes, 8, 1.4 + 0.32 * len(leaderboard))
        heights, top = np.arange(len(leaderboard))[::-1], len(leaderboard)
        ends = leaderboard["mae_low_years"], leaderboard["mae_high_years"]
        axes.hlines(heights, *ends, color=COLOURS[0])
        axes.plot(leaderboard["mae_years"], heights, "o", color=COLOURS[0])
        axes.hlines(top, corrected["low"], corrected["high"], color=COLOURS[1])
        axes.plot(corrected["estimate"], top, MARKERS[2], color=COLOURS[1])
        names = [
            name.replace(", ", "\n", 1) if len(name) > 48 else name
            for name in leaderboard["alternative"]
        ]
        names[int(leaderboard["mae_years"].argmin())] += " (optimistic: the smallest)"
        ticks = ["the most accurate, corrected for the selection", *names]
        axes.set_yticks([top, *heights], [literal(name) for name in ticks])
        axes.set_xlabel("mean absolute error, uncorrected, out of fold (years)")
        axes.set_title("Identical folds, 95 % intervals over people")
    return axes


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    axes.plot(
        x,
        y,
        "o",
        color=COLOURS[0],
        alpha=0.45 if len(x) < 1000 else 0.2,
        markersize=4 if len(x) < 1000 else 2.5,
        markeredgewidth=0,
        rasterized=len(x) > MANY_POINTS,
    )
