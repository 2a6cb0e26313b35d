"""Which edges make a region: a parcel, a network, two networks, or a region the study names."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.connectivity import ViewSpec, edge_indices
from brainage.errors import DesignError
from brainage.trial.options import RegionOptions


@dataclass(frozen=True)
class Regions:
    """Means of edges, as one matrix.

    Parameters
    ----------
    level : tuple of str
        "parcel", "network" or "named region" of each.
    name : tuple of str
        Parcel, two networks joined by " - ", or the region's own name.
    weights : ndarray of shape (n_edges, n_regions)
        Each column sums to 1 over its edges; a region without an edge is a column of zeros.
    """

    level: tuple[str, ...]
    name: tuple[str, ...]
    weights: np.ndarray

    @property
    def n_edges(self) -> np.ndarray:
        """Number of edges of each region."""
        return (self.weights > 0).sum(axis=0)


def pair_edges(spec: ViewSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the two parcels of every edge of a view of parcel pairs without a diagonal.

    Raises
    ------
    DesignError
        Another layout: its columns are no edges between two parcels.
    """
    row, column = edge_indices(spec)
    if (row == column).any() or spec.n_features != len(row) or spec.layout != "upper":
        raise DesignError(
            "local changes: expected a view of parcel pairs without a diagonal (fisher_z, "
            f"pearson), found layout '{spec.layout}'."
        )
    return row, column


def parcel_strengths(spec: ViewSpec, usable: np.ndarray) -> Regions:
    """Return the mean edge of each parcel with all others.

    Parameters
    ----------
    spec : ViewSpec
        Of a view of parcel pairs.
    usable : ndarray of bool of shape (n_edges,)
        Edges measured in every scan.
    """
    row, column = pair_edges(spec)
    weights = np.zeros((len(row), spec.n_parcels))
    edges = np.flatnonzero(usable)
    weights[edges, row[edges]] = weights[edges, column[edges]] = 1.0
    names = spec.parcel_names
    return Regions(("parcel",) * len(names), names, _mean(weights))


def network_means(spec: ViewSpec, usable: np.ndarray) -> Regions:
    """Return the mean edge within each network and between each two.

    Parameters
    ----------
    spec : ViewSpec
        Whose parcels have networks; parcels without one are in none.
    usable : ndarray of bool of shape (n_edges,)
        Edges measured in every scan.

    Raises
    ------
    DesignError
        No parcel has a network.
    """
    row, column = pair_edges(spec)
    networks = np.array([name or "" for name in spec.networks], dtype=object)
    known = (networks[row] != "") & (networks[column] != "")
    if not known.any():
        raise DesignError(
            "local changes: the atlas assigns no networks to its parcels; give a label table with "
            "a network column, or ask for parcels."
        )
    labels = np.array(
        [" - ".join(sorted(pair)) for pair in zip(networks[row], networks[column], strict=True)],
        dtype=object,
    )
    names = sorted(set(labels[known]))
    weights = (labels[:, None] == np.array(names, dtype=object)[None]) & (known & usable)[:, None]
    return Regions(("network",) * len(names), tuple(names), _mean(weights.astype(float)))


def named_regions(
    spec: ViewSpec,
    usable: np.ndarray,
    wanted: tuple[RegionOptions, ...],
    *,
    coordinates: pd.DataFrame | None = None,
) -> Regions:
    """Return the mean edge of each named region's parcels with all parcels, and among themselves.

    Parameters
    ----------
    spec : ViewSpec
        Parcels.
    usable : ndarray of bool of shape (n_edges,)
        Edges measured in every scan.
    wanted : tuple of RegionOptions
        Each by a pattern of labels, a network, or a box in MNI space.
    coordinates : DataFrame or None, default=None
        parcel, x_mm, y_mm, z_mm; read by boxes only.

    Returns
    -------
    regions : Regions
        Two a region: "NAME", and "NAME, within", which one parcel alone has no edge of.

    Raises
    ------
    DesignError
        A region that no parcel belongs to, or a box without coordinates.
    """
    row, column = pair_edges(spec)
    names: list[str] = []
    columns: list[np.ndarray] = []
    for region in wanted:
        inside = parcels_of_region(spec, region, coordinates)
        names += [region.name, f"{region.name}, within"]
        columns += [(inside[row] | inside[column]) & usable, inside[row] & inside[column] & usable]
    weights = np.column_stack(columns).astype(float)
    return Regions(("named region",) * len(names), tuple(names), _mean(weights))


def parcels_of_region(
    spec: ViewSpec, region: RegionOptions, coordinates: pd.DataFrame | None
) -> np.ndarray:
    """Say which parcels belong to a named region.

    Parameters
    ----------
    spec : ViewSpec
        Parcels and their networks.
    region : RegionOptions
        By pattern (found anywhere in the label, case ignored), network or box.
    coordinates : DataFrame or None
        Centres of parcels, for a box.

    Returns
    -------
    inside : ndarray of bool of shape (p,)

    Raises
    ------
    DesignError
        Nothing matches, or a box without coordinates.
    """
    if region.pattern is not None:
        search = re.compile(region.pattern, re.IGNORECASE).search
        inside = np.array([search(name) is not None for name in spec.parcel_names])
        how = f"pattern '{region.pattern}'"
    elif region.network is not None:
        inside = np.array([name == region.network for name in spec.networks])
        known = ", ".join(sorted({name for name in spec.networks if name})) or "none"
        how = f"network '{region.network}' (the atlas has {known})"
    else:
        inside = _in_box(spec, region, coordinates)
        how = f"MNI box {list(region.mni_box_mm or ())}"
    if not inside.any():
        raise DesignError(
            f"region '{region.name}': no parcel matches its {how}; parcels are called such as "
            f"{', '.join(spec.parcel_names[:3])}."
        )
    return inside


def _in_box(spec: ViewSpec, region: RegionOptions, coordinates: pd.DataFrame | None) -> np.ndarray:
    if coordinates is None:
        raise DesignError(
            f"region '{region.name}': an MNI box needs the parcels' coordinates, and those of this "
            "atlas are not known; name the region by a pattern of labels or a network."
        )
    centre = coordinates.set_index("parcel").reindex(list(spec.parcel_names))
    place = centre[["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=float)
    low, high = np.array(region.mni_box_mm, dtype=float).reshape(3, 2).T
    return ((place >= low) & (place <= high)).all(axis=1)


def _mean(weights: np.ndarray) -> np.ndarray:
    return weights / np.maximum(weights.sum(axis=0), 1)
