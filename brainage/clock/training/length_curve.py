"""The length curve of a clock: how far its predictions move when a scan is shorter.

On predictions of people whom the clock never saw: each part of a scan is predicted by the model
of the fold that held its person out, and compared with that model's prediction of the whole.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from brainage.clock.model.bias import gap_slope
from brainage.clock.options import ClockOptions
from brainage.clock.regressors.registry import GivenRegressor
from brainage.clock.training.half_predictions import PartOfScans, predict_parts
from brainage.clock.training.validation import CrossValidation
from brainage.connectivity import Cut, FeatureTable, PartFeatures
from brainage.progress import Progress, silent
from brainage.tables import LENGTH_CURVE, LOSSES, LengthCurve

#: Shares of the volumes at which the curve is measured.
SHARES_KEPT = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)
#: The parts it needs of every scan.
LENGTH_CUTS = tuple(
    Cut(f"{loss} {share:.3f}", loss, share) for loss in LOSSES for share in SHARES_KEPT
)
#: Fewest people behind a mean shift.
MIN_PEOPLE = 5


def scans_for_curve(features: FeatureTable, n_most: int) -> np.ndarray:
    """Return the rows of at most so many scans, spread evenly over the ages, ascending.

    Examples
    --------
    >>> len(scans_for_curve(examples.features(), 10))
    10
    """
    if n_most >= len(features):
        return np.arange(len(features))
    order = np.argsort(features.ages, kind="stable")
    places = np.round(np.linspace(0, len(order) - 1, n_most)).astype(int)
    return np.sort(order[places])


def measure_length_curve(
    features: FeatureTable,
    parts: PartFeatures,
    options: ClockOptions,
    cv: CrossValidation,
    *,
    cut: str = "cut after filtering",
    columns: dict[str, np.ndarray] | None = None,
    regressor: GivenRegressor | None = None,
    progress: Progress = silent,
) -> LengthCurve:
    """Measure the mean shift of the prediction, and its slope on age, at each share kept.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort, whole scans.
    parts : PartFeatures
        Of `features`, with the cuts `LENGTH_CUTS`.
    options : ClockOptions
        Of the clock.
    cv : CrossValidation
        Made of `features` with `options`; its first repeat is used.
    cut : str, default="cut after filtering"
        How the parts were made, in words.
    columns : dict of str to ndarray of int, optional
        The columns of each view that `cv` saw; None: all.
    regressor : ClockRegressor, RegressorMixin or str, optional
        As `cv` was made with.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    curve : LengthCurve
        Rows of fewer than five people are empty.

    Raises
    ------
    BrainAgeError
        A regressor that cannot be kept, whose fold models are therefore not at hand.

    Examples
    --------
    >>> from brainage.connectivity import build_part_features
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> files = ba.find_series(written / "reference" / "series")
    >>> features = ba.build_features(files, people)
    >>> options = examples.clock_options()
    >>> cv = ba.cross_validate_clock(features, options)
    >>> parts = build_part_features(
    ...     files, people, features, views=["fisher_z"], cuts=LENGTH_CUTS,
    ...     scans=scans_for_curve(features, 8),
    ... )
    >>> curve = measure_length_curve(features, parts, options, cv)
    >>> curve.rows["n"].tolist()
    [8, 8, 8, 8, 8, 8, 8, 8, 8, 8]
    """
    some = {name: PartOfScans(views, parts.scans) for name, views in parts.parts.items()}
    predicted = predict_parts(
        features, some, options, cv, columns=columns, regressor=regressor, progress=progress
    )
    first = cv.predictions[cv.predictions["repeat"] == 0]
    whole = first["predicted_age_years"].to_numpy(float)
    rows = []
    for own in LENGTH_CUTS:
        shift = predicted[own.name] - whole
        there = np.flatnonzero(np.isfinite(shift))
        people = features.rows["participant_id"].to_numpy()[there]
        rows.append(
            {"loss": own.kind, "share_kept": own.share, "n": len(there)}
            | _shift(shift[there], features.ages[there], people)
        )
    seen = features.rows.iloc[parts.scans]
    retained_s = seen["retained_s"].median()
    return LengthCurve(
        pd.DataFrame(rows, columns=list(LENGTH_CURVE.names)),
        cut,
        float(seen["age_years"].mean()),
        float(seen["age_years"].std()) if len(seen) > 1 else 0.0,
        None if np.isnan(retained_s) else float(retained_s),
    )


def _shift(shift: np.ndarray, age: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Return the mean over scans and the slope on age, with 95 % intervals over people."""
    names = ("shift_years", "shift_low_years", "shift_high_years")
    slopes = ("slope_on_age", "slope_low", "slope_high")
    _, person = np.unique(people, return_inverse=True)
    n_people = int(person.max()) + 1 if len(person) else 0
    if n_people < MIN_PEOPLE:
        return dict.fromkeys((*names, *slopes), np.nan)
    mean = float(shift.mean())
    of_person = np.bincount(person, weights=shift - mean)
    error = float(np.sqrt(n_people / (n_people - 1) * np.sum(of_person**2))) / len(shift)
    reach = float(stats.t.ppf(0.975, n_people - 1)) * error
    slope = gap_slope(age, shift, people=people)
    return dict(zip(names, (mean, mean - reach, mean + reach), strict=True)) | dict(
        zip(slopes, (slope.slope, slope.low, slope.high), strict=True)
    )
