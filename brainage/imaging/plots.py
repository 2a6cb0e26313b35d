"""Brains and carpets as matplotlib figures: parcels and edges in a glass brain, series over time.

The only door to `nilearn.plotting`: figures of results are made from coordinates and values, so
nothing of an image is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from brainage.series import ParcelSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Blue to red over white: told apart with every common colour blindness, and in grey.
_SIGNED = "RdBu_r"
_UNSIGNED = "cividis"
_FIGURE_INCHES = (9.0, 2.6)
_VIEWS = "lyrz"
#: A carpet's greys end at so many standard deviations.
_CARPET_SD = 2.5


def plot_parcels(
    values: np.ndarray,
    coordinates_mm: np.ndarray,
    *,
    title: str = "",
    unit: str = "",
    marker_size: float | None = None,
) -> Figure:
    """Draw one value a parcel in a glass brain seen from four sides.

    Parameters
    ----------
    values : ndarray of shape (p,)
        In `unit`. Where some are negative, 0 is white and both signs have the same scale. Parcels
        whose value is not finite are left out.
    coordinates_mm : ndarray of shape (p, 3)
        Parcel centres in MNI space (`Atlas.centres_mm`, the columns x_mm, y_mm, z_mm of
        ``parcels.tsv``).
    title : str, default=""
        Above the brain; any text, no markup.
    unit : str, default=""
        Behind the title.
    marker_size : float or None, default=None
        Area of a marker in points; None: smaller where there are many parcels.

    Returns
    -------
    figure : matplotlib Figure
        Not registered with pyplot: nothing opens a window and nothing has to be closed.

    Raises
    ------
    ValueError
        Other lengths, or no finite value.

    Examples
    --------
    >>> atlas = ba.load_atlas("dosenbach160")
    >>> figure = ba.plot_parcels(np.linspace(-1, 1, 160), atlas.centres_mm, unit="a. u.")
    """
    from nilearn.plotting import plot_markers

    values, coordinates_mm = _checked(values, coordinates_mm)
    shown = np.isfinite(values) & np.isfinite(coordinates_mm).all(axis=1)
    if not shown.any():
        raise ValueError("expected a parcel with a finite value and coordinates, found none.")
    low, high, colours = _scale(values[shown])
    figure = _new_figure()
    size = marker_size or float(np.clip(6000 / shown.sum(), 6, 60))
    plot_markers(
        values[shown],
        coordinates_mm[shown],
        node_size=size,
        node_cmap=colours,
        node_vmin=low,
        node_vmax=high,
        alpha=0.9,
        display_mode=_VIEWS,
        figure=figure,
        colorbar=True,
    )
    return _labelled(figure, title, unit)


def plot_connectome(
    edges: np.ndarray,
    coordinates_mm: np.ndarray,
    *,
    n_strongest: int = 100,
    title: str = "",
    unit: str = "",
) -> Figure:
    """Draw the strongest edges between parcels in a glass brain seen from four sides.

    Parameters
    ----------
    edges : ndarray of shape (p, p)
        One value an edge, in `unit`; symmetric. NaN and 0: no edge. The diagonal is not read.
    coordinates_mm : ndarray of shape (p, 3)
        Parcel centres in MNI space.
    n_strongest : int, default=100
        Edges drawn, those farthest from 0; ties at the last are drawn too.
    title, unit : str, default=""
        Above the brain; any text, no markup.

    Returns
    -------
    figure : matplotlib Figure
        Not registered with pyplot.

    Raises
    ------
    ValueError
        No square and symmetric matrix of as many parcels, or no edge.

    Examples
    --------
    >>> atlas = ba.load_atlas("dosenbach160")
    >>> edges = np.zeros((160, 160))
    >>> edges[0, 1] = edges[1, 0] = 0.5
    >>> figure = ba.plot_connectome(edges, atlas.centres_mm, n_strongest=1)
    """
    from nilearn.plotting import plot_connectome as draw

    edges = np.array(edges, dtype=float)
    p = len(coordinates_mm)
    if edges.shape != (p, p) or not np.allclose(edges, edges.T, equal_nan=True):
        raise ValueError(f"expected a symmetric matrix of {p} parcels, found shape {edges.shape}.")
    _, coordinates_mm = _checked(np.zeros(p), coordinates_mm)
    placed = np.isfinite(coordinates_mm).all(axis=1)
    edges = np.nan_to_num(edges, posinf=0, neginf=0)[np.ix_(placed, placed)]
    np.fill_diagonal(edges, 0)
    strength = np.abs(edges[np.triu_indices(len(edges), 1)])
    strength = np.sort(strength[strength > 0])
    if not len(strength):
        raise ValueError("expected an edge that is not 0, found none.")
    edges[np.abs(edges) < strength[-min(n_strongest, len(strength))]] = 0
    used = edges.any(axis=0)
    low, high, colours = _scale(edges[edges != 0])
    figure = _new_figure()
    draw(
        edges[np.ix_(used, used)],
        coordinates_mm[placed][used],
        node_color="0.25",
        node_size=12,
        edge_cmap=colours,
        edge_vmin=low,
        edge_vmax=high,
        edge_kwargs={"linewidth": 1.2},
        display_mode=_VIEWS,
        figure=figure,
        colorbar=True,
    )
    return _labelled(figure, title, unit)


def plot_carpet(series: ParcelSeries, *, axes: Axes | None = None, title: str = "") -> Axes:
    """Draw a scan's parcel series as a strip of greys: parcels down, time across.

    Parcels stand by network, in the atlas's order within it. Every parcel is centred and scaled to
    unit deviation; censored volumes are white columns, missing parcels white rows.

    Parameters
    ----------
    series : ParcelSeries
        With or without a repetition time: without one the axis counts volumes.
    axes : matplotlib Axes or None, default=None
        Where to draw; None: in a figure of its own.
    title : str, default=""
        Above the strip; any text, no markup.

    Returns
    -------
    axes : matplotlib Axes

    Examples
    --------
    >>> axes = ba.plot_carpet(examples.series(), title="R0001")
    >>> len(axes.images)
    1
    """
    if axes is None:
        axes = _new_figure(layout="constrained").add_subplot()
    order = np.argsort([network or "~" for network in series.networks], kind="stable")
    n_shown = int(series.kept_volumes[-1]) + 1 if len(series.kept_volumes) else 0
    n_shown = max(n_shown, series.quality.n_volumes)
    picture = np.full((series.n_parcels, n_shown), np.nan)
    centred = series.values - series.values.mean(axis=0)
    deviation = centred.std(axis=0)
    scaled = centred / np.where(deviation > 0, deviation, 1.0)
    picture[:, series.kept_volumes] = scaled.T[order]
    step, what = (series.t_r_s, "s") if series.t_r_s else (1.0, "volumes")
    axes.imshow(
        picture,
        aspect="auto",
        interpolation="nearest",
        cmap="gray",
        vmin=-_CARPET_SD,
        vmax=_CARPET_SD,
        extent=(0, n_shown * step, series.n_parcels, 0),
    )
    axes.set_xlabel(f"time ({what})")
    axes.set_ylabel("parcel, by network" if any(series.networks) else "parcel")
    axes.set_yticks([])
    axes.set_title(_plain(title), fontsize="medium", loc="left")
    return axes


def _checked(values: np.ndarray, coordinates_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, coordinates_mm = np.asarray(values, float), np.asarray(coordinates_mm, float)
    if coordinates_mm.shape != (len(values), 3) or values.ndim != 1:
        raise ValueError(
            f"expected one value and three coordinates a parcel, found shapes {values.shape} and "
            f"{coordinates_mm.shape}."
        )
    return values, coordinates_mm


def _scale(values: np.ndarray) -> tuple[float, float, str]:
    low, high = float(values.min()), float(values.max())
    if low < 0:
        most = max(-low, high)
        return -most, most, _SIGNED
    # A scale of one value is none: matplotlib would widen it around that value.
    return 0.0, high or 1.0, _UNSIGNED


def _new_figure(layout: Literal["constrained"] | None = None) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=_FIGURE_INCHES, layout=layout)


def _labelled(figure: Figure, title: str, unit: str) -> Figure:
    # At the colours nilearn leaves no room for the unit.
    words = " ".join(part for part in (title, f"({unit})" if unit else "") if part)
    if words:
        figure.suptitle(_plain(words), fontsize="medium")
    return figure


def _plain(text: str) -> str:
    """Return text that matplotlib draws as it is: a dollar would start a formula."""
    return text.replace("$", r"\$")
