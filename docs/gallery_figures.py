"""How sphinx-gallery finds an example's figures: the axes and figures that its names hold.

The package's figures are not registered with pyplot, where sphinx-gallery would look for them.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

from brainage.report import figure_of


def figures_of_block(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Save the figures that an example's block has made, and return the text that shows them."""
    names = block_vars["example_globals"]
    shown = names.setdefault("__shown__", [])
    made = [figure for figure in map(_figure, names.values()) if figure is not None]
    new = [figure for i, figure in enumerate(made) if figure not in made[:i] + shown]
    shown += new
    paths = []
    for figure in new:
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=150)
        paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"])


def _figure(value: object) -> Figure | None:
    if isinstance(value, Figure):
        return value
    return figure_of(value) if isinstance(value, Axes) and value.figure else None
