"""What a ridge would have predicted for people who were left out, without refitting.

A scan alone: its residual over 1 - leverage. Scans of one person (or family) leave together, or
each would vouch for the others: ``(I - H_gg)^-1 r_g``, H_gg the group's block of the hat matrix.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brainage.blocks import blocks

#: Least share of itself that a left-out scan may keep: below, a clock interpolates it.
_LEAST = 1e-10


def residuals_left_out(
    residual: np.ndarray,
    vectors: np.ndarray,
    shrinkage: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    constant: np.ndarray | None = None,
) -> np.ndarray:
    """Return residuals of each scan by ridges that did not see its group.

    Parameters
    ----------
    residual : ndarray of shape (n_scans, n_penalties)
        Of the ridges fitted on every scan.
    vectors : ndarray of shape (n_scans, r)
        H is ``vectors diag(shrinkage) vectors' + 1 / n_fitted`` at each penalty, in which the
        constant is the intercept's.
    shrinkage : ndarray of shape (r, n_penalties)
        Of each direction at each penalty.
    groups : ndarray of shape (n_scans,) or None, default=None
        Scans that leave together; None: each by itself.
    constant : ndarray of shape (n_scans,) or None, default=None
        The intercept's direction, of length 1: the square root of each row's share of the weight,
        where rows have weights (residuals and vectors are then times the root of the weight);
        None: equal weights.

    Returns
    -------
    left_out : ndarray of shape (n_scans, n_penalties)

    References
    ----------
    .. [1] Golub, Heath & Wahba (1979), Technometrics 21:215-223 (one scan at a time).
    """
    n = len(residual)
    own_part = np.full((n, 1), 1 / n) if constant is None else constant[:, None] ** 2
    leverage = own_part + vectors**2 @ shrinkage
    left_out = residual / np.maximum(1 - leverage, _LEAST)
    for every in repeated(groups):
        for part in blocks(len(every), every.shape[1] ** 2 * vectors.shape[1]):
            rows = every[part]
            hats = _constant_blocks(constant, rows, n) + _hat_blocks(vectors[rows], shrinkage)
            own = np.moveaxis(residual[rows], -1, 0)
            left_out[rows] = np.moveaxis(leave_together(own, hats), 0, -1)
    return left_out


def _constant_blocks(constant: np.ndarray | None, rows: np.ndarray, n: int) -> float | np.ndarray:
    """Return the intercept's part of the hat matrix of groups (n_groups, size, size)."""
    if constant is None:
        return 1 / n
    own = constant[rows]
    return own[:, :, None] * own[:, None, :]


def _hat_blocks(vectors: np.ndarray, shrinkage: np.ndarray) -> np.ndarray:
    """Return ``V diag(s) V'`` (n_penalties, n_groups, size, size) of vectors (.., size, r)."""
    size = vectors.shape[1]
    first, second = np.triu_indices(size)
    # One product for all penalties: the pairs of scans are few, the directions many.
    pairs = np.moveaxis((vectors[:, first] * vectors[:, second]) @ shrinkage, -1, 0)
    blocks = np.empty((*pairs.shape[:2], size, size))
    blocks[..., first, second] = blocks[..., second, first] = pairs
    return blocks


def leave_together(residual: np.ndarray, hat: np.ndarray) -> np.ndarray:
    """Return ``(I - H_gg)^-1 r_g`` for groups of one size.

    Parameters
    ----------
    residual : ndarray of shape (..., size)
        Of ridges fitted on every scan.
    hat : ndarray of shape (..., size, size)
        Blocks of the hat matrix.

    Returns
    -------
    left_out : ndarray of shape (..., size)
    """
    values, basis = np.linalg.eigh(np.eye(hat.shape[-1]) - hat)
    turned = np.einsum("...ji,...j->...i", basis, residual) / np.maximum(values, _LEAST)
    return np.einsum("...ij,...j->...i", basis, turned)


def repeated(groups: np.ndarray | None) -> Iterator[np.ndarray]:
    """Yield the rows (n_groups, size) of the groups of each size above one.

    Nothing where all scans are of one group: then nobody can be left out.
    """
    if groups is None:
        return
    _, counts = np.unique(groups, return_counts=True)
    order = np.argsort(groups, kind="stable")
    starts = np.cumsum(counts) - counts
    for size in np.unique(counts[(counts > 1) & (counts < len(order))]):
        yield order[starts[counts == size][:, None] + np.arange(size)]


def means_of_others(
    values: np.ndarray, groups: np.ndarray | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return for each scan the (weighted) mean over the scans of other groups, (n_scans,)."""
    if weights is not None:
        _, place = np.unique(
            np.arange(len(values)) if groups is None else groups, return_inverse=True
        )
        weighted = weights * values
        total = weighted.sum() - np.bincount(place, weighted)[place]
        return total / (weights.sum() - np.bincount(place, weights)[place])
    n, mean = len(values), float(np.mean(values))
    own, size = values.astype(float), np.ones(n)
    for rows in repeated(groups):
        own[rows] = values[rows].sum(axis=1, keepdims=True)
        size[rows] = rows.shape[1]
    return (n * mean - own) / (n - size)
