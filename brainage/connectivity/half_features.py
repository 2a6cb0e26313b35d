"""What the halves of scans are, as features: held beside those of the whole scans."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.showing import Shown


@dataclass(frozen=True, repr=False)
class HalfFeatures(Shown):
    """Views of both halves of the scans of a feature table, in its order.

    Parameters
    ----------
    first, second : dict of str to ndarray of shape (n_scans, n_features), float32
        View -> rows; NaN throughout for a scan that could not be halved.
    reasons : DataFrame
        participant_id, session_id, reason: scans that could not be halved.
    cut : str, default=""
        How the halves were made, in words ("cut after filtering"); empty: not said.

    Examples
    --------
    >>> files = ba.find_series(written / "reference" / "series")[:4]
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> features = ba.build_features(files, people)
    >>> halves = ba.build_half_features(files, people, features, views=["fisher_z"])
    >>> halves.first["fisher_z"].shape, int(halves.usable.sum())
    ((4, 276), 4)
    """

    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]
    reasons: pd.DataFrame
    cut: str = ""

    @property
    def usable(self) -> np.ndarray:
        """Boolean (n_scans,): scans with both halves."""
        sides = (self.first, self.second)
        return np.all(
            [rows_with_features(view) for side in sides for view in side.values()], axis=0
        )

    def select(self, index: np.ndarray) -> HalfFeatures:
        """Return the halves of some scans, in the order given."""
        first, second = (
            {name: view[index] for name, view in side.items()} for side in (self.first, self.second)
        )
        return replace(self, first=first, second=second)


def rows_with_features(view: np.ndarray) -> np.ndarray:
    """Return which rows of a view hold any number, reading a block of them at a time."""
    found = [np.isfinite(view[rows]).any(axis=1) for rows in blocks(*view.shape)]
    return np.concatenate([np.zeros(0, dtype=bool), *found])
