"""How far a scan lies from the reference cohort, as a percentile a new scan can be judged by.

The metric is a low-rank Mahalanobis distance with a residual term. With u the scan minus the
reference mean, v_j the first q principal axes, l_j their variances and r the part of u outside
them::

    distance^2 = mean_j (v_j' u)^2 / l_j  +  |r|^2 / rho

where rho is the mean of |r|^2 over reference scans. So a scan can be far because it goes too far
along a known direction or because it goes in an unknown one, and both count alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh
from sklearn.model_selection import GroupKFold, KFold

from brainage.blocks import blocks
from brainage.clock.stored import ABOVE_ZERO, array, ascending, only
from brainage.errors import BrainAgeError, ClockFileError


class ReferenceDistance:
    """Percentile of a scan's distance among reference scans that were left out.

    A reference scan is nearer to a mean and to axes that it helped to make, so in-sample
    distances would call almost every new scan far. Reference distances are therefore out of fold:
    mean, axes and variances come from the other folds. A new scan is judged by the axes of all
    reference scans against those honest distances.

    Parameters
    ----------
    n_axes : int, default=20
        Principal axes kept; at most one per ten reference scans, so that no axis is one person.
    max_scans : int, default=1000
        Larger cohorts are summarised by a seeded sample of this size (bounds time and memory:
        one matrix of max_scans squared).
    n_folds : int, default=5
        Folds of the out-of-fold reference distances.
    random_state : int, default=0
        Seed of sample and folds.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,), float32
    axes_ : ndarray of shape (q, n_features), float32
        Orthonormal.
    variances_ : ndarray of shape (q,)
    residual_energy_ : float
        rho, the mean squared length of reference scans outside the axes.
    reference_distances_ : ndarray of shape (n_sampled,)
        Sorted out-of-fold distances.
    """

    def __init__(
        self, n_axes: int = 20, *, max_scans: int = 1000, n_folds: int = 5, random_state: int = 0
    ):
        self.n_axes = n_axes
        self.max_scans = max_scans
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X: Any, *, groups: np.ndarray | None = None) -> ReferenceDistance:
        """Summarise the reference cohort.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Reference features, a memory map included; read once, in chunks of columns.
        groups : array of shape (n_scans,) or None, default=None
            Person (or family) of each scan; their scans share a fold.

        Returns
        -------
        distance : ReferenceDistance

        Raises
        ------
        BrainAgeError
            Fewer than ten scans, or features that are not finite.
        """
        if len(X) < 10:
            raise BrainAgeError(f"reference distance: expected at least 10 scans, found {len(X)}.")
        rng = np.random.default_rng(self.random_state)
        rows = np.arange(len(X))
        if len(X) > self.max_scans:
            rows = np.sort(rng.choice(len(X), self.max_scans, replace=False))
        gram = _gram(X, rows)
        everyone = np.arange(len(rows))
        fold_distances = np.empty(len(rows))
        for train, test in self._folds(len(rows), None if groups is None else _take(groups, rows)):
            summary = _summarise(gram, train, self._rank(len(train)))
            fold_distances[test] = _gram_distance(gram, train, test, summary)
        self.reference_distances_ = np.sort(fold_distances)
        summary = _summarise(gram, everyone, self._rank(len(rows)))
        self.variances_, self.residual_energy_ = summary.variances, summary.residual_energy
        self._fold_back(X, rows, summary)
        return self

    def distance(self, X: np.ndarray) -> np.ndarray:
        """Return each scan's distance, shape (n_scans,); about 1.4 for a typical reference scan."""
        self._check(X)
        result = np.empty(len(X))
        mean, axes = self.mean_.astype(np.float64), self.axes_.astype(np.float64)
        for i, row in enumerate(X):
            # Row by row, because a matrix product rounds differently with the size of the batch.
            offset = np.asarray(row, dtype=np.float64) - mean
            scores = axes @ offset
            residual = max(float(offset @ offset - scores @ scores), 0.0)
            along = np.mean(scores**2 / self.variances_)
            result[i] = np.sqrt(along + residual / self.residual_energy_)
        return result

    def percentile(self, X: np.ndarray) -> np.ndarray:
        """Return the share, in percent, of left-out reference scans that lie nearer than each scan.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Features made as the reference's.

        Returns
        -------
        percentile : ndarray of shape (n_scans,)
            0 to 100; of new scans like the reference about 5 % lie above 95.
        """
        below = np.searchsorted(self.reference_distances_, self.distance(X), side="left")
        return 100.0 * below / len(self.reference_distances_)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return arrays for a clock file; a mean, axes and sorted distances, no scan's data."""
        return {
            "mean": self.mean_,
            "axes": self.axes_,
            "variances": self.variances_,
            "residual_energy": np.array(self.residual_energy_),
            "reference_distances": self.reference_distances_,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], n_features: int) -> ReferenceDistance:
        """Rebuild a fitted distance from `to_arrays`; ClockFileError where it makes no sense."""
        names = ("mean", "axes", "variances", "residual_energy", "reference_distances")
        only(arrays, names, "arrays of the reference distance")
        axes = array(arrays, "axes", (None, n_features))
        new = cls(n_axes=len(axes))
        new.mean_, new.axes_ = array(arrays, "mean", (n_features,)), axes
        lengths = np.einsum("ij,ij->i", axes, axes, dtype=np.float64)
        if not len(axes) or np.abs(lengths - 1).max() > 1e-3:
            raise ClockFileError("reference distance: expected axes of length 1, found others")
        new.variances_ = array(arrays, "variances", (len(axes),), low=ABOVE_ZERO)
        new.residual_energy_ = float(array(arrays, "residual_energy", (), low=ABOVE_ZERO))
        distances = array(arrays, "reference_distances", (None,), low=0)
        if not len(distances):
            raise ClockFileError("reference distance: expected distances of scans, found none")
        new.reference_distances_ = ascending(distances, "reference distances")
        return new

    def _rank(self, n_scans: int) -> int:
        return max(1, min(self.n_axes, n_scans // 10))

    def _folds(
        self, n_scans: int, groups: np.ndarray | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if groups is None:
            split = KFold(self.n_folds, shuffle=True, random_state=self.random_state)
            return split.split(np.empty(n_scans))
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise BrainAgeError("reference distance: expected scans of at least two people.")
        split = GroupKFold(
            min(self.n_folds, n_groups), shuffle=True, random_state=self.random_state
        )
        return split.split(np.empty(n_scans), groups=groups)

    def _fold_back(self, X: Any, rows: np.ndarray, summary: _Summary) -> None:
        """Turn weights on scans into a mean and axes on features, chunk by chunk."""
        n_features = X.shape[1]
        self.mean_ = np.empty(n_features, dtype=np.float32)
        self.axes_ = np.empty((len(summary.variances), n_features), dtype=np.float32)
        for part, values in _column_chunks(X, rows):
            mean = values.mean(axis=0)
            self.mean_[part] = mean
            self.axes_[:, part] = summary.weights.T @ (values - mean)

    def _check(self, X: np.ndarray) -> None:
        if not hasattr(self, "axes_"):
            raise BrainAgeError("reference distance: fit it on the reference cohort first.")
        if np.ndim(X) != 2 or X.shape[1] != len(self.mean_):
            raise ValueError(
                f"reference distance: expected {len(self.mean_)} features, found "
                f"shape {np.shape(X)}."
            )


@dataclass(frozen=True)
class _Summary:
    """Axes as weights (n_train, q) on centred training scans, their variances, and rho."""

    weights: np.ndarray
    variances: np.ndarray
    residual_energy: float


def _summarise(gram: np.ndarray, train: np.ndarray, rank: int) -> _Summary:
    own = gram[np.ix_(train, train)]
    centred = own - own.mean(axis=0) - own.mean(axis=1)[:, None] + own.mean()
    n = len(train)
    values, vectors = eigh(centred, subset_by_index=[n - rank, n - 1])
    total = np.trace(centred)
    if total <= 0:
        raise BrainAgeError("reference distance: expected scans that differ, found equal features.")
    # Axes without variance (equal scans) say nothing about distance.
    kept = values > 1e-10 * total
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    # eigh leaves the sign open; fixing it makes the file the same on every machine.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    energy = max(total - values.sum(), 1e-10 * total) / n
    return _Summary(vectors / np.sqrt(values), values / n, float(energy))


def _gram_distance(
    gram: np.ndarray, train: np.ndarray, test: np.ndarray, summary: _Summary
) -> np.ndarray:
    own, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
    to_mean = cross - cross.mean(axis=1)[:, None] - own.mean(axis=0) + own.mean()
    squared = gram[test, test] - 2 * cross.mean(axis=1) + own.mean()
    scores = to_mean @ summary.weights
    residual = np.maximum(squared - np.sum(scores**2, axis=1), 0.0)
    along = np.mean(scores**2 / summary.variances, axis=1)
    return np.sqrt(along + residual / summary.residual_energy)


def _gram(X: Any, rows: np.ndarray) -> np.ndarray:
    gram = np.zeros((len(rows), len(rows)))
    for _, values in _column_chunks(X, rows):
        # Centring first keeps small distances from drowning in a large common mean.
        values = values - values.mean(axis=0)
        gram += values @ values.T
    if not np.isfinite(gram).all():
        raise BrainAgeError(
            "reference distance: expected finite features, found missing values. "
            "Fill missing parcels by the pipeline's rule first."
        )
    return gram


def _column_chunks(X: Any, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    whole = len(rows) == len(X)
    for part in blocks(X.shape[1], len(rows)):
        values = X[:, part] if whole else X[rows, part]
        yield part, np.asarray(values, dtype=np.float64)


def _take(groups: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(groups, dtype=object)[rows].astype(str)
