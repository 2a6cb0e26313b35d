"""A parcellation: what its parcels are called, where they are, and which network they belong to.

Each kind is a small type with its own weights on a scan's grid: `LabelAtlas`, `SphereAtlas`,
`MapAtlas`, and `SurfaceAtlas`, which weighs grayordinates.
"""

from __future__ import annotations

import abc
import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from brainage.errors import AtlasError
from brainage.imaging.atlas.weights import Weights
from brainage.imaging.reading.nifti import Grid
from brainage.showing import Shown

#: More are no parcellation (an anatomical image given as one): all their edges fit no memory.
MOST_PARCELS = 10_000


@dataclass(frozen=True, repr=False)
class Parcels(Shown):
    """What is known of an atlas's p parcels, in their order.

    Parameters
    ----------
    names : tuple of str
        Unique, and fit to be columns of a table.
    networks : tuple of (str or None), default=()
        Network of each parcel, None where the atlas knows none; empty: of none.
    hemispheres : tuple of (str or None), default=()
        "L", "R" or None; empty: of none.

    Raises
    ------
    AtlasError
        Names twice, empty or with a tab, line break or quotation mark; other lengths.

    Examples
    --------
    >>> ba.load_atlas("seitzman300").parcels
    Parcels
      names: 300: Auditory_001, Auditory_002, Auditory_003, ..., unassigned_300
      networks: 300: Auditory, Auditory, Auditory, Auditory, Auditory, ..., None
      hemispheres: 300: L, L, R, R, L, L, R, L, R, R, L, R, R, L, L, L, L, R, L, ..., R
    """

    names: tuple[str, ...]
    networks: tuple[str | None, ...] = ()
    hemispheres: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        p = len(self.names)
        for field in ("networks", "hemispheres"):
            object.__setattr__(self, field, tuple(getattr(self, field)) or (None,) * p)
            if len(getattr(self, field)) != p:
                raise AtlasError(f"{p} parcels, but {len(getattr(self, field))} {field}.")
        if not 0 < p <= MOST_PARCELS:
            raise AtlasError(
                f"expected 1 to {MOST_PARCELS} parcels, found {p}. Is the image one of labels?"
            )
        for name in self.names:
            if not fits_a_table(name):
                raise AtlasError(
                    f"parcel {name!r}: expected a name without tabs, line breaks and quotation "
                    "marks, and not empty: it becomes a column of tables."
                )
        if len(set(self.names)) < p:
            twice = next(name for name, n in Counter(self.names).items() if n > 1)
            raise AtlasError(f"expected unique names of parcels, found '{twice}' twice.")


def parcels_of(
    path: Path,
    names: Sequence[str],
    networks: Sequence[str | None] = (),
    hemispheres: Sequence[str | None] = (),
) -> Parcels:
    """Return `Parcels`; what is wrong with them is said of the file that names them."""
    try:
        return Parcels(tuple(names), tuple(networks), tuple(hemispheres))
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error


def fits_a_table(name: str) -> bool:
    """Say whether a name can be a column of a tab-separated table and be read back."""
    return bool(name.strip()) and name == name.strip() and '"' not in name and name.isprintable()


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Atlas(abc.ABC):
    """A parcellation before it meets a scan's grid.

    Parameters
    ----------
    name : str
        For file names and messages.
    parcels : Parcels
        Names, networks, hemispheres.
    space : str or None
        BIDS name of the template; None: unknown.
    content_hash : str
        Equal for equal parcellations, whatever the file is called.

    Examples
    --------
    >>> atlas = ba.load_atlas("dosenbach160")
    >>> atlas.name, atlas.space
    ('dosenbach160', 'MNI')
    >>> atlas.n_parcels, atlas.centres_mm.shape
    (160, (160, 3))
    """

    name: str
    parcels: Parcels
    space: str | None
    content_hash: str
    #: What the parcels are, for messages, and what a signal is of them, for Methods.
    what: ClassVar[str]
    signal_words: ClassVar[str]
    #: Whether it weighs grayordinates of CIFTI scans, and not voxels.
    of_surfaces: ClassVar[bool] = False

    @property
    def parcel_names(self) -> tuple[str, ...]:
        """Names of the p parcels."""
        return self.parcels.names

    @property
    def networks(self) -> tuple[str | None, ...]:
        """Network of each parcel, None where the atlas knows none."""
        return self.parcels.networks

    @property
    def hemispheres(self) -> tuple[str | None, ...]:
        """Side of each parcel: "L", "R" or None."""
        return self.parcels.hemispheres

    @property
    def n_parcels(self) -> int:
        """Number of parcels p."""
        return len(self.parcels.names)

    @property
    def centres_mm(self) -> np.ndarray | None:
        """Centre of each parcel (p, 3) in the atlas's space; None where it has none known."""
        return None

    @property
    def restrictable(self) -> bool:
        """Whether weights on a mask follow from those on the whole grid."""
        return True

    def own_columns(self) -> dict[str, np.ndarray]:
        """Return what else ``parcels.tsv`` can say of each parcel, by column."""
        centres_mm = self.centres_mm
        if centres_mm is None:
            return {}
        return dict(zip(("x_mm", "y_mm", "z_mm"), centres_mm.T, strict=True))

    @abc.abstractmethod
    def weights(self, grid: Grid, inside: np.ndarray | None = None) -> Weights:
        """Return the weights on a grid, before smoothing.

        Parameters
        ----------
        grid : Grid
            Of the scan.
        inside : ndarray of shape grid.shape, bool, or None, default=None
            Voxels that count; read only where the atlas is not `restrictable`.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._summary()}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(network or '')}</td></tr>"
            for name, network in zip(self.parcel_names[:10], self.networks[:10], strict=True)
        )
        more = f"<p>and {self.n_parcels - 10} more</p>" if self.n_parcels > 10 else ""
        head = "<tr><th>parcel</th><th>network</th></tr>"
        return f"<p>{html.escape(self._summary())}</p><table>{head}{rows}</table>{more}"

    def _summary(self) -> str:
        named = len({network for network in self.networks if network is not None})
        first, last = self.parcel_names[0][:30], self.parcel_names[-1][:30]
        return (
            f"{self.name[:60]}: {self.n_parcels} {self.what} ({first} ... {last}), "
            f"{named or 'no'} networks, space {self.space or 'unknown'}"
        )
