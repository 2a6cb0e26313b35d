"""Features of parts of scans, each a scan of its own: halves, and what censoring leaves."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed

from brainage.blocks import blocks
from brainage.connectivity.covariance import holds_amplitude
from brainage.connectivity.features import FeatureTable
from brainage.connectivity.half_features import rows_with_features
from brainage.connectivity.kinds import KINDS
from brainage.connectivity.matrices import MatrixFile, ParcelMatrix
from brainage.connectivity.session_features import (
    SessionJob,
    SessionResult,
    compute_sessions,
    first_order,
    read_run,
)
from brainage.connectivity.sessions import Run, Session, gather_sessions
from brainage.errors import SeriesError, TooFewVolumesError
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile
from brainage.showing import Shown
from brainage.workers import processes

#: Volumes lost together where losses are scattered: a movement's, with its neighbours.
BURST_VOLUMES = 5
_CHUNK = 8


@dataclass(frozen=True, repr=False)
class Cut(Shown):
    """Which volumes of a run a part keeps.

    Parameters
    ----------
    name : str
        Of the part.
    kind : {"first", "second", "contiguous", "scattered"}
        A half; the first volumes, as of a scan that ended early; or all but bursts of 5 volumes at
        random places, as censoring leaves a scan of somebody who moves.
    share : float, default=0.5
        Of the kept volumes.

    Examples
    --------
    >>> cut = Cut("first quarter", "contiguous", 0.25)
    >>> cut.rows(8, "sub-01").tolist()
    [0, 1]
    """

    name: str
    kind: Literal["first", "second", "contiguous", "scattered"]
    share: float = 0.5

    def rows(self, n_volumes: int, scan: str) -> np.ndarray:
        """Return the rows of a series that the part keeps, ascending.

        Parameters
        ----------
        n_volumes : int
            Volumes of the cleaned run.
        scan : str
            Its name: bursts fall elsewhere in every scan, and on the same volumes each time.
        """
        everything = np.arange(n_volumes)
        # An odd volume goes to the second half.
        if self.kind in ("first", "second"):
            middle = n_volumes // 2
            return everything[:middle] if self.kind == "first" else everything[middle:]
        n_kept = max(1, round(self.share * n_volumes))
        if self.kind == "contiguous":
            return everything[:n_kept]
        seed = [zlib.crc32(scan.encode("utf-8")), round(1000 * self.share)]
        bursts = np.random.default_rng(seed).permutation(-(-n_volumes // BURST_VOLUMES))
        lost = (bursts[:, None] * BURST_VOLUMES + np.arange(BURST_VOLUMES)).ravel()
        lost = lost[lost < n_volumes][: n_volumes - n_kept]
        return np.setdiff1d(everything, lost)


#: Gives the parts of a run, one a cut, or in a part's place why there is none.
Cutter = Callable[[Run, Sequence[Cut]], list[ParcelSeries | str]]


def take_volumes(series: ParcelSeries, rows: np.ndarray) -> ParcelSeries:
    """Return some volumes of a run as a run of its own.

    Cleaned series are cut after filtering: a filter has by then carried a little of each part into
    the others. Series that were standardised in time are standardised again, as a scan of that
    length would have been: the parts' amplitudes would otherwise look like parcels' own.

    Parameters
    ----------
    series : ParcelSeries
        The run.
    rows : ndarray of int
        Rows to keep, ascending.

    Examples
    --------
    >>> take_volumes(examples.series(), np.arange(40)).values.shape
    (40, 24)
    """
    values = series.values[rows]
    # Neither missing (NaN) nor constant.
    here = series.values.std(axis=0) > 0
    if len(rows) > 1 and here.any() and not holds_amplitude(series.values[:, here]):
        centred = values - values.mean(axis=0)
        spread = centred.std(axis=0, ddof=1)
        values = centred / np.where(spread > 0, spread, 1.0)
    quality = series.quality
    share = len(rows) / max(len(series.values), 1)
    retained_s = None if quality.retained_s is None else quality.retained_s * share
    quality = replace(quality, n_kept=len(rows), retained_s=retained_s)
    return replace(series, values=values, kept_volumes=series.kept_volumes[rows], quality=quality)


def cut_cleaned(run: Run, cuts: Sequence[Cut]) -> list[ParcelSeries | str]:
    """Return the parts of a run, cut from its cleaned series.

    Examples
    --------
    >>> (half,) = cut_cleaned(examples.series(), [Cut("first", "first")])
    >>> half.values.shape
    (60, 24)
    """
    series = read_run(run)
    if not isinstance(series, ParcelSeries):
        raise SeriesError(NO_SERIES)
    rows = [cut.rows(len(series.values), scan_label(series)) for cut in cuts]
    return [take_volumes(series, kept) for kept in rows]


def scan_label(series: ParcelSeries) -> str:
    """Return a run's name, from which the places of its bursts are drawn."""
    return "_".join((series.participant_id, series.session_id, series.task, series.run))


NO_SERIES = (
    "parts of scans: expected parcel series, found connectivity matrices, which cannot be cut in "
    "time."
)


