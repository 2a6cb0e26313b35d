"""Halves of scans as further training rows: a clock that has seen short scans reads them alike.

They stand behind the whole scans of a cohort. A person's rows stay in one fold; everything that is
learnt of features before the regression is learnt of whole scans; only whole scans are predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from brainage.clock.options import ClockOptions
from brainage.connectivity import FeatureTable
from brainage.errors import FeatureMismatchError

Index = int | slice | np.ndarray

#: Weight of a half scan's squared error beside a whole one's.
HALF_WEIGHT = {"half_weight": 0.5, "full_weight": 1.0}


@dataclass(frozen=True)
class RowsBehind:
    """Rows of halves behind those of whole scans, joined where they are read: all may lie on disk.

    Parameters
    ----------
    whole : ndarray of shape (n_scans, n_features)
        Whole scans.
    sides : tuple of ndarray of shape (n_scans, n_features)
        Their halves.
    halved : ndarray of int
        Scans whose halves are rows.
    """

    whole: np.ndarray
    sides: tuple[np.ndarray, ...]
    halved: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return len(self.whole) + len(self.sides) * len(self.halved), self.whole.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """As the whole scans are stored."""
        return self.whole.dtype

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, index: Index | tuple[Index, slice]) -> np.ndarray:
        """Return some rows (number, slice or numbers) and columns (slice)."""
        rows, columns = index if isinstance(index, tuple) else (index, slice(None))
        if isinstance(rows, int | np.integer):
            return self[np.array([rows]), columns][0]
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self._between(*rows.indices(len(self))[:2], columns)
        n = len(self.whole)
        wanted = np.arange(len(self))[rows]
        found = np.empty((len(wanted), len(range(*columns.indices(self.shape[1])))), self.dtype)
        side, place = np.divmod(wanted - n, max(len(self.halved), 1))
        found[side < 0] = self.whole[wanted[side < 0], columns]
        for k, values in enumerate(self.sides):
            found[side == k] = values[self.halved[place[side == k]], columns]
        return found

    def _between(self, start: int, stop: int, columns: slice) -> np.ndarray:
        """Return neighbouring rows, as they are stored where they are neighbours there."""
        n = len(self.whole)
        parts = [self.whole[start : min(stop, n), columns]] if start < n or stop <= start else []
        for k, values in enumerate(self.sides):
            first = n + k * len(self.halved)
            own = self.halved[max(start - first, 0) : max(stop - first, 0)]
            if len(own) and own[-1] - own[0] == len(own) - 1:
                parts.append(values[own[0] : own[-1] + 1, columns])
            elif len(own):
                parts.append(values[own, columns])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True)
class HalfRows:
    """Which rows of a problem are halves, of which scans, and how much each row counts.

    Parameters
    ----------
    n_scans : int
        Whole scans, which come first.
    owner : ndarray of int (n_rows,)
        The whole scan that each row is, or is a half of.
    halved : ndarray of int
        Scans with halves; the others are too short, and used whole.
    half_weight : float
        Of a half beside a whole scan.
    cut : str, default=""
        How the halves were made, in words; empty: not said.
    """

    n_scans: int
    owner: np.ndarray
    halved: np.ndarray
    half_weight: float
    cut: str = ""

    @classmethod
    def of(cls, features: FeatureTable, options: ClockOptions) -> HalfRows | None:
        """Return the rows that the options ask for; None: whole scans alone.

        Raises
        ------
        FeatureMismatchError
            The table holds no halves, or none of a view.
        """
        if options.half_scans == "off":
            return None
        held = features.halves
        if held is None or not set(options.views) <= set(held.first):
            raise FeatureMismatchError(
                f"clock.half_scans: expected halves of the scans in the views "
                f"{list(options.views)}, found "
                f"{'none' if held is None else sorted(held.first)}. From Python: "
                "replace(features, halves=build_half_features(...)); matrices cannot be halved."
            )
        halved = np.flatnonzero(held.usable)
        n_scans = len(features)
        owner = np.concatenate([np.arange(n_scans), halved, halved])
        return cls(n_scans, owner, halved, HALF_WEIGHT[options.half_scans], held.cut)

    def behind(
        self,
        whole: Sequence[np.ndarray],
        features: FeatureTable,
        views: Sequence[str],
        columns: Mapping[str, np.ndarray] | None,
    ) -> list[np.ndarray]:
        """Return the values of each view with both halves behind the whole scans."""
        if features.halves is None:
            raise FeatureMismatchError("clock.half_scans: expected halves of the scans")
        stacked = []
        for name, values in zip(views, whole, strict=True):
            both = (features.halves.first[name], features.halves.second[name])
            sides = both if columns is None else tuple(side[:, columns[name]] for side in both)
            # Joined where it is read: three times the features may be more than memory holds.
            stacked.append(cast(np.ndarray, RowsBehind(values, sides, self.halved)))
        return stacked

    def with_halves(self, train: np.ndarray) -> np.ndarray:
        """Return rows of whole scans and, behind them, those of their halves."""
        halves = np.flatnonzero(np.isin(self.owner[self.n_scans :], train)) + self.n_scans
        return np.concatenate([train, halves])

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the weights of rows, which add up to the number of whole scans among them.

        A penalty relative to a scan's mean squared length then means what it means without halves.
        """
        whole = rows < self.n_scans
        weights = np.where(whole, 1.0, self.half_weight)
        return weights * (whole.sum() / weights.sum())

    def words(self) -> str:
        """Return what was trained on, for the card."""
        short = self.n_scans - len(self.halved)
        named = f"; {short} scans too short to halve, used whole" if short else ""
        weight = f"{self.half_weight:g}"
        made = f"; {self.cut}" if self.cut else ""
        return f", on whole scans and their halves (weights 1, {weight}, {weight}{made}{named})"
