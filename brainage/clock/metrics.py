"""Accuracy of uncorrected out-of-fold predictions, with bootstrap intervals over people."""

from __future__ import annotations

import numpy as np
import pandas as pd

METRICS = ("MAE", "RMSE", "r", "R2", "MAE_median", "skill")


def accuracy(predictions: pd.DataFrame, *, n_bootstrap: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compute accuracy within each repeat, averaged over repeats.

    Parameters
    ----------
    predictions : DataFrame
        Columns participant_id, repeat, age_years, predicted_age_years (uncorrected, out of fold)
        and median_age_years (median age of the fold's training scans).
    n_bootstrap : int, default=1000
        Draws over people (all scans of a person together); 0: no intervals.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    metrics : DataFrame
        metric, estimate, low, high (95 % percentile bootstrap). MAE, RMSE and MAE_median in
        years; skill is 1 - MAE / MAE_median: zero means no better than the median age.
    """
    people, person = np.unique(predictions["participant_id"].astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    weights = np.ones((1, len(people)))
    if n_bootstrap:
        draws = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), n_bootstrap)
        weights = np.vstack([weights, draws])
    repeats = predictions["repeat"].to_numpy()
    values = np.mean([
        _weighted(predictions[repeats == r], weights[:, person[repeats == r]])
        for r in np.unique(repeats)
    ], axis=0)  # fmt: skip
    low = high = np.full(len(METRICS), np.nan)
    if n_bootstrap:
        low, high = np.nanpercentile(values[1:], [2.5, 97.5], axis=0)
    return pd.DataFrame({"metric": METRICS, "estimate": values[0], "low": low, "high": high})


def _weighted(rows: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return (n_draws, n_metrics) for weights (n_draws, n_scans)."""
    age = rows["age_years"].to_numpy(float)
    predicted = rows["predicted_age_years"].to_numpy(float)
    # Ages centred first: the weighted second moments below lose no digits.
    centre = age.mean()
    a, p = age - centre, predicted - centre
    total = weights.sum(axis=1)

    def mean(values):
        return weights @ values / total

    mae = mean(np.abs(p - a))
    squared = mean((p - a) ** 2)
    mae_median = mean(np.abs(rows["median_age_years"].to_numpy(float) - age))
    variance_a = np.maximum(mean(a**2) - mean(a) ** 2, 0)
    variance_p = np.maximum(mean(p**2) - mean(p) ** 2, 0)
    covariance = mean(a * p) - mean(a) * mean(p)
    # Rounding leaves a constant prediction a trace of variance; its correlation is undefined.
    variance_p[variance_p < 1e-12 * variance_a] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        r = covariance / np.sqrt(variance_a * variance_p)
        r2 = 1 - squared / variance_a
        skill = 1 - mae / mae_median
    return np.column_stack([mae, np.sqrt(squared), r, r2, mae_median, skill])
