"""One scan's features to its numbers, whatever other scans there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.clock.model.parts import ClockParts
from brainage.clock.regressors.age_scale import to_years


@dataclass(frozen=True)
class ScanNumbers:
    """What a clock says of one scan, years; `percentile` of the reference's distances."""

    predicted: float
    low: float
    high: float
    percentile: float


def prepared_features(
    parts: ClockParts, ones: list[np.ndarray], row: pd.DataFrame, *, validating: bool = False
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return one scan's features as the clock prepares them, and as each fold model does.

    Parameters
    ----------
    parts : ClockParts
        The clock.
    ones : list of ndarray of shape (1, n_features)
        The scan in each view, the clock's own edges only, float64.
    row : DataFrame of one row
        Its site.
    validating : bool, default=False
        Let a site that the clock does not know pass through.

    Returns
    -------
    features : ndarray of shape (n_features,)
        Views side by side.
    of_folds : list of ndarray
        One a fold model; empty where all prepare as the clock does.
    """
    logs = [step.logarithms(one) for step, one in zip(parts.preparations, ones, strict=True)]
    x, *of_folds = [
        np.concatenate(
            [
                step.transform(one, row, logs=log, validating=validating)[0]
                for step, one, log in zip(steps, ones, logs, strict=True)
            ]
        )
        for steps in (parts.preparations, *parts.fold_preparations)
    ]
    return x, of_folds


def fold_predictions(parts: ClockParts, x: np.ndarray, of_folds: list[np.ndarray]) -> np.ndarray:
    """Return what each CV+ fold model predicts of a scan, years; empty where none are kept."""
    if not len(parts.fold_weights):
        return np.zeros(0)
    own = np.array(of_folds) if of_folds else x
    sums = np.sum(parts.fold_weights * own, axis=1) + parts.fold_intercepts
    pairs = zip(sums, parts.fold_scales, strict=True)
    return np.array([to_years(value, scale) for value, scale in pairs])


def numbers_of(parts: ClockParts, x: np.ndarray, of_folds: list[np.ndarray]) -> ScanNumbers:
    """Return prediction, interval and percentile of one scan's prepared features.

    `of_folds` are the features as each fold model prepares them; empty where as the clock does.
    """
    predicted = parts.regression.predict_one(x)
    folds = fold_predictions(parts, x, of_folds)
    if not len(folds):
        folds = np.full(parts.intervals.n_folds_, predicted)
    low, high = parts.intervals.interval(folds[None, :], level=0.9)
    percentile = parts.distance.percentile(x[None, :])[0]
    return ScanNumbers(predicted, float(low[0]), float(high[0]), float(percentile))
