"""The specification plot: one contrast by every means, and what each of them chose."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brainage.report.figures.drawing import INK, QUIET, colour, literal, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Choices of an analysis, with how they are headed; covariates follow, one row each.
_CHOICES = {"outcome": "outcome", "analysis_set": "people", "model": "model"}
_MAIN = "main analysis"
#: Characters of a heading.
_LONGEST = 52
#: Height of one row of choices, and of the curve above them, in inches.
_ROW_IN, _CURVE_IN = 0.19, 2.4


def plot_specifications(specifications: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw the primary contrast by every means, in order, over the choices behind each.

    Parameters
    ----------
    specifications : DataFrame
        Schema `brainage.trial.results.schemas.SPECIFICATIONS`: `TrialResult.specifications`.
    axes : Axes or None, default=None
        Where to draw the curve; the choices hang below it, and ask for room there. None: a new
        figure.

    Returns
    -------
    axes : Axes
        Of the curve. The choices, a filled dot where an analysis made one, are the figure's last
        axes, or the child of the axes given.

    Examples
    --------
    >>> axes = ba.plot_specifications(examples.result().specifications)
    >>> axes.get_ylabel()
    'difference (years)'
    """
    table = specifications.sort_values("rank", kind="stable").reset_index(drop=True)
    choices = _choices(table)
    below = _ROW_IN * len(choices)
    place = np.arange(len(table))
    main = (table["analysis"] == _MAIN).to_numpy()
    described = table["role"].str.startswith("a description").to_numpy()
    with style():
        axes, dots = _panels(axes, 4.0 + 0.28 * len(table), below)
        for x, row in zip(place, table.to_dict("records"), strict=True):
            ink = colour(0) if main[x] else QUIET
            ends = [float(row["ci_low_years"]), float(row["ci_high_years"])]
            if np.isfinite(ends).all():
                axes.plot([x, x], ends, color=ink, linewidth=1.6)
            face = "white" if described[x] else ink
            axes.plot(
                x, float(row["estimate_years"]), "s", color=ink, markersize=5, markerfacecolor=face
            )
        axes.axhline(0, color=QUIET, linewidth=0.8, linestyle=":")
        axes.set_xticks([])
        axes.set_xlim(-0.6, len(table) - 0.4)
        axes.set_ylabel("difference (years)", color=INK)
        for height, (_, chosen) in enumerate(reversed(choices)):
            dots.plot(place, np.full(len(place), height), "o", color="#E4E4E4", markersize=3)
            for own, ink in ((chosen & main, colour(0)), (chosen & ~main, INK)):
                dots.plot(place[own], np.full(own.sum(), height), "o", color=ink, markersize=4)
        dots.set_yticks(
            range(len(choices)), [literal(_shortened(name)) for name, _ in reversed(choices)]
        )
        dots.tick_params(axis="y", length=0, labelsize=7)
        dots.set_xticks([])
        dots.set_xlim(*axes.get_xlim())
        dots.set_ylim(-0.7, len(choices) - 0.3)
        for spine in dots.spines.values():
            spine.set_visible(False)
    return axes


def _panels(axes: Axes | None, width_in: float, below_in: float) -> tuple[Axes, Axes]:
    if axes is not None:
        share = below_in / _CURVE_IN
        return axes, axes.inset_axes((0, -share - 0.05, 1, share))
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, _CURVE_IN + below_in + 0.3), layout="constrained")
    curve, dots = figure.subplots(2, 1, height_ratios=[_CURVE_IN, below_in])
    return curve, dots


def _shortened(name: str) -> str:
    return textwrap.shorten(name, _LONGEST, placeholder=" ...")


def _choices(table: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Return every choice that any analysis made, with who made it (n_analyses,)."""
    found = []
    for column, heading in _CHOICES.items():
        made = table[column].astype(object).where(table[column].notna(), "not told")
        found += [
            (f"{heading}: {str(value).replace('_', ' ')}", (made == value).to_numpy())
            for value in dict.fromkeys(made)
        ]
    held = [set(str(text).split("; ")) if pd.notna(text) else set() for text in table["covariates"]]
    found += [
        (f"covariate: {name.replace('_', ' ')}", np.array([name in own for own in held]))
        for name in dict.fromkeys(name for own in held for name in sorted(own))
    ]
    return found
