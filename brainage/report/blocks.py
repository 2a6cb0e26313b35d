"""What a page is made of: headed sections of figures and tables, nothing computed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from brainage.files import atomic_path

# Fixed ids and no date: the same results give the same bytes.
_SVG = {"svg.hashsalt": "brainage", "svg.fonttype": "none"}


@dataclass(frozen=True)
class Block:
    """One figure or table of a section."""

    kind: str
    caption: str
    body: str


@dataclass(frozen=True)
class Section:
    """A heading with its text and blocks."""

    anchor: str
    heading: str
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]


def table_html(frame: pd.DataFrame, *, most: int = 200) -> str:
    """Return a table as HTML, cells escaped, numbers to three digits, missing as n/a."""
    text = frame.head(most).map(_cell)
    html = text.to_html(index=False, border=0, escape=True, classes="data")
    if len(frame) > most:
        html += f"<p>... and {len(frame) - most} more rows</p>"
    return html


def tables(*pairs: tuple[pd.DataFrame | None, str]) -> Iterator[Block]:
    """Yield a table for each frame with its caption; None yields nothing."""
    for frame, caption in pairs:
        if frame is not None:
            yield Block("table", caption, table_html(frame))


def figure_block(figure: Figure, stem: Path, caption: str) -> Block:
    """Write a figure as ``stem.svg`` and ``stem.png`` and return it as a block of the page."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(_SVG):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    with atomic_path(stem.with_suffix(".svg")) as temporary:
        temporary.write_bytes(svg)
    with atomic_path(stem.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
    # As an image, not inline: ids of two SVG figures in one page would collide.
    return Block("figure", caption, base64.b64encode(svg).decode())


def _cell(value) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e6:
            return f"{value:.0f}"
        return f"{value:.2e}" if abs(value) < 1e-3 else f"{value:.3f}"
    return str(value)
