"""Which connections rise and fall with brain age: Haufe patterns and their stability.

A weight says how a clock combines edges; it may be large for an edge that only cancels noise.
The pattern says how an edge differs between scans that look older and scans that look younger.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.connectivity import ViewSpec, edge_indices


class FoldStability(NamedTuple):
    """How alike vectors of several fold models are.

    `mean_correlation` and `lowest_correlation` are over pairs of folds (1: the same shape);
    `sign_consistency`, shape (n_features,), is the share of folds with the commoner sign (0.5 to
    1), a zero counting for neither.
    """

    mean_correlation: float
    lowest_correlation: float
    sign_consistency: np.ndarray


def haufe_pattern(X: np.ndarray, predicted_age_years: np.ndarray) -> np.ndarray:
    """Return how much each edge changes per year of predicted age.

    Parameters
    ----------
    X : ndarray of shape (n_scans, n_features)
        Features of the scans the clock was fitted on; read in chunks of columns.
    predicted_age_years : ndarray of shape (n_scans,) or (n_scans, n_clocks)
        The clock's predictions for them; a column a clock.

    Returns
    -------
    pattern : ndarray of shape (n_features,) or (n_clocks, n_features)
        cov(edge, prediction) / var(prediction), edge units per year; positive: the edge is
        stronger in scans that look older. Zero where predictions do not vary.

    References
    ----------
    .. [1] Haufe et al. (2014), NeuroImage 87:96-110, eq. 6 for one factor.
    """
    predicted = np.asarray(predicted_age_years, dtype=np.float64)
    if len(predicted) != len(X):
        raise ValueError(
            f"haufe_pattern: expected {len(X)} predictions, found shape {predicted.shape}."
        )
    centred = predicted - predicted.mean(axis=0)
    squares = np.sum(centred**2, axis=0)
    scaled = centred / np.where(squares > 0, squares, np.inf)
    parts = []
    for part in blocks(X.shape[1], len(X)):
        values = np.asarray(X[:, part], dtype=np.float64)
        # Centred predictions sum to zero only up to rounding; centring the edges as well keeps
        # a large common mean out of the covariance.
        parts.append(scaled.T @ (values - values.mean(axis=0)))
    return np.concatenate(parts, axis=-1)


def fold_stability(vectors: np.ndarray) -> FoldStability:
    """Compare weights or patterns of several fold models.

    Parameters
    ----------
    vectors : ndarray of shape (K, n_features)
        One row a fold model, at least two.

    Returns
    -------
    stability : FoldStability
        Correlations are 0 for a constant vector.
    """
    vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float64))
    if len(vectors) < 2:
        raise ValueError(f"fold_stability: expected at least two folds, found {len(vectors)}.")
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    correlations = (unit @ unit.T)[np.triu_indices(len(vectors), k=1)]
    share = np.maximum((vectors > 0).mean(axis=0), (vectors < 0).mean(axis=0))
    return FoldStability(float(correlations.mean()), float(correlations.min()), share)


def parcel_means(values: np.ndarray, spec: ViewSpec) -> pd.DataFrame:
    """Average a vector over edges, once for each parcel they touch.

    Parameters
    ----------
    values : ndarray of shape (n_features,)
        A pattern or weights.
    spec : ViewSpec
        The view's columns; the diagonal of layouts that have one is left out.

    Returns
    -------
    table : DataFrame
        One row a parcel: parcel, network, n_edges, mean, mean_absolute.
    """
    first, second, values = _off_diagonal(values, spec)
    ends = np.concatenate([first, second])
    counts = np.bincount(ends, minlength=spec.n_parcels)
    both = np.concatenate([values, values])
    return pd.DataFrame(
        {
            "parcel": list(spec.parcel_names),
            "network": list(spec.networks),
            "n_edges": counts,
            "mean": np.bincount(ends, both, spec.n_parcels) / np.maximum(counts, 1),
            "mean_absolute": np.bincount(ends, np.abs(both), spec.n_parcels)
            / np.maximum(counts, 1),
        }
    )


def network_means(values: np.ndarray, spec: ViewSpec) -> pd.DataFrame:
    """Average a vector over the edges within each network and between each two.

    Returns
    -------
    table : DataFrame
        One row a pair of networks: network, other_network (the same: within), n_edges, mean,
        mean_absolute. Parcels without a network are left out; no rows where the atlas knows none.
    """
    first, second, values = _off_diagonal(values, spec)
    names = list(dict.fromkeys(n for n in spec.networks if n is not None))
    code = np.array([names.index(n) if n is not None else -1 for n in spec.networks], dtype=int)
    low, high = np.minimum(code[first], code[second]), np.maximum(code[first], code[second])
    pair = np.where(low >= 0, low * len(names) + high, -1)
    rows = []
    for key in np.unique(pair[pair >= 0]):
        inside = values[pair == key]
        rows.append(
            (
                names[key // len(names)],
                names[key % len(names)],
                len(inside),
                inside.mean(),
                np.abs(inside).mean(),
            )
        )
    return pd.DataFrame(
        rows, columns=["network", "other_network", "n_edges", "mean", "mean_absolute"]
    )


def stability_table(vectors: np.ndarray, spec: ViewSpec) -> pd.DataFrame:
    """Summarise stability over folds per edge, per parcel and per network pair.

    Parameters
    ----------
    vectors : ndarray of shape (K, n_features)
        Patterns or weights of K fold models.
    spec : ViewSpec
        The view's columns.

    Returns
    -------
    table : DataFrame
        level (edge, parcel, network), n_values, mean_correlation, lowest_correlation,
        mean_sign_consistency. The network row is absent where fewer than two pairs exist.
    """
    levels = {
        "edge": np.asarray(vectors, dtype=np.float64),
        "parcel": np.array([parcel_means(v, spec)["mean"] for v in vectors]),
        "network": np.array([network_means(v, spec)["mean"] for v in vectors], dtype=np.float64),
    }
    rows = []
    for level, values in levels.items():
        if values.shape[1] < 2:
            continue
        found = fold_stability(values)
        rows.append(
            (
                level,
                values.shape[1],
                found.mean_correlation,
                found.lowest_correlation,
                float(found.sign_consistency.mean()),
            )
        )
    return pd.DataFrame(
        rows,
        columns=[
            "level",
            "n_values",
            "mean_correlation",
            "lowest_correlation",
            "mean_sign_consistency",
        ],
    )


def _off_diagonal(values: np.ndarray, spec: ViewSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (spec.n_features,):
        raise ValueError(
            f"patterns: expected {spec.n_features} values for view '{spec.kind}', "
            f"found shape {values.shape}."
        )
    first, second = edge_indices(spec)
    kept = first != second
    return first[kept], second[kept], values[kept]
