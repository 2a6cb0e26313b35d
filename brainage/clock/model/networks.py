"""Which edges a clock of one network, or of the connections between two, may see."""

from __future__ import annotations

import numpy as np

from brainage.connectivity import ViewSpec, edge_mask

#: Between the names of two networks: "DefaultMode - Visual".
BETWEEN = " - "


def network_edges(spec: ViewSpec, network: str) -> np.ndarray:
    """Return the columns of a network's clock.

    Parameters
    ----------
    spec : ViewSpec
        Whose `networks` are used.
    network : str
        A network (edges within it), or two joined by " - " (edges from one to the other).

    Returns
    -------
    mask : ndarray of shape (n_features,), bool

    Raises
    ------
    FeatureMismatchError
        A network that no parcel has, or without an edge.
    """
    first, joined, second = network.partition(BETWEEN)
    # An atlas may have a network whose own name holds the joint.
    if joined and network not in spec.networks:
        return edge_mask(spec, between=(first, second))
    return edge_mask(spec, within=network)
