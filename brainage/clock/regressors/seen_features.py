"""Features on disk as training sets see them: as stored, as directions, harmonised.

A direction takes a training set's mean off a scan and makes it one long: ``(x - mean) / length``.
A harmoniser moves every edge of a scan, or of its direction, by its site: ``gain * x + offset``.
Products with such features are products with stored ones, weighted before and after: nothing is
written anew.

Products of float32 features are made in float32, a block of scans at a time, and summed in float64:
half the time, and the same ridge to 1e-4 years (scripts/bench_ridge_in_passes.py --compare).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brainage.blocks import blocks

Rows = slice | np.ndarray

#: Scans of a block at least, so that adding up what blocks give (features x columns, in float64) is
#: little beside products with them; and values of a block at most for that reason.
_LEAST_SCANS = 1000
_MOST_VALUES = 100_000_000
#: Scans that are looked at to know how features lie.
_FIRST = 200
#: A mean so many times the spread over scans costs a digit of float32, and is too much.
_LARGE_MEAN = 10.0


@dataclass(frozen=True)
class SiteMove:
    """What the harmonisers of several training sets do to the scans of one site.

    Parameters
    ----------
    rows : ndarray of int
        Scans of the site, rising.
    gain, offset : ndarray of shape (n_features, n_owners)
        ``gain * x + offset``, one column a training set; 1 and 0 where it knows no such site.
    """

    rows: np.ndarray
    gain: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class Directions:
    """What several training sets make unit vectors of scans with.

    Parameters
    ----------
    mean : ndarray of shape (n_features, n_owners)
        Mean of each training set.
    inverse_length : ndarray of shape (n_scans, n_owners)
        One over how far a scan lies from that mean; 0 for a scan that equals it.
    """

    mean: np.ndarray
    inverse_length: np.ndarray


@dataclass(frozen=True)
class FeaturePart:
    """Scans that are seen alike, and columns of vectors to multiply them with."""

    values: np.ndarray
    rows: np.ndarray | None
    move: SiteMove | None = None
    owner: np.ndarray | None = None
    directions: Directions | None = None

    def blocks(self, dtype: np.dtype | type) -> Iterator[tuple[Rows, np.ndarray]]:
        """Yield rows of the cohort and their stored features, a block at a time."""
        n = len(self.values) if self.rows is None else len(self.rows)
        width = self.values.shape[1]
        least = max(1, min(_LEAST_SCANS, _MOST_VALUES // max(width, 1)))
        for part in blocks(n, width, least=least):
            rows: Rows = part if self.rows is None else self.rows[part]
            yield rows, np.asarray(self.values[rows], dtype=dtype)

    def on_stored(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return weights and constants, inner and outer, of ``seen @ vectors``.

        It is ``scaled(rows, stored @ weights + inner) + outer``: directions are moved by site after
        they are taken.
        """
        inner = outer = np.zeros(vectors.shape[1])
        weights = vectors
        if self.move is not None:
            weights = self.move.gain[:, self.owner] * vectors
            outer = np.einsum("ij,ij->j", self.move.offset[:, self.owner], vectors)
        if self.directions is not None:
            inner = -np.einsum("ij,ij->j", self.directions.mean[:, self.owner], weights)
        return weights, inner, outer

    def as_seen(self, summed: np.ndarray, scaled: np.ndarray, plain: np.ndarray) -> np.ndarray:
        """Return ``seen.T @ v`` of ``stored.T @ scaled(v)`` and each column's sums.

        Parameters
        ----------
        summed : ndarray of shape (n_features, n_columns)
            ``stored.T @ scaled(v)``.
        scaled, plain : ndarray of shape (n_columns,)
            Sums over scans of scaled v, and of v.
        """
        if self.directions is not None:
            summed = summed - self.directions.mean[:, self.owner] * scaled
        if self.move is None:
            return summed
        return self.move.gain[:, self.owner] * summed + self.move.offset[:, self.owner] * plain

    def scaled(self, rows: Rows, of_scans: np.ndarray) -> np.ndarray:
        """Return a value a scan and column, divided by the scan's length where there is one."""
        if self.directions is None:
            return of_scans
        return of_scans * self.directions.inverse_length[rows][:, self.owner]

    def squared_lengths(self, rows: Rows, block: np.ndarray, member: np.ndarray) -> np.ndarray:
        """Return the sum over each set's scans in a block of the squared length as seen."""
        if self.move is None:
            if self.directions is not None:
                return np.sum(member * (self.scaled(rows, member) > 0), axis=0)
            return np.einsum("ij,ij->i", block, block, dtype=np.float64) @ member
        gain, offset = self.move.gain, self.move.offset
        block, mixed = block.astype(np.float64), gain * offset
        squares, products = block**2 @ gain**2, block @ mixed
        if self.directions is not None:
            mean, inverse = self.directions.mean, self.directions.inverse_length[rows]
            squares += np.sum((gain * mean) ** 2, axis=0) - 2 * block @ (gain**2 * mean)
            products -= np.einsum("ij,ij->j", mean, mixed)
            squares, products = squares * inverse**2, products * inverse
        lengths = squares + 2 * products + np.einsum("ij,ij->j", offset, offset)
        return np.einsum("ij,ij->j", lengths[:, self.owner], member)


@dataclass(frozen=True)
class SeenFeatures:
    """Features of a cohort for a block of vectors, each of which belongs to a training set.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        As stored, a memory map included.
    moves : sequence of SiteMove, default=()
        Of the sites that any training set harmonises; other scans are seen as stored.
    owner : ndarray of shape (n_columns,) or None, default=None
        Training set that each vector goes with; None: vectors and training sets go in order.
    directions : Directions or None, default=None
        Of every training set, where scans are seen as unit vectors; those are what sites move.
    """

    values: np.ndarray
    moves: Sequence[SiteMove] = ()
    owner: np.ndarray | None = None
    directions: Directions | None = None

    def __len__(self) -> int:
        """Return the number of scans."""
        return len(self.values)

    @cached_property
    def precision(self) -> np.dtype:
        """Type in which products are made: as stored, unless a large mean would take the digits."""
        first = np.asarray(self.values[:_FIRST], dtype=np.float64)
        large = np.mean(first**2) > _LARGE_MEAN**2 * np.mean(first.var(axis=0))
        return np.dtype(np.float64) if large else self.values.dtype

    @property
    def n_features(self) -> int:
        """Columns."""
        return self.values.shape[1]

    def parts(self) -> Iterator[FeaturePart]:
        """Yield scans that are moved alike; together they are the cohort, each scan once."""
        if not self.moves and self.directions is None:
            yield FeaturePart(self.values, None)
            return
        of_sets = self.directions.mean if self.directions is not None else self.moves[0].gain
        owner = np.arange(of_sets.shape[1]) if self.owner is None else self.owner
        if not self.moves:
            yield FeaturePart(self.values, None, None, owner, self.directions)
            return
        still = np.ones(len(self.values), dtype=bool)
        for move in self.moves:
            still[move.rows] = False
            yield FeaturePart(self.values, move.rows, move, owner, self.directions)
        if still.any():
            rows = np.flatnonzero(still)
            yield FeaturePart(self.values, rows, None, owner, self.directions)
