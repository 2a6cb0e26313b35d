"""Figures show every value that was given, and nothing that was not."""

from __future__ import annotations

import io

import numpy as np
import pytest

from brainage.imaging import load_atlas, plot_carpet, plot_connectome, plot_parcels
from brainage.series import ParcelSeries, ScanQuality


@pytest.fixture(scope="module")
def centres() -> np.ndarray:
    return load_atlas("dosenbach160").coordinates_mm[:30]


def _points(figure) -> list[np.ndarray]:
    drawn = [c.get_offsets() for axes in figure.axes for c in axes.collections]
    return [np.asarray(points) for points in drawn if len(points) > 1]


def test_every_finite_parcel_is_drawn_at_its_place_in_each_view(centres):
    values = np.linspace(-2, 1, 30)
    values[[3, 7]] = np.nan
    figure = plot_parcels(values, centres, title="any $\\text$", unit="Fisher z")
    shown = np.delete(centres, [3, 7], axis=0)
    sides = {tuple(np.round(points[:, 0], 3)) for points in _points(figure)}
    # From above: x to the right.
    assert tuple(np.round(shown[:, 0], 3)) in sides
    assert figure.get_suptitle() == r"any \$\text\$ (Fisher z)"
    figure.canvas.draw()


def test_signed_values_have_one_scale_for_both_signs(centres):
    figure = plot_parcels(np.linspace(-2, 1, 30), centres)
    limits = {
        c.get_clim() for axes in figure.axes for c in axes.collections if len(c.get_offsets())
    }
    assert (-2.0, 2.0) in limits


def test_only_the_strongest_edges_are_drawn(centres):
    edges = np.zeros((30, 30))
    for i in range(1, 30):
        edges[0, i] = edges[i, 0] = i
    figure = plot_connectome(edges, centres, n_strongest=4)
    n_nodes = max(len(points) for points in _points(figure))
    assert n_nodes == 5
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda c: plot_parcels(np.zeros(29), c), "one value and three coordinates a parcel"),
        (lambda c: plot_parcels(np.full(30, np.nan), c), "found none"),
        (lambda c: plot_connectome(np.zeros((30, 30)), c), "an edge that is not 0"),
        (lambda c: plot_connectome(np.triu(np.ones((30, 30))), c), "symmetric matrix of 30"),
    ],
)
def test_what_cannot_be_drawn_is_said(centres, draw, words):
    with pytest.raises(ValueError, match=words):
        draw(centres)


def _series(t_r_s: float | None) -> ParcelSeries:
    rng = np.random.default_rng(0)
    kept = np.r_[2:20, 25:40]
    values = rng.normal(5, 3, (len(kept), 4))
    values[:, 2] = np.nan
    quality = ScanQuality(0.1, 42, len(kept), None, None)
    names, networks = ("a", "b", "c", "d"), ("Y", "X", None, "X")
    return ParcelSeries(
        "1", "n/a", "n/a", "n/a", values, names, networks, kept, t_r_s, "x", "c", quality
    )


def test_a_carpet_stands_by_network_with_white_where_nothing_was_kept():
    series = _series(2.0)
    axes = plot_carpet(series, title="sub-1 $")
    (image,) = axes.images
    picture = np.ma.filled(image.get_array(), np.nan)
    assert picture.shape == (4, 42)
    # X (b, d), then Y (a), then no network (c, missing).
    np.testing.assert_allclose(
        picture[0, series.kept_volumes],
        (series.values[:, 1] - series.values[:, 1].mean()) / series.values[:, 1].std(),
        rtol=1e-9,
    )
    assert np.isnan(picture[3]).all()
    censored = np.setdiff1d(np.arange(42), series.kept_volumes)
    assert np.isnan(picture[:, censored]).all()
    assert not np.isnan(picture[:3, series.kept_volumes]).any()
    assert image.get_extent()[1] == 84.0
    axes.figure.savefig(io.BytesIO(), format="svg")


def test_a_carpet_without_a_repetition_time_counts_volumes():
    axes = plot_carpet(_series(None))
    assert axes.get_xlabel() == "time (volumes)"
    assert axes.images[0].get_extent()[1] == 42.0
