"""The parcels a synthetic brain is made of: names, networks and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainage.errors import AtlasError
from brainage.imaging import SphereAtlas, load_atlas
from brainage.synthetic.options import SyntheticOptions

#: In front of this MNI plane (and outside the cerebellum) a parcel counts as prefrontal.
_PREFRONTAL_Y_MM = 25.0


@dataclass(frozen=True)
class Parcels:
    """Parcels with coordinates.

    Parameters
    ----------
    atlas : str
        Name of the atlas they come from.
    names : tuple of str
        p unique names.
    networks : tuple of (str or None)
        Network of each.
    coordinates_mm : ndarray of shape (p, 3)
        Centres in MNI space.
    radii_mm : ndarray of shape (p,)
        Sphere radii.
    """

    atlas: str
    names: tuple[str, ...]
    networks: tuple[str | None, ...]
    coordinates_mm: np.ndarray
    radii_mm: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @property
    def prefrontal(self) -> np.ndarray:
        """Boolean (p,): parcels in front of y = 25 mm."""
        return self.coordinates_mm[:, 1] > _PREFRONTAL_Y_MM


def load_parcels(options: SyntheticOptions) -> Parcels:
    """Take the parcels of the options' atlas, or an even selection of them.

    Raises
    ------
    AtlasError
        The atlas has no coordinates, or fewer parcels than asked for.
    """
    atlas = load_atlas(options.atlas)
    if not isinstance(atlas, SphereAtlas):
        raise AtlasError(
            f"synthetic.atlas '{options.atlas}': expected an atlas of spheres with coordinates, "
            f"found one of {atlas.what}. Use seitzman300."
        )
    parcels = Parcels(
        atlas.name,
        tuple(atlas.parcel_names),
        tuple(atlas.networks),
        np.asarray(atlas.coordinates_mm, dtype=float),
        np.asarray(atlas.radii_mm, dtype=float),
    )
    return select_parcels(parcels, options.n_parcels)


def select_parcels(parcels: Parcels, n_parcels: int | None) -> Parcels:
    """Take `n_parcels` parcels evenly from the list (None: all), in order."""
    if n_parcels is None or n_parcels == len(parcels):
        return parcels
    if n_parcels > len(parcels):
        raise AtlasError(
            f"synthetic.n_parcels: expected at most the {len(parcels)} parcels of "
            f"{parcels.atlas}, found {n_parcels}."
        )
    index = np.linspace(0, len(parcels) - 1, n_parcels).round().astype(int)
    return Parcels(
        f"{parcels.atlas}of{n_parcels}",
        tuple(parcels.names[i] for i in index),
        tuple(parcels.networks[i] for i in index),
        parcels.coordinates_mm[index],
        parcels.radii_mm[index],
    )
