"""Figures of a trial: trajectories, changes, contrasts, networks, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from brainage.report.figures.drawing import (
    INK,
    MANY_POINTS,
    QUIET,
    axes_for,
    colour,
    error_bars,
    figure_of,
    label_of,
    literal,
    marker,
    spread,
    style,
)
from brainage.tables import WHOLE_BRAIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HasContrasts(Protocol):
    """What the figures read: a `TrialResult`, or a `StudyResults`."""

    @property
    def contrasts(self) -> pd.DataFrame:
        """Arms against control."""

    @property
    def deltas(self) -> pd.DataFrame:
        """Change from baseline within each arm."""

    @property
    def sensitivity(self) -> pd.DataFrame:
        """The same contrasts by other means."""


_YOUNGER = "← younger      older →"


def plot_trajectories(
    gaps: pd.DataFrame,
    means: pd.DataFrame,
    *,
    visits: Sequence[str],
    axes: Axes | None = None,
) -> Axes:
    """Draw each person's brain-age gap over the visits, and each arm's mean with its interval.

    Parameters
    ----------
    gaps : DataFrame
        participant_id, arm, visit, gap_years: a row a scored scan.
    means : DataFrame
        arm, visit, mean_years, low_years, high_years, in order of drawing.
    visits : sequence of str
        Labels in order, baseline first.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> results = ba.StudyResults.of_trial(
    ...     examples.result(), design=examples.design(), scores=examples.scores()
    ... )
    >>> axes = ba.plot_trajectories(results.gaps, results.gap_means, visits=results.visits)
    """
    with style():
        axes = axes_for(axes, 7.2, 4.4)
        place = {visit: float(i) for i, visit in enumerate(visits)}
        arms = list(dict.fromkeys(means["arm"]))
        as_image = len(gaps) > MANY_POINTS
        for index, arm in enumerate(arms):
            shift = spread(index, len(arms), 0.16)
            own = gaps[gaps["arm"] == arm].assign(at=lambda t: t["visit"].map(place))
            for _, person in own.sort_values("at").groupby("participant_id", sort=False):
                axes.plot(
                    person["at"] + shift,
                    person["gap_years"],
                    color=colour(index),
                    alpha=0.18,
                    linewidth=0.6,
                    rasterized=as_image,
                )
        for index, arm in enumerate(arms):
            shift = spread(index, len(arms), 0.16)
            rows = means[means["arm"] == arm]
            axes.errorbar(
                rows["visit"].map(place) + shift,
                rows["mean_years"],
                yerr=error_bars(rows["low_years"], rows["mean_years"], rows["high_years"]),
                color=colour(index),
                marker=marker(index),
                linewidth=2.4,
                elinewidth=1.6,
                capsize=3.5,
                markersize=6,
                label=label_of(arm),
                zorder=4,
            )
        axes.axhline(0, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(visits)), [literal(visit) for visit in visits])
        axes.set_ylabel(f"brain-age gap (years)\n{_YOUNGER}")
        axes.legend(ncols=min(4, len(arms)), loc="best")
    return axes


def plot_changes(result: HasContrasts, *, axes: Axes | None = None) -> Axes:
    """Draw the change from baseline within each arm at each visit, with 95 % intervals.

    Parameters
    ----------
    result : TrialResult or StudyResults
        Its `deltas`.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> axes = ba.plot_changes(examples.result())
    >>> len(axes.get_yticklabels()) > 0
    True
    """
    deltas = result.deltas[result.deltas["network"] == WHOLE_BRAIN]
    with style():
        axes = axes_for(axes, 6.4, 3.6)
        visits, arms = list(dict.fromkeys(deltas["visit"])), list(dict.fromkeys(deltas["arm"]))
        for index, arm in enumerate(arms):
            rows = deltas[deltas["arm"] == arm].set_index("visit").reindex(visits)
            axes.errorbar(
                np.arange(len(visits)) + spread(index, len(arms), 0.16),
                rows["estimate_years"],
                yerr=error_bars(
                    rows["ci_low_years"], rows["estimate_years"], rows["ci_high_years"]
                ),
                fmt=marker(index),
                color=colour(index),
                capsize=3.5,
                markersize=6,
                label=label_of(arm),
            )
        axes.axhline(0, color=QUIET, linewidth=0.8)
        axes.set_xticks(range(len(visits)), [literal(visit) for visit in visits])
        axes.set_xlim(-0.6, len(visits) - 0.4)
        axes.set_ylabel(f"change in brain-age gap (years)\n{_YOUNGER}")
        axes.legend(ncols=min(4, len(arms)), loc="best")
    return axes


def plot_contrasts(result: HasContrasts, *, axes: Axes | None = None) -> Axes:
    """Draw the whole-brain contrasts with control as a forest, the primary contrast first.

    Parameters
    ----------
    result : TrialResult or StudyResults
        Its `contrasts`.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> axes = ba.plot_contrasts(examples.result())
    >>> axes.get_xlabel()
    'difference (years): below zero is younger; hollow: post hoc'
    """
    rows = result.contrasts[result.contrasts["network"] == WHOLE_BRAIN]
    labels = [
        f"{row.arm} − {row.versus}, {row.visit}{' (primary)' if row.primary else ''}"
        for row in rows.itertuples()
    ]
    return plot_forest(rows, labels, axes=axes)


def plot_networks(result: HasContrasts, *, axes: Axes | None = None) -> Axes:
    """Draw the primary contrast of each network's own clock beside the whole brain's.

    Parameters
    ----------
    result : TrialResult or StudyResults
        Its `contrasts`.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> axes = ba.plot_networks(examples.result())
    """
    rows, primary = _as_primary(result.contrasts, result.contrasts)
    labels = [
        "whole brain" if row.network == WHOLE_BRAIN else row.network for row in rows.itertuples()
    ]
    axes = plot_forest(rows, labels, axes=axes)
    axes.set_title(literal(_name(primary)), loc="left", fontsize=10, fontweight="bold")
    return axes


def plot_sensitivity(result: HasContrasts, *, axes: Axes | None = None) -> Axes:
    """Draw the primary contrast as planned and by other means.

    Parameters
    ----------
    result : TrialResult or StudyResults
        Its `contrasts` and `sensitivity`.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> axes = ba.plot_sensitivity(examples.result())
    """
    rows, primary = _as_primary(result.sensitivity, result.contrasts)
    rows = rows[rows["network"] == WHOLE_BRAIN]
    first = primary.to_frame().T.assign(analysis="main analysis")
    rows = pd.concat([first, rows], ignore_index=True)
    axes = plot_forest(rows, list(rows["analysis"]), axes=axes)
    axes.set_title(literal(_name(primary)), loc="left", fontsize=10, fontweight="bold")
    return axes


def plot_forest(
    rows: pd.DataFrame,
    labels: Sequence[str],
    *,
    unit: str = "years",
    axes: Axes | None = None,
) -> Axes:
    """Draw estimates with intervals, one a line; planned rows filled, post hoc ones hollow.

    Parameters
    ----------
    rows : DataFrame
        estimate_years, ci_low_years, ci_high_years and, where it is known, prespecified.
    labels : sequence of str
        One a row; any text.
    unit : str, default="years"
        Of the axis.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> contrasts = examples.result().contrasts
    >>> axes = ba.plot_forest(contrasts, [f"{arm}" for arm in contrasts["arm"]])
    """
    with style():
        axes = axes_for(axes, 7.2, 0.9 + 0.3 * max(2, len(rows)))
        heights = np.arange(len(rows))[::-1]
        planned = rows["prespecified"] if "prespecified" in rows else np.ones(len(rows), bool)
        for height, row, filled in zip(heights, rows.itertuples(), planned, strict=True):
            ink = colour(0) if filled else QUIET
            ends = [float(row.ci_low_years), float(row.ci_high_years)]
            if np.isfinite(ends).all():
                axes.plot(ends, [height, height], color=ink, linewidth=1.6)
            axes.plot(
                float(row.estimate_years),
                height,
                "s",
                color=ink,
                markersize=6,
                markerfacecolor=ink if filled else "white",
            )
        axes.axvline(0, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_yticks(heights, [literal(label) for label in labels])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        what = f"difference ({literal(unit)}): below zero is younger"
        axes.set_xlabel(what if all(planned) else f"{what}; hollow: post hoc", color=INK)
    return axes


def plot_region_matrix(
    regions: Sequence[str], values: Sequence[float], *, unit: str = "", axes: Axes | None = None
) -> Axes:
    """Draw values of pairs of networks as a matrix: blue below zero, red above.

    Parameters
    ----------
    regions : sequence of str
        "A - B" for a pair of networks, "A" or "A - A" for the edges within one.
    values : sequence of float
        One a region.
    unit : str, default=""
        Of the colour bar.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes

    Examples
    --------
    >>> pairs = ["Default", "Default - Visual"]
    >>> axes = ba.plot_region_matrix(pairs, [0.1, -0.2], unit="Fisher z")
    """
    pairs = [(region.split(" - ") * 2)[:2] for region in regions]
    names = sorted({name for pair in pairs for name in pair})
    place = {name: i for i, name in enumerate(names)}
    picture = np.full((len(names), len(names)), np.nan)
    for (one, other), value in zip(pairs, values, strict=True):
        picture[place[one], place[other]] = picture[place[other], place[one]] = value
    most = float(np.nanmax(np.abs(picture))) if np.isfinite(picture).any() else 1.0
    with style():
        axes = axes_for(axes, 2.6 + 0.3 * len(names), 1.8 + 0.3 * len(names))
        image = axes.imshow(picture, cmap="RdBu_r", vmin=-most or -1.0, vmax=most or 1.0)
        ticks = [literal(name) for name in names]
        axes.set_xticks(range(len(names)), ticks, rotation=90)
        axes.set_yticks(range(len(names)), ticks)
        figure_of(axes).colorbar(image, ax=axes, label=literal(unit), shrink=0.8)
    return axes


def _as_primary(table: pd.DataFrame, contrasts: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the rows of a table with the primary contrast's arms and visit, and that contrast."""
    primary = contrasts[contrasts["primary"]].iloc[0]
    same = np.ones(len(table), dtype=bool)
    for name in ("arm", "versus", "visit"):
        same &= (table[name] == primary[name]).to_numpy()
    return table[same], primary


def _name(primary: pd.Series) -> str:
    return f"{primary['arm']} − {primary['versus']}, {primary['visit']}"
