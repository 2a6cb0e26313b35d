"""A parcellation: what its parcels are called, where they are, and which network they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Atlas:
    """A parcellation before it meets a scan's grid.

    Parameters
    ----------
    name : str
        For file names and messages.
    kind : {"labels", "spheres", "maps", "cifti"}
        Integer image, coordinates with radii, a 4-D image of weights, or labels of grayordinates.
    parcel_names : tuple of str
        p unique names.
    networks : tuple of (str or None)
        Network of each parcel, None where the atlas knows none.
    hemispheres : tuple of (str or None)
        "L", "R" or None.
    space : str or None
        BIDS name of the template; None: unknown.
    image : Path or None
        Of labels and maps.
    label_values : ndarray of shape (p,) or None
        Integer of each parcel.
    coordinates_mm : ndarray of shape (p, 3) or None
        Sphere centres; for other kinds None.
    radii_mm : ndarray of shape (p,) or None
        Sphere radii.
    content_hash : str
        Equal for equal parcellations, whatever the file is called.
    """

    name: str
    kind: Literal["labels", "spheres", "maps", "cifti"]
    parcel_names: tuple[str, ...]
    networks: tuple[str | None, ...]
    hemispheres: tuple[str | None, ...]
    space: str | None
    image: Path | None
    label_values: np.ndarray | None
    coordinates_mm: np.ndarray | None
    radii_mm: np.ndarray | None
    content_hash: str

    @property
    def n_parcels(self) -> int:
        """Number of parcels p."""
        return len(self.parcel_names)
