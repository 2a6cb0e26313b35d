"""Features of the two halves of every scan, each taken as a scan of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from brainage.connectivity.features import FeatureTable
from brainage.connectivity.kinds import KINDS
from brainage.connectivity.matrices import MatrixFile, ParcelMatrix
from brainage.connectivity.session_features import (
    SessionJob,
    SessionResult,
    compute_sessions,
    first_order,
    read_run,
)
from brainage.connectivity.sessions import Session, gather_sessions
from brainage.errors import SeriesError
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile

_CHUNK = 8


@dataclass(frozen=True)
class HalfFeatures:
    """Views of both halves of the scans of a feature table, in its order.

    Parameters
    ----------
    first, second : dict of str to ndarray of shape (n_scans, n_features), float32
        View -> rows; NaN throughout for a scan that could not be halved.
    reasons : DataFrame
        participant_id, session_id, reason: scans that could not be halved.
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


def halve(series: ParcelSeries) -> tuple[ParcelSeries, ParcelSeries]:
    """Cut one run in two at the middle of its kept volumes (an odd one goes to the second).

    Cleaned series are cut after filtering: a filter has by then carried a little of each half
    into the other.
    """
    middle = len(series.values) // 2
    parts = []
    for kept in (slice(0, middle), slice(middle, None)):
        values = series.values[kept]
        quality = series.quality
        share = len(values) / max(len(series.values), 1)
        retained_s = None if quality.retained_s is None else quality.retained_s * share
        quality = replace(quality, n_kept=len(values), retained_s=retained_s)
        parts.append(
            replace(series, values=values, kept_volumes=series.kept_volumes[kept], quality=quality)
        )
    return parts[0], parts[1]


def build_half_features(
    series: Iterable[SeriesFile | ParcelSeries],
    people: pd.DataFrame,
    features: FeatureTable,
    *,
    views: Sequence[str],
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
    """
    runs = list(series)
    if any(isinstance(run, MatrixFile | ParcelMatrix) for run in runs):
        raise SeriesError(
            "halves of scans: expected parcel series, found connectivity matrices, which cannot "
            "be cut in time."
        )
    sessions = gather_sessions(runs, people)
    specs = {name: features[name].spec for name in views}
    asked = [spec.shrinkage for spec in specs.values() if KINDS[spec.kind].shrinkage == "asked"]
    parcels = next(iter(specs.values())).parcel_names
    kinds = tuple(spec.kind for spec in specs.values())
    job = SessionJob(kinds, asked[0] if asked else "ledoit_wolf", parcels, first_order(sessions))
    keys = list(zip(features.rows["participant_id"], features.rows["session_id"], strict=True))
    row_of = {key: i for i, key in enumerate(keys)}
    wanted = [s for s in sessions if (s.participant_id, s.session_id) in row_of]
    sides: tuple[dict, dict] = ({}, {})
    for side in sides:
        for name, spec in specs.items():
            side[name] = np.full((len(keys), spec.n_features), np.nan, dtype=np.float32)
    reasons = []
    for session, results in zip(wanted, _run(wanted, job, n_jobs, progress), strict=True):
        row = row_of[session.participant_id, session.session_id]
        lacking = [result.reason for result in results if result.rows is None]
        if lacking:
            reasons.append((session.participant_id, session.session_id, lacking[0]))
            continue
        for side, result in zip(sides, results, strict=True):
            for name, spec in specs.items():
                side[name][row] = (result.rows or {})[spec.kind]
    names = ["participant_id", "session_id", "reason"]
    return HalfFeatures(*sides, pd.DataFrame(reasons, columns=names))


def _run(
    sessions: list[Session], job: SessionJob, n_jobs: int, progress: Progress
) -> Iterator[list[SessionResult]]:
    chunks = [sessions[start : start + _CHUNK] for start in range(0, len(sessions), _CHUNK)]
    batches = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="3*n_jobs")(
        delayed(_halve_and_compute)(chunk, job) for chunk in chunks
    )
    done = 0
    for batch in batches:
        for results in batch:
            yield results
            done += 1
            progress(done, len(sessions), "features of half scans")


def _halve_and_compute(sessions: list[Session], job: SessionJob) -> list[list[SessionResult]]:
    results = []
    for session in sessions:
        # Every run is read once for both halves.
        opened = [read_run(run) for run in session.runs]
        pairs = [halve(run) for run in opened if isinstance(run, ParcelSeries)]
        halves = [replace(session, runs=tuple(pair[side] for pair in pairs)) for side in (0, 1)]
        results.append(compute_sessions(halves, job))
    return results
