"""Halves of scans as further training rows: a clock that has seen short scans reads them alike.

They stand behind the whole scans of a cohort. A person's rows stay in one fold; everything that is
learnt of features before the regression is learnt of whole scans; only whole scans are predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brainage.clock.options import ClockOptions
from brainage.connectivity import FeatureTable
from brainage.errors import FeatureMismatchError

#: Weight of a half scan's squared error beside a whole one's.
HALF_WEIGHT = {"half_weight": 0.5, "full_weight": 1.0}


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
            sides = [
                side[name][self.halved] for side in (features.halves.first, features.halves.second)
            ]
            if columns is not None:
                sides = [side[:, columns[name]] for side in sides]
            stacked.append(np.vstack([values, *sides]))
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
