"""How every figure looks, and how it becomes files: one style, text taken as it is."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from brainage.files import atomic_path
from brainage.raw_names import said
from brainage.showing import Shown
from brainage.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


#: Okabe & Ito (2008): they stay apart for colour-blind readers; each arm also has its own marker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
INK, QUIET = "#222222", "#767676"
#: A scatter of more points is drawn as an image: a page of 40,000 vectors opens in no browser.
MANY_POINTS = 2_000

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    # Shipped with matplotlib: the same figure on every machine.
    "font.sans-serif": ["DejaVu Sans"],
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "text.usetex": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Fixed ids and no date: the same results give the same bytes.
    "svg.hashsalt": "brainage",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, repr=False)
class FigureFiles(Shown):
    """One drawn figure: its SVG, and the stem of its files (``.svg``, ``.png``, ``.pdf``)."""

    svg: bytes
    stem: Path


#: Kinds of file that a figure has beside its SVG.
FigureFile = Literal["png", "pdf"]
BESIDE: tuple[FigureFile, ...] = ("png", "pdf")


@dataclass(frozen=True)
class FigureStem:
    """Where one figure goes, and which files it has beside its SVG."""

    path: Path
    beside: tuple[FigureFile, ...] = BESIDE

    @property
    def name(self) -> str:
        """Name of the figure: that of its files without their endings."""
        return self.path.name

    def save(self, figure: Figure) -> FigureFiles:
        """Write the figure there."""
        return save_figure(figure, self.path, beside=self.beside)


@dataclass(frozen=True)
class FigureFolder:
    """Where the figures of a page go, and which files each has beside its SVG."""

    path: Path
    beside: tuple[FigureFile, ...] = BESIDE

    def __truediv__(self, name: str) -> FigureStem:
        """Return where the figure of this name goes."""
        return FigureStem(self.path / name, self.beside)


@contextmanager
def style() -> Iterator[None]:
    """Draw in the report's style within the block; a user's own settings stay theirs."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


def axes_for(axes: Axes | None, width_in: float, height_in: float) -> Axes:
    """Return the axes given, or those of a new figure of this size in inches."""
    if axes is not None:
        return axes
    from matplotlib.figure import Figure

    # Figure without pyplot: no global state, no window system, safe in any thread.
    return Figure(figsize=(width_in, height_in), layout="constrained").add_subplot()


def literal(text: object) -> str:
    r"""Return text that matplotlib shows as it stands: ``$`` is a dollar and starts no formula."""
    return said(printable(text, keep="\n")).replace("$", r"\$")


def label_of(text: object) -> str:
    """Return `literal` text for a legend, which leaves out labels that begin with "_"."""
    shown = literal(text)
    return f"\u200b{shown}" if shown.startswith("_") else shown


def colour(index: int) -> str:
    """Return the colour of the `index`-th arm."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Return the marker of the `index`-th arm."""
    return MARKERS[index % len(MARKERS)]


def spread(index: int, n: int, width: float) -> float:
    """Return where the `index`-th of `n` stands beside the others, in units of the axis."""
    return width * (index - (n - 1) / 2)


def error_bars(low: Sequence[float], middle: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """Return lengths below and above as matplotlib wants them; a missing end has none."""
    ends = np.asarray([low, middle, high], dtype=float)
    lengths = np.diff(ends, axis=0)
    return np.where(np.isfinite(lengths), np.maximum(lengths, 0), 0)


def figure_of(axes: Axes) -> Figure:
    """Return the figure that axes lie in, also where they lie in a part of one.

    Examples
    --------
    >>> axes = ba.plot_contrasts(examples.result())
    >>> type(figure_of(axes)).__name__
    'Figure'
    """
    from matplotlib.figure import Figure

    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise ValueError("expected axes that lie in a figure, found free ones.")
    return figure


def save_figure(
    figure: Figure, stem: str | Path, *, beside: Sequence[FigureFile] = BESIDE
) -> FigureFiles:
    """Write a figure as SVG, and as PNG (200 dots per inch) and PDF.

    Parameters
    ----------
    figure : Figure
        Whose text is `literal` already.
    stem : str or Path
        Path without ending; its folder is made.
    beside : sequence of {"png", "pdf"}, default=("png", "pdf")
        Files beside the SVG. A PDF takes the longest: it embeds the letters it uses.

    Returns
    -------
    files : FigureFiles

    Examples
    --------
    >>> axes = ba.plot_contrasts(examples.result())
    >>> from brainage.report import figure_of
    >>> files = save_figure(figure_of(axes), folder / "contrasts")
    >>> sorted(path.name for path in folder.iterdir())
    ['contrasts.pdf', 'contrasts.png', 'contrasts.svg']
    """
    stem = Path(stem)
    with style(), warnings.catch_warnings():
        # A label in a script the font lacks shows boxes in PNG and PDF; that is no fault to tell.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        with _laid_out(figure):
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=150)
            svg = buffer.getvalue()
            with atomic_path(stem.with_suffix(".svg")) as temporary:
                temporary.write_bytes(svg)
            if "png" in beside:
                with atomic_path(stem.with_suffix(".png")) as temporary:
                    figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
            if "pdf" in beside:
                with atomic_path(stem.with_suffix(".pdf")) as temporary:
                    figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    return FigureFiles(svg, stem)


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Find the places of everything once, as for SVG, and keep them for every file.

    `savefig` would find them anew each time, by drawing the figure once more.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas, dpi = figure.canvas, figure.dpi
    try:
        FigureCanvasSVG(figure)
        figure.set_dpi(FigureCanvasSVG.fixed_dpi)
        engine.execute(figure)
    finally:
        figure.set_dpi(dpi)
        figure.set_canvas(canvas)
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
