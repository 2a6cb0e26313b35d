"""What the columns of a feature view are: the spec, its edges and its networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import numpy as np

from brainage.connectivity.kinds import Layout
from brainage.errors import FeatureMismatchError
from brainage.options import fingerprint_of
from brainage.showing import Shown

#: A network needs this many parcels (three edges) to have a clock of its own.
MIN_NETWORK_PARCELS = 3


@dataclass(frozen=True, repr=False)
class ViewSpec(Shown):
    """Everything that two views must share before their columns mean the same.

    Parameters
    ----------
    kind : str
        One of `kinds.KINDS`. "tangent" holds the scan's shrunk correlation itself; its space
        is fitted in the training fold (`transformers.TangentTransformer`). Likewise
        "log_correlation_direction" holds the logarithm, and the training fold's mean is taken off
        in the clock (`transformers.DirectionTransformer`).
    shrinkage : str
        "none", "ledoit_wolf", "oas", or "fixed_0.3" and the like (`KindRecord.stated_shrinkage`).
    layout : {"upper", "upper_with_diagonal", "full", "parcel"}
        How a (p, p) matrix became a row.
    parcel_names : tuple of str
        p names, in order.
    networks : tuple of (str or None)
        Network of each parcel.
    atlas : str
        Name of the atlas.
    cleaning_fingerprint : str
        Of the series.

    Examples
    --------
    >>> spec = examples.features()["fisher_z"].spec
    >>> spec.kind, spec.n_parcels, spec.n_features
    ('fisher_z', 24, 276)
    >>> spec.differences(spec)
    []
    """

    kind: str
    shrinkage: str
    layout: Layout
    parcel_names: tuple[str, ...]
    networks: tuple[str | None, ...]
    atlas: str
    cleaning_fingerprint: str

    @property
    def n_parcels(self) -> int:
        """Number of parcels p."""
        return len(self.parcel_names)

    @property
    def n_features(self) -> int:
        """Number of columns of the view."""
        p = self.n_parcels
        return {
            "upper": p * (p - 1) // 2,
            "upper_with_diagonal": p * (p + 1) // 2,
            "full": p * p,
            "parcel": p,
        }[self.layout]

    def to_dict(self) -> dict:
        """Return a JSON-able dictionary; `from_dict` undoes it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict) -> ViewSpec:
        """Make a spec of what `to_dict` gave.

        Raises
        ------
        FeatureMismatchError
            A key too many or too few, or a value that is no name, layout or list of names.
        """
        names = {f.name for f in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            found = sorted(values) if isinstance(values, dict) else f"{values!r:.60}"
            raise FeatureMismatchError(
                f"view spec: expected the keys {sorted(names)}, found {found}."
            )
        for name, value in values.items():
            if not _can_be(name, value):
                raise FeatureMismatchError(f"view spec: {name} cannot be {value!r:.60}.")
        if len(values["networks"]) != len(values["parcel_names"]):
            raise FeatureMismatchError("view spec: expected one network, or null, for each parcel.")
        named: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**named)

    def fingerprint(self) -> str:
        """Return a short hash, equal for views whose columns mean the same."""
        return fingerprint_of(self.to_dict())

    def differences(self, other: ViewSpec) -> list[str]:
        """Say in words how `other` differs from this spec; empty when they match.

        Returns
        -------
        differences : list of str
            "kind: expected fisher_z, found pearson" and the like, with the fix where there is one.
        """
        words = [
            f"{name}: expected {getattr(self, name)}, found {getattr(other, name)}"
            for name in ("atlas", "kind", "shrinkage", "layout", "cleaning_fingerprint")
            if getattr(self, name) != getattr(other, name)
        ]
        if self.parcel_names != other.parcel_names:
            words.append(describe_parcels(self.parcel_names, other.parcel_names))
        elif self.networks != other.networks:
            words.append("networks: the same parcels, but assigned to other networks")
        return words


def _can_be(name: str, value: object) -> bool:
    """Return whether a field of a stored view spec can have a value."""
    if name in ("parcel_names", "networks"):
        kinds = (str,) if name == "parcel_names" else (str, type(None))
        return isinstance(value, list | tuple) and all(isinstance(one, kinds) for one in value)
    return isinstance(value, str) and (name != "layout" or value in get_args(Layout))


