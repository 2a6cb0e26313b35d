"""Directions of scans whose features stay on disk: means and lengths from passes over them.

Each training set gets the transformer that it would have been given in memory
(`DirectionTransformer`); solvers then see scans as it turns them, without any being written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brainage.blocks import blocks
from brainage.clock.regressors.seen_features import Directions
from brainage.connectivity import DirectionTransformer

#: Nearer to a mean than this part of its length, a scan's distance is taken from their difference:
#: the difference of their squares has lost its digits.
_NEAR = 1e-3


def directions_in_passes(values: np.ndarray, trains: Sequence[np.ndarray]) -> Directions:
    """Return the mean of each training set and how far every scan lies from it, in two passes.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Features of the cohort, a memory map included; finite.
    trains : sequence of ndarray of int
        Training sets.
    """
    n_scans, n_features = values.shape
    member = np.zeros((n_scans, len(trains)))
    for k, train in enumerate(trains):
        member[train, k] = 1 / len(train)
    mean = np.zeros((n_features, len(trains)))
    for rows in blocks(n_scans, n_features):
        mean += np.asarray(values[rows], dtype=np.float64).T @ member[rows]
    return Directions(mean, inverse_lengths(values, mean))


def inverse_lengths(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return one over each scan's distance from each mean, (n_scans, n_means); 0 where it is 0.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Features, a memory map included; finite.
    mean : ndarray of shape (n_features, n_means)
        Means.
    """
    found = np.zeros((len(values), mean.shape[1]))
    of_means = np.einsum("ij,ij->j", mean, mean)
    for rows in blocks(*values.shape):
        block = np.asarray(values[rows], dtype=np.float64)
        own = np.einsum("ij,ij->i", block, block)[:, None]
        squared = own - 2 * block @ mean + of_means
        for scan, k in zip(*np.nonzero(squared <= _NEAR**2 * own), strict=True):
            departure = block[scan] - mean[:, k]
            squared[scan, k] = departure @ departure
        lengths = np.sqrt(squared)
        found[rows] = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return found


def transformers_of(directions: Directions) -> list[DirectionTransformer]:
    """Return each training set's transformer, as fitting it in memory gives."""
    made = []
    for mean in directions.mean.T:
        new = DirectionTransformer()
        new.mean_, new.n_features_in_ = mean.copy(), len(mean)
        made.append(new)
    return made


@dataclass(frozen=True)
class DirectedView:
    """A cohort's features as one transformer turns them, made where they are read."""

    values: np.ndarray
    mean: np.ndarray
    known: np.ndarray | None = None

    @cached_property
    def inverse_length(self) -> np.ndarray:
        """One over each scan's distance from the mean (n_scans,); a pass, unless it is known."""
        if self.known is not None:
            return self.known
        return inverse_lengths(self.values, self.mean[:, None])[:, 0]

    @property
    def shape(self) -> tuple[int, int]:
        """Scans and features."""
        return self.values.shape

    def __len__(self) -> int:
        """Return the number of scans."""
        return len(self.values)

    def __getitem__(self, index: tuple[slice | np.ndarray, slice]) -> np.ndarray:
        """Return directions of some scans (slice or numbers) and columns (slice)."""
        wanted, columns = index
        stored = np.asarray(self.values[wanted, columns], dtype=np.float64)
        turned = (stored - self.mean[columns]) * self.inverse_length[wanted, None]
        return turned.astype(self.values.dtype)
