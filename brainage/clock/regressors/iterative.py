"""Ridges too large for any square matrix: conjugate gradients on features that stay on disk.

Every pass reads the features once, in blocks of rows, and serves all training sets and penalties:
a training set is a column of a block of vectors, and the penalties of one set share its Krylov
space (shifted systems). So 10 folds with 41 penalties cost as many passes as one fold with one.

References
----------
.. [1] Hestenes & Stiefel (1952), J. Res. Natl. Bur. Stand. 49:409-436.
.. [2] Jegerlehner (1996), arXiv:hep-lat/9612014 (all shifts from one sequence of products).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from brainage.clock.regressors.seen_features import SeenFeatures

#: Residual, relative to the right-hand side, at which a system counts as solved. Predictions are
#: then within 1e-4 years of the exact ones (scripts/bench_ridge_in_passes.py --compare).
TOLERANCE = 1e-6
#: Passes over the features at most. A penalty that needs more is far weaker than any worth having.
MOST_PASSES = 200


@dataclass(frozen=True)
class TrainingSums:
    """What a first pass learns of every training set.

    Parameters
    ----------
    means : ndarray of shape (n_features, n_sets)
        Mean of each feature over the set's scans.
    right : ndarray of shape (n_features, n_sets)
        Centred features times centred targets.
    mean_targets : ndarray of shape (n_sets,)
        Mean target of the set.
    units : ndarray of shape (n_sets,)
        Mean squared length of a centred scan: what penalties are relative to.
    """

    means: np.ndarray
    right: np.ndarray
    mean_targets: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class ShiftedSolutions:
    """Ridges of every training set at every shift.

    Parameters
    ----------
    predicted : list of ndarray of shape (n_watched, n_shifts)
        One a set: predictions of the scans that were watched for it.
    weights : ndarray of shape (n_features, n_sets) or None
        At the single shift, where weights were asked for.
    residuals : ndarray of shape (n_sets, n_shifts)
        Length of what is left of each system, relative to its right-hand side.
    n_passes : int
        Passes over the features.
    """

    predicted: list[np.ndarray]
    weights: np.ndarray | None
    residuals: np.ndarray
    n_passes: int


def training_sums(features: SeenFeatures, member: np.ndarray, target: np.ndarray) -> TrainingSums:
    """Sum over each training set in one pass.

    Parameters
    ----------
    features : SeenFeatures
        Of the cohort, as each training set sees them.
    member : ndarray of shape (n_scans, n_sets)
        Whether a scan is in a training set, or its weight there.
    target : ndarray of shape (n_scans, n_sets)
        Ages, on whatever scale.
    """
    counts = member.sum(axis=0)
    mean_targets = np.sum(member * target, axis=0) / counts
    centred = member * (target - mean_targets)
    means, right = np.zeros((2, features.n_features, member.shape[1]))
    squares = np.zeros(member.shape[1])
    for part in features.parts():
        sums, weighted = np.zeros((2, *means.T.shape))
        inside, moved = np.zeros((2, 2, member.shape[1]))
        for rows, block in part.blocks(features.precision):
            own = member[rows]
            scaled, targets = part.scaled(rows, own), part.scaled(rows, centred[rows])
            sums += scaled.T.astype(block.dtype) @ block
            weighted += targets.T.astype(block.dtype) @ block
            inside += scaled.sum(axis=0), own.sum(axis=0)
            moved += targets.sum(axis=0), centred[rows].sum(axis=0)
            squares += part.squared_lengths(rows, block, own)
        means += part.as_seen(sums.T, *inside)
        right += part.as_seen(weighted.T, *moved)
    means /= counts
    lengths = np.einsum("ij,ij->j", means, means)
    units = squares / counts - lengths
    return TrainingSums(means, right, mean_targets, np.where(units > 0, units, 1.0))


def solve_shifted(
    features: SeenFeatures,
    member: np.ndarray,
    sums: TrainingSums,
    shifts: np.ndarray,
    *,
    watched: Sequence[np.ndarray],
    keep_weights: bool = False,
    finished: Callable[[list[np.ndarray], np.ndarray], bool] | None = None,
    tolerance: float = TOLERANCE,
    most_passes: int = MOST_PASSES,
) -> ShiftedSolutions:
    """Solve ``(Xc' Xc + shift) w = Xc' y`` for every training set and shift.

    Parameters
    ----------
    features : SeenFeatures
        Of the cohort, as each training set sees them.
    member : ndarray of shape (n_scans, n_sets)
        Whether a scan is in a training set, or its weight there.
    sums : TrainingSums
        Of the same sets.
    shifts : ndarray of shape (n_sets, n_shifts)
        Penalties, absolute, above 0.
    watched : sequence of ndarray of int
        One a set: scans to predict.
    keep_weights : bool, default=False
        Also return the weights; only with a single shift.
    finished : callable, optional
        Given predictions and residuals after each pass, whether no more passes are needed; None:
        until every system is solved.
    tolerance : float, default=1e-6
        Of the relative residuals.
    most_passes : int, default=200
        Stop there whatever is left.

    Returns
    -------
    solutions : ShiftedSolutions
    """
    n_sets, n_shifts = shifts.shape
    if keep_weights and n_shifts > 1:
        raise ValueError("iterative ridge: weights are kept for a single shift alone")
    base = shifts.min(axis=1)
    state = _Shifts(shifts - base[:, None])
    residual = sums.right.copy()
    direction, weights = residual.copy(), np.zeros_like(residual) if keep_weights else None
    along = np.zeros((len(member), n_sets))
    steps = [np.zeros((len(rows), n_shifts)) for rows in watched]
    predicted = [
        np.full((len(rows), n_shifts), mean)
        for rows, mean in zip(watched, sums.mean_targets, strict=True)
    ]
    start = np.einsum("ij,ij->j", residual, residual)
    squared, beta = start.copy(), np.zeros(n_sets)
    relative, n_passes = np.ones(shifts.shape), 0
    while n_passes < most_passes and squared.any():
        of_residual, product = _one_pass(features, member, sums, residual, along, beta)
        product += base * direction
        curvature = np.einsum("ij,ij->j", direction, product)
        alpha = np.divide(squared, curvature, out=np.zeros(n_sets), where=curvature > 0)
        for k, rows in enumerate(watched):
            steps[k] = state.zeta[k] * of_residual[rows, k, None] + state.beta[k] * steps[k]
        alphas = state.advance(alpha, beta)
        for k in range(n_sets):
            predicted[k] += alphas[k] * steps[k]
        if weights is not None:
            weights += alpha * direction
        residual -= alpha * product
        fresh = np.einsum("ij,ij->j", residual, residual)
        beta = np.divide(fresh, squared, out=np.zeros(n_sets), where=squared > 0)
        # Solved to the last digits: what is left is rounding, and would only be magnified.
        beta[fresh <= 1e-28 * start] = 0.0
        squared = np.where(fresh <= 1e-28 * start, 0.0, fresh)
        direction = residual + beta * direction
        state.turn(beta)
        n_passes += 1
        lengths = np.sqrt(np.divide(squared, start, out=np.zeros(n_sets), where=start > 0))
        relative = np.abs(state.zeta) * lengths[:, None]
        if (relative <= tolerance).all() or (finished and finished(predicted, relative)):
            break
    return ShiftedSolutions(predicted, weights, relative, n_passes)


def _one_pass(
    features: SeenFeatures,
    member: np.ndarray,
    sums: TrainingSums,
    residual: np.ndarray,
    along: np.ndarray,
    beta: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``Xc r`` of every scan and ``Xc' Xc p``; `along` becomes ``Xc p``, in place."""
    of_residual = np.empty_like(along)
    product, total = np.zeros_like(residual), np.zeros(residual.shape[1])
    of_mean = np.einsum("ij,ij->j", sums.means, residual)
    for part in features.parts():
        weights, inner, outer = part.on_stored(residual)
        # Few columns from the left: BLAS takes half the time that it takes for block.T @ scaled.
        summed, counts = np.zeros(residual.T.shape), np.zeros((2, len(total)))
        stored = weights.astype(features.precision)
        for rows, block in part.blocks(features.precision):
            of_residual[rows] = part.scaled(rows, block @ stored + inner) + outer - of_mean
            along[rows] = of_residual[rows] + beta * along[rows]
            inside = member[rows] * along[rows]
            scaled = part.scaled(rows, inside)
            summed += scaled.T.astype(block.dtype) @ block
            counts += scaled.sum(axis=0), inside.sum(axis=0)
        product += part.as_seen(summed.T, *counts)
        total += counts[1]
    return of_residual, product - sums.means * total


class _Shifts:
    """How far each shifted system's residual is shorter than the base system's (`zeta`)."""

    def __init__(self, above_base: np.ndarray):
        self._above = above_base
        self.zeta = np.ones_like(above_base)
        self.beta = np.zeros_like(above_base)
        self._zeta_before = np.ones_like(above_base)
        self._alpha_before = np.ones(len(above_base))
        self._ratio = np.ones_like(above_base)

    def advance(self, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """Return every shift's step length, of the base's `alpha` of now and `beta` of before."""
        now, before = alpha[:, None], self._alpha_before[:, None]
        below = now * beta[:, None] * (self._zeta_before - self.zeta)
        below += self._zeta_before * before * (1 + self._above * now)
        above = self.zeta * self._zeta_before * before
        zeta = np.divide(above, below, out=np.zeros_like(above), where=below != 0)
        self._ratio = np.divide(zeta, self.zeta, out=np.zeros_like(zeta), where=self.zeta != 0)
        self._zeta_before, self.zeta = self.zeta, zeta
        self._alpha_before = np.where(alpha > 0, alpha, 1.0)
        return now * self._ratio

    def turn(self, beta: np.ndarray) -> None:
        """Take the base's `beta` of the step just made."""
        self.beta = beta[:, None] * self._ratio**2
