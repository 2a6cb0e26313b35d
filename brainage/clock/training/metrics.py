"""Accuracy of uncorrected out-of-fold predictions, with bootstrap intervals over people."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from brainage.errors import CorrectedAccuracyError

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

    Raises
    ------
    CorrectedAccuracyError
        See `refuse_corrected`.
    """
    refuse_corrected(predictions)
    person, weights = _draws(predictions["participant_id"], n_bootstrap, seed)
    repeats = predictions["repeat"].to_numpy()
    values = np.mean(
        [
            _weighted(predictions[repeats == r], weights[:, person[repeats == r]])
            for r in np.unique(repeats)
        ],
        axis=0,
    )
    low, high = _bounds(values)
    return pd.DataFrame({"metric": METRICS, "estimate": values[0], "low": low, "high": high})


def refuse_corrected(predictions: pd.DataFrame) -> None:
    """Refuse predictions that were corrected for age on themselves.

    A correction adds a multiple of the true age to each prediction. Predictions of pure noise
    then follow age almost perfectly (r above .9), which is no accuracy. Fitted on the predictions
    it corrects, it leaves a gap without any slope on age, to the last digits; errors of a clock
    never are like that.

    Parameters
    ----------
    predictions : DataFrame
        Columns age_years and predicted_age_years, and participant_id and session_id where a scan
        has several rows (repeats).

    Raises
    ------
    CorrectedAccuracyError
        The gap has no slope on age although it is not zero.

    Examples
    --------
    >>> refuse_corrected(examples.cross_validation().predictions)
    """
    keys = [key for key in ("participant_id", "session_id") if key in predictions]
    columns = ["age_years", "predicted_age_years"]
    mean = predictions.groupby(keys)[columns].mean() if len(keys) == 2 else predictions[columns]
    age, predicted = (mean[name].to_numpy(float) for name in columns)
    centred, gap = age - age.mean(), predicted - age
    length = np.linalg.norm(centred) * np.linalg.norm(gap - gap.mean())
    # Three scans and fewer can have such a gap by chance; a perfect clock has none to judge.
    if len(age) < 4 or np.linalg.norm(gap - gap.mean()) < 1e-6 * np.linalg.norm(centred):
        return
    if abs(centred @ gap) < 1e-9 * length:
        raise CorrectedAccuracyError(
            f"accuracy: the gap of these {len(age)} predictions has no slope on age at all, so "
            "they were corrected with the ages they would be judged by. That is no accuracy: "
            "corrected predictions of noise follow age too. Give the uncorrected, out-of-fold "
            "predictions."
        )


def bootstrap_mean(
    values: pd.Series, people: pd.Series, *, n_bootstrap: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Average values of scans, with an interval over people.

    Parameters
    ----------
    values : Series of shape (n_scans,)
        Numbers or yes/no.
    people : Series of shape (n_scans,)
        Person of each scan.
    n_bootstrap : int, default=1000
        Draws over people; 0: no interval.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    mean : DataFrame
        One row: estimate, low, high (95 % percentile bootstrap).
    """
    person, weights = _draws(people, n_bootstrap, seed)
    scans = weights[:, person]
    means = (scans @ values.to_numpy(float) / scans.sum(axis=1))[:, None]
    low, high = _bounds(means)
    return pd.DataFrame({"estimate": means[0], "low": low, "high": high})


def _draws(people: pd.Series, n_bootstrap: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the person of each scan, and weights (1 + n_bootstrap, n_people); first the cohort."""
    names, person = np.unique(people.astype(str), return_inverse=True)
    weights = np.ones((1, len(names)))
    if n_bootstrap:
        rng = np.random.default_rng(seed)
        draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), n_bootstrap)
        weights = np.vstack([weights, draws])
    return person, weights


def _bounds(values: np.ndarray) -> np.ndarray:
    """Return the 2.5 and 97.5 % points of the draws in rows 1 and on; NaN where there are none."""
    with warnings.catch_warnings():
        # A metric that no draw defines has no bounds; that is said by their absence.
        warnings.filterwarnings("ignore", message="All-NaN slice encountered")
        draws = values[1:] if len(values) > 1 else np.full_like(values, np.nan)
        return np.nanpercentile(draws, [2.5, 97.5], axis=0)


def _weighted(rows: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return (n_draws, n_metrics) for weights (n_draws, n_scans)."""
    age = rows["age_years"].to_numpy(float)
    predicted = rows["predicted_age_years"].to_numpy(float)
    # Ages centred first: the weighted second moments below lose no digits.
    centre = age.mean()
    a, p = age - centre, predicted - centre
    total = weights.sum(axis=1)

    def mean(values: np.ndarray) -> np.ndarray:
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