@dataclass(frozen=True, repr=False)
class PartFeatures(Shown):
    """Views of parts of some scans of a feature table.

    Parameters
    ----------
    scans : ndarray of int (n,)
        Which rows of the feature table.
    parts : dict of str to dict of str to ndarray of shape (n, n_features), float32
        Part -> view -> rows; NaN throughout for a scan without that part.
    reasons : DataFrame
        participant_id, session_id, part, reason: what could not be made.

    Examples
    --------
    >>> from brainage.connectivity import build_part_features
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> files = ba.find_series(written / "reference" / "series")[:3]
    >>> features = ba.build_features(files, people)
    >>> cuts = [Cut("most", "contiguous", 0.75)]
    >>> parts = build_part_features(files, people, features, views=["fisher_z"], cuts=cuts)
    >>> int(parts.usable("most").sum())
    3
    """

    scans: np.ndarray
    parts: dict[str, dict[str, np.ndarray]]
    reasons: pd.DataFrame

    def usable(self, part: str) -> np.ndarray:
        """Boolean (n,): scans that have the part in every view."""
        return np.all([rows_with_features(view) for view in self.parts[part].values()], axis=0)


def build_part_features(
    series: Iterable[SeriesFile | ParcelSeries],
    people: pd.DataFrame,
    features: FeatureTable,
    *,
    views: Sequence[str],
    cuts: Sequence[Cut],
    scans: np.ndarray | None = None,
    cutter: Cutter = cut_cleaned,
    folder: Path | None = None,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> PartFeatures:
    """Compute the views of parts of scans that a feature table holds.

    Parameters
    ----------
    series : iterable of SeriesFile or ParcelSeries
        What `features` was built from; of several runs of a session each is cut.
    people : DataFrame
        As for `build_features`.
    features : FeatureTable
        Of the whole scans: names the scans, their order, parcels and shrinkage.
    views : sequence of str
        Which of its views.
    cuts : sequence of Cut
        The parts.
    scans : ndarray of int, optional
        Rows of `features` to cut; None: all.
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
    parts : PartFeatures

    Raises
    ------
    SeriesError
        Matrices: what is left of a scan cannot be cut.

    Examples
    --------
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> files = ba.find_series(written / "reference" / "series")[:3]
    >>> features = ba.build_features(files, people)
    >>> cuts = [Cut("most", "contiguous", 0.75)]
    >>> parts = build_part_features(files, people, features, views=["fisher_z"], cuts=cuts)
    >>> parts.parts["most"]["fisher_z"].shape
    (3, 276)
    """
    runs = list(series)
    if any(isinstance(run, MatrixFile | ParcelMatrix) for run in runs):
        raise SeriesError(NO_SERIES)
    sessions = gather_sessions(runs, people)
    specs = {name: features[name].spec for name in views}
    asked = [spec.shrinkage for spec in specs.values() if KINDS[spec.kind].shrinkage == "asked"]
    parcels = next(iter(specs.values())).parcel_names
    kinds = tuple(spec.kind for spec in specs.values())
    job = SessionJob(kinds, asked[0] if asked else "ledoit_wolf", parcels, first_order(sessions))
    scans = np.arange(len(features)) if scans is None else np.asarray(scans)
    keys = features.rows.iloc[scans][["participant_id", "session_id"]].itertuples(index=False)
    row_of = {tuple(key): i for i, key in enumerate(keys)}
    wanted = [s for s in sessions if (s.participant_id, s.session_id) in row_of]
    parts = {
        cut.name: {
            name: _without_features(
                (len(scans), spec.n_features), folder and folder / f"{cut.name}-{name}.npy"
            )
            for name, spec in specs.items()
        }
        for cut in cuts
    }
    reasons = []
    work = _CutSessions(job, tuple(cuts), cutter)
    for session, results in zip(wanted, _run(wanted, work, n_jobs, progress), strict=True):
        key = session.participant_id, session.session_id
        for cut, result in zip(cuts, results, strict=True):
            if result.rows is None:
                reasons.append((*key, cut.name, result.reason))
                continue
            for name, spec in specs.items():
                parts[cut.name][name][row_of[key]] = result.rows[spec.kind]
    names = ["participant_id", "session_id", "part", "reason"]
    return PartFeatures(scans, parts, pd.DataFrame(reasons, columns=names))


def _without_features(shape: tuple[int, int], path: Path | None) -> np.ndarray:
    """Return an array of NaN, in memory or as a memory map."""
    if path is None:
        return np.full(shape, np.nan, dtype=np.float32)
    values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for rows in blocks(*shape):
        values[rows] = np.nan
    return values


@dataclass(frozen=True)
class _CutSessions:
    """Cut some sessions and compute every part, in a worker."""

    job: SessionJob
    cuts: tuple[Cut, ...]
    cutter: Cutter

    def __call__(self, sessions: list[Session]) -> list[list[SessionResult]]:
        return [self._of_session(session) for session in sessions]

    def _of_session(self, session: Session) -> list[SessionResult]:
        try:
            # Every run is read once for all of its parts.
            runs = [self.cutter(run, self.cuts) for run in session.runs]
        except (SeriesError, TooFewVolumesError) as error:
            return [SessionResult(str(error))] * len(self.cuts)
        return [self._of_part(session, [run[i] for run in runs]) for i in range(len(self.cuts))]

    def _of_part(self, session: Session, runs: list[ParcelSeries | str]) -> SessionResult:
        lacking = [run for run in runs if isinstance(run, str)]
        if lacking:
            return SessionResult(lacking[0])
        parts = tuple(run for run in runs if isinstance(run, ParcelSeries))
        return compute_sessions([replace(session, runs=parts)], self.job)[0]


def _run(
    sessions: list[Session], work: _CutSessions, n_jobs: int, progress: Progress
) -> Iterator[list[SessionResult]]:
    chunks = [sessions[start : start + _CHUNK] for start in range(0, len(sessions), _CHUNK)]
    batches = processes(n_jobs, return_as="generator", pre_dispatch="3*n_jobs")(
        delayed(work)(chunk) for chunk in chunks
    )
    done = 0
    for batch in batches:
        for results in batch:
            yield results
            done += 1
            progress(done, len(sessions), "features of parts of scans")
