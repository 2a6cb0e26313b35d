"""What people who were scanned more than once say of a clock: agreement, state, slope in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.clock.training.efficiency_numbers import MIN_SCANS, slope

#: Years between first and last scan from which a person's own slope is looked at: a return
#: planned for one year may be some weeks early.
MIN_YEARS_BETWEEN = 0.9


@dataclass(frozen=True)
class VisitNumbers:
    """Repeated visits, one value for each row of weights.

    Parameters
    ----------
    n_people : int
        People with two scans or more.
    median_years : float
        Median time between a person's first and last scan.
    icc : ndarray of shape (n_rows,)
        ICC(1,1) of the age-adjusted gap of visits.
    within : ndarray of shape (n_rows,)
        Variance of that gap within a person, years squared: noise within scans, and state.
    n_returned : int
        Of those people, with a year or more between scans.
    slope : ndarray of shape (n_rows,) or None
        Slope of the prediction on age within people who returned; None where they are too few.
    """

    n_people: int
    median_years: float
    icc: np.ndarray
    within: np.ndarray
    n_returned: int
    slope: np.ndarray | None

    @classmethod
    def of(cls, scans: pd.DataFrame, weights: np.ndarray) -> VisitNumbers | None:
        """Measure predictions of whole scans (`HALVES`); None where too few people have two.

        The gap is adjusted by the line of the prediction on age over all scans. `weights` has
        shape (n_rows, n_scans), equal for all scans of a person.
        """
        person = pd.factorize(scans["participant_id"])[0]
        visits = np.bincount(person)
        if (visits > 1).sum() < MIN_SCANS:
            return None
        age, whole = (scans[name].to_numpy(float) for name in ("age_years", "whole_years"))
        everyone = np.zeros(len(scans), dtype=int)
        once = np.ones((1, len(scans)))
        on_age = float(slope(age, whole, once, everyone)[0])
        adjusted = whole - on_age * (age - age.mean())
        repeated = visits[person] > 1
        icc, within = _agreement(adjusted[repeated], person[repeated], weights[:, repeated])
        between = pd.Series(age).groupby(person).agg(np.ptp)[visits > 1]
        returned = np.isin(person, between.index[between >= MIN_YEARS_BETWEEN])
        n_returned = int((between >= MIN_YEARS_BETWEEN).sum())
        own = None
        if n_returned >= MIN_SCANS:
            own = slope(age[returned], whole[returned], weights[:, returned], person[returned])
        n_people = int((visits > 1).sum())
        return cls(n_people, float(between.median()), icc, within, n_returned, own)


def _agreement(
    values: np.ndarray, person: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ICC(1,1) and variance within people, of one-way analysis of variance.

    References
    ----------
    .. [1] Shrout & Fleiss (1979), Psychol. Bull. 86:420-428, case 1.
    """
    index = np.unique(person, return_inverse=True)[1]
    k = np.bincount(index).astype(float)
    values = values - values.mean()
    means = np.bincount(index, weights=values) / k
    squares = np.bincount(index, weights=(values - means[index]) ** 2)
    # All scans of a person count alike.
    first = np.unique(index, return_index=True)[1]
    own = weights[:, first]
    n_people, n_scans = own.sum(axis=1), own @ k
    with np.errstate(divide="ignore", invalid="ignore"):
        within = own @ squares / (n_scans - n_people)
        grand = own @ (k * means) / n_scans
        between = (own @ (k * means**2) - n_scans * grand**2) / (n_people - 1)
        size = (n_scans - own @ k**2 / n_scans) / (n_people - 1)
        icc = (between - within) / (between + (size - 1) * within)
    return icc, within
