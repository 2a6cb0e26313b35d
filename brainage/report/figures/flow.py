"""The participant flow as a diagram (CONSORT 2025), from the flow table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from brainage.report.figures.drawing import INK, axes_for, literal, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ARM_IN, _LINE_IN, _PAD_IN, _GAP_IN = 2.55, 0.165, 0.2, 0.28
_LETTERS = 38
_LOSSES = (
    ("not_scanned", "not scanned"),
    ("excluded", "scanned, without a score"),
    ("without_baseline", "no baseline score"),
    ("baseline_only", "no later score"),
    ("without_covariate", "a planned covariate missing"),
)


def plot_flow(flow: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Draw who was randomised, scanned, left out and why, and analysed, arm by arm.

    Parameters
    ----------
    flow : DataFrame
        Schema `brainage.trial.FLOW`: a row an arm and visit, baseline first.
    axes : Axes or None, default=None
        Where to draw; None: a new figure.

    Returns
    -------
    axes : Axes
        In inches, without frame.

    Examples
    --------
    >>> axes = ba.plot_flow(examples.result().flow)
    """
    arms = list(dict.fromkeys(flow["arm"]))
    visits = list(dict.fromkeys(flow["visit"]))
    columns = [_boxes(flow[flow["arm"] == arm], visits) for arm in arms]
    heights = [
        max(_height(column[level]) for column in columns) for level in range(len(columns[0]))
    ]
    top = _height([""])
    total = top + _GAP_IN + sum(heights) + _GAP_IN * (len(heights) - 1)
    width = _ARM_IN * len(arms)
    with style():
        axes = axes_for(axes, width + 0.1, total + 0.1)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(-total - 0.02, 0.02)
        axes.set_aspect("equal")
        n = int(flow.groupby("arm")["randomised"].first().sum())
        _box(axes, [f"Randomised (n = {n})"], width / 2, 0.0, top)
        for index, column in enumerate(columns):
            centre = _ARM_IN * (index + 0.5)
            y = -top
            _arrow(axes, (width / 2, y), (centre, y - _GAP_IN))
            for level, lines in enumerate(column):
                y -= _GAP_IN
                _box(axes, lines, centre, y, heights[level])
                y -= heights[level]
                if level + 1 < len(column):
                    _arrow(axes, (centre, y), (centre, y - _GAP_IN))
    return axes


def _boxes(rows: pd.DataFrame, visits: list[str]) -> list[list[str]]:
    """Return the lines of one arm's boxes: allocation, each visit, analysis."""
    rows = rows.set_index("visit").reindex(visits)
    first = rows.iloc[0]
    boxes = [[*_wrapped(f"Allocated to {first['arm']}"), f"(n = {int(first['randomised'])})"]]
    for visit, row in rows.iterrows():
        lines = _wrapped(f"{visit}: scanned (n = {int(row['scanned'])})")
        for name, words in _LOSSES:
            if int(row[name]):
                lines += _wrapped(f"• {words} (n = {int(row[name])})")
        if int(row["excluded"]) and isinstance(row["reasons"], str):
            lines += _wrapped(f"   {row['reasons']}", most=4)
        boxes.append(lines)
    analysed = [f"{visit}: n = {int(row['analysed'])}" for visit, row in rows.iloc[1:].iterrows()]
    boxes.append(["Analysed", *(line for text in analysed for line in _wrapped(text))])
    return boxes


def _wrapped(text: str, *, most: int = 3) -> list[str]:
    lines = textwrap.wrap(text, _LETTERS, subsequent_indent="   ") or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: _LETTERS - 2] + " …"]
    return lines


def _height(lines: list[str]) -> float:
    return _PAD_IN + _LINE_IN * len(lines)


def _box(axes: Axes, lines: list[str], centre: float, top: float, height: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    width = _ARM_IN - 0.24
    axes.add_patch(
        FancyBboxPatch(
            (centre - width / 2, top - height),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.04",
            facecolor="#f4f7fa",
            edgecolor=INK,
            linewidth=0.8,
        )
    )
    text = "\n".join(literal(line) for line in lines)
    axes.text(centre, top - height / 2, text, ha="center", va="center", fontsize=8, linespacing=1.3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