def describe_parcels(expected: tuple[str, ...], found: tuple[str, ...]) -> str:
    """Say in one phrase how two lists of parcels differ."""
    absent = [name for name in expected if name not in set(found)]
    extra = [name for name in found if name not in set(expected)]
    if not absent and not extra:
        return f"parcels: the same {len(expected)}, in another order"
    parts = [f"parcels: expected {len(expected)}, found {len(found)}"]
    for word, names in (("lacking", absent), ("unexpected", extra)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            parts.append(f"{word} {', '.join(names[:3])}{more}")
    return "; ".join(parts)


@dataclass(frozen=True, repr=False)
class View(Shown):
    """One kind of connectivity of every session.

    Parameters
    ----------
    values : ndarray or memmap of shape (n_scans, n_features), float32
        NaN where a parcel of the edge was missing in that scan.
    spec : ViewSpec
        What the columns are.

    Examples
    --------
    >>> view = examples.features()["fisher_z"]
    >>> view.values.shape, view.spec.atlas
    ((40, 276), 'lattice24')
    """

    values: np.ndarray
    spec: ViewSpec


def edge_indices(spec: ViewSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the two parcel indices of every column, each of shape (n_features,).

    For "lagged" the first parcel leads the second; for "amplitude" both are the parcel.

    Examples
    --------
    >>> first, second = edge_indices(examples.features()["fisher_z"].spec)
    >>> first[:3].tolist(), second[:3].tolist()
    ([0, 0, 0], [1, 2, 3])
    """
    p = spec.n_parcels
    if spec.layout == "parcel":
        return np.arange(p), np.arange(p)
    if spec.layout == "full":
        rows, columns = np.indices((p, p))
        return rows.ravel(), columns.ravel()
    return np.triu_indices(p, k=1 if spec.layout == "upper" else 0)


def edge_names(spec: ViewSpec) -> list[str]:
    """Return a name for every column: "A ~ B", "A -> B" where A leads, "A" for a parcel.

    Examples
    --------
    >>> ba.edge_names(examples.features()["fisher_z"].spec)[:2]
    ['parcel00 ~ parcel01', 'parcel00 ~ parcel02']
    """
    if spec.layout == "parcel":
        return list(spec.parcel_names)
    rows, columns = edge_indices(spec)
    link = " -> " if spec.layout == "full" else " ~ "
    names = spec.parcel_names
    return [names[i] + link + names[j] for i, j in zip(rows, columns, strict=True)]


def edge_mask(
    spec: ViewSpec, *, within: str | None = None, between: tuple[str, str] | None = None
) -> np.ndarray:
    """Say which columns lie within one network, or between two.

    Parameters
    ----------
    spec : ViewSpec
        Whose `networks` are used.
    within : str, optional
        A network: both parcels belong to it.
    between : tuple of (str, str), optional
        Two networks: one parcel belongs to each. Give one of `within` and `between`.

    Returns
    -------
    mask : ndarray of shape (n_features,), bool

    Raises
    ------
    FeatureMismatchError
        A network that no parcel has; a network without an edge; both or neither given.

    Examples
    --------
    >>> spec = examples.features()["fisher_z"].spec
    >>> int(edge_mask(spec, within="Visual").sum())
    15
    >>> int(edge_mask(spec, between=("Visual", "Default")).sum())
    36
    """
    if (within is None) == (between is None):
        raise FeatureMismatchError("edge_mask: expected one of `within` and `between`.")
    first, second = (within, within) if between is None else between
    networks = np.array([n or "" for n in spec.networks], dtype=object)
    for name in (first, second):
        if not name or name not in networks:
            known = ", ".join(sorted({n for n in spec.networks if n})) or "none"
            raise FeatureMismatchError(
                f"network '{name}': no parcel of atlas {spec.atlas} belongs to it; its networks: "
                f"{known}."
            )
    rows, columns = edge_indices(spec)
    row_in, column_in = networks[rows], networks[columns]
    mask = (row_in == first) & (column_in == second) | (row_in == second) & (column_in == first)
    if not mask.any():
        raise FeatureMismatchError(
            f"networks '{first}' and '{second}' of atlas {spec.atlas} have no edge in layout "
            f"{spec.layout}; a network needs two parcels."
        )
    return mask.astype(bool)


def network_names(spec: ViewSpec, *, min_parcels: int = MIN_NETWORK_PARCELS) -> list[str]:
    """Return the networks with at least `min_parcels` parcels, in the atlas's order.

    Parameters
    ----------
    spec : ViewSpec
        Whose `networks` are counted; parcels without a network belong to none.
    min_parcels : int, default=3
        Below three parcels a network has a single edge, which makes no clock.

    Examples
    --------
    >>> ba.network_names(examples.features()["fisher_z"].spec)
    ['Default', 'FrontoParietal', 'SomatoMotor', 'Visual']
    """
    seen = dict.fromkeys(n for n in spec.networks if n)
    return [name for name in seen if spec.networks.count(name) >= min_parcels]
