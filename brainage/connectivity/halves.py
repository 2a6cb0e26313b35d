"""Features of the two halves of every scan, each taken as a scan of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.connectivity.features import FeatureTable
from brainage.connectivity.parts import Cut, Cutter, build_part_features, cut_cleaned
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile
from brainage.showing import Shown

#: The halves of a scan; an odd volume goes to the second.
HALVES = (Cut("first", "first"), Cut("second", "second"))


@dataclass(frozen=True, repr=False)
class HalfFeatures(Shown):
    """Views of both halves of the scans of a feature table, in its order.

    Parameters
    ----------
    first, second : dict of str to ndarray of shape (n_scans, n_features), float32
        View -> rows; NaN throughout for a scan that could not be halved.
    reasons : DataFrame
        participant_id, session_id, reason: scans that could not be halved.

    Examples
    --------
    >>> files = ba.find_series(written / "reference" / "series")[:4]
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> features = ba.build_features(files, people)
    >>> halves = ba.build_half_features(files, people, features, views=["fisher_z"])
    >>> halves.first["fisher_z"].shape, int(halves.usable.sum())
    ((4, 276), 4)
    """

    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]
    reasons: pd.DataFrame

    @property
    def usable(self) -> np.ndarray:
        """Boolean (n_scans,): scans with both halves."""
        sides = (self.first, self.second)
        found = [np.isfinite(view).any(axis=1) for side in sides for view in side.values()]
        return np.all(found, axis=0)

    def select(self, index: np.ndarray) -> HalfFeatures:
        """Return the halves of some scans, in the order given."""
        first, second = (
            {name: view[index] for name, view in side.items()} for side in (self.first, self.second)
        )
        return HalfFeatures(first, second, self.reasons)


def halve(series: ParcelSeries) -> tuple[ParcelSeries, ParcelSeries]:
    """Cut one cleaned run in two at the middle of its kept volumes."""
    first, second = cut_cleaned(series, HALVES)
    return first, second


def build_half_features(
    series: Iterable[SeriesFile | ParcelSeries],
    people: pd.DataFrame,
    features: FeatureTable,
    *,
    views: Sequence[str],
    cutter: Cutter = cut_cleaned,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> HalfFeatures:
    """Compute the views of both halves of every scan that a feature table holds.

    Parameters
    ----------
    series : iterable of SeriesFile or ParcelSeries
        What `features` was built from; of several runs of a session each is cut in two.
    people : DataFrame
        As for `build_features`.
    features : FeatureTable
        Of the whole scans: names the scans, their order, parcels and shrinkage.
    views : sequence of str
        Which of its views.
    cutter : callable, default=cut_cleaned
        How a run is cut.
    n_jobs : int, default=1
        Worker processes. Never changes a number.
    progress : Progress, optional
        Told of every finished session.

    Returns
    -------
    halves : HalfFeatures

    Raises
    ------
    SeriesError
        Matrices: what is left of a scan cannot be cut.

    Examples
    --------
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> files = ba.find_series(written / "reference" / "series")[:4]
    >>> features = ba.build_features(files, people)
    >>> halves = ba.build_half_features(files, people, features, views=["fisher_z"])
    >>> sorted(halves.first), halves.second["fisher_z"].shape
    (['fisher_z'], (4, 276))
    """
    found = build_part_features(
        series,
        people,
        features,
        views=views,
        cuts=HALVES,
        cutter=cutter,
        n_jobs=n_jobs,
        progress=progress,
    )
    first, second = (found.parts[cut.name] for cut in HALVES)
    both = found.usable("first") & found.usable("second")
    for side in (first, second):
        for view in side.values():
            # A scan with one half alone is one that could not be halved.
            view[~both] = np.nan
    reasons = found.reasons.drop_duplicates(["participant_id", "session_id"])
    return HalfFeatures(first, second, reasons.drop(columns="part").reset_index(drop=True))
