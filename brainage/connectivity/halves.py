"""Features of the two halves of every scan, each taken as a scan of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.connectivity.features import FeatureTable
from brainage.connectivity.half_features import HalfFeatures
from brainage.connectivity.parts import (
    Cut,
    Cutter,
    build_part_features,
    cut_cleaned,
    take_volumes,
)
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile

#: The halves of a scan; an odd volume goes to the second.
HALVES = (Cut("first", "first"), Cut("second", "second"))


def halve(series: ParcelSeries) -> tuple[ParcelSeries, ParcelSeries]:
    """Cut one cleaned run in two at the middle of its kept volumes."""
    rows = [cut.rows(len(series.values), "") for cut in HALVES]
    first, second = (take_volumes(series, kept) for kept in rows)
    return first, second


def build_half_features(
    series: Iterable[SeriesFile | ParcelSeries],
    people: pd.DataFrame,
    features: FeatureTable,
    *,
    views: Sequence[str],
    scans: np.ndarray | None = None,
    cutter: Cutter = cut_cleaned,
    folder: Path | None = None,
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
    scans : ndarray of int, optional
        Rows of `features` to halve; None: all.
    cutter : callable, default=cut_cleaned
        How a run is cut.
    folder : Path, optional
        Where features lie, as memory maps; None: in memory.
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
        scans=scans,
        cutter=cutter,
        folder=folder,
        n_jobs=n_jobs,
        progress=progress,
    )
    first, second = (found.parts[cut.name] for cut in HALVES)
    both = found.usable("first") & found.usable("second")
    for side in (first, second):
        for view in side.values():
            # A scan with one half alone is one that could not be halved.
            view[np.flatnonzero(~both)] = np.nan
    reasons = found.reasons.drop_duplicates(["participant_id", "session_id"])
    return HalfFeatures(first, second, reasons.drop(columns="part").reset_index(drop=True))
