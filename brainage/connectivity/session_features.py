"""One session's runs -> its row of every view, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from brainage.connectivity.matrices import MatrixFile, ParcelMatrix, read_matrix
from brainage.connectivity.matrix_rows import matrix_rows
from brainage.connectivity.session_rows import connectivity_rows
from brainage.connectivity.sessions import Run, Session
from brainage.connectivity.views import describe_parcels
from brainage.errors import MatrixError, SeriesError, TooFewVolumesError
from brainage.series import ParcelSeries, align_parcels, read_series

#: parcel names, networks, atlas, cleaning fingerprint: what sessions of one table share.
Identity = tuple[tuple[str, ...], tuple[str | None, ...], str, str]


@dataclass(frozen=True)
class SessionJob:
    """What is computed of every session."""

    kinds: tuple[str, ...]
    shrinkage: str
    parcels: tuple[str, ...] | None
    order: tuple[str, ...] | None


@dataclass(frozen=True)
class SessionResult:
    """What a worker hands back of one session; `rows` is None where it is not used."""

    reason: str | None
    rows: dict[str, np.ndarray] | None = None
    missing: np.ndarray | None = None
    mean_fd_mm: float = np.nan
    retained_s: float = np.nan
    identity: Identity | None = None
    where: str = ""
    n_reordered: int = 0
    t_r_s: tuple[float, ...] = ()


def compute_sessions(sessions: list[Session], job: SessionJob) -> list[SessionResult]:
    """Return the rows of some sessions, in their order, or why there are none."""
    # One BLAS thread whatever n_jobs is: the bits must not depend on how work was spread.
    with _libraries().limit(limits=1, user_api="blas"):
        return [_compute(session, job) for session in sessions]


@cache
def _libraries() -> ThreadpoolController:
    # Looking for BLAS takes as long as a scan's correlations: once a process.
    return ThreadpoolController()


def same_identity(
    first: Identity | None, first_where: str, result: SessionResult
) -> tuple[Identity | None, str]:
    """Return what sessions share and the one it was first seen in, with a further session's.

    Raises
    ------
    SeriesError
        The session has another atlas, parcels, cleaning or networks.
    """
    if result.identity is None:
        return first, first_where
    if first is None:
        return result.identity, result.where
    if result.identity == first:
        return first, first_where
    names, networks, atlas, fingerprint = first
    other_names, other_networks, other_atlas, other_fingerprint = result.identity
    if other_atlas != atlas:
        difference = f"atlas: {atlas} and {other_atlas}"
    elif other_names != names:
        difference = describe_parcels(names, other_names)
    elif other_fingerprint != fingerprint:
        difference = f"cleaning fingerprint: {fingerprint} and {other_fingerprint}"
    else:
        difference = "networks: the same parcels, assigned to other networks"
    raise SeriesError(
        f"{result.where}: its series differ from those of {first_where}: {difference}. Features "
        "need one atlas and one cleaning; extract the scans again with the same options, or keep "
        "one kind in the folder."
    )


def _compute(session: Session, job: SessionJob) -> SessionResult:
    where = f"sub-{session.participant_id} session {session.session_id}"
    if session.reason is not None:
        return SessionResult(session.reason, where=where)
    try:
        found = [read_run(run) for run in session.runs]
    except (SeriesError, MatrixError) as error:
        return SessionResult(str(error), where=where)
    runs = [_in_order(run, job.order) for run in found]
    n_reordered = sum(a is not b for a, b in zip(found, runs, strict=True))
    identities = {_identity(run) for run in runs}
    if len(identities) > 1:
        first, second = sorted(identities, key=str)[:2]
        same_identity(first, where, SessionResult(None, identity=second, where=where))
    usable = [run for run in runs if run.quality.exclusion is None]
    identity, columns = _choose_parcels(runs[0], job.parcels, where)
    if not usable:
        reasons = "; ".join(dict.fromkeys(str(run.quality.exclusion) for run in runs))
        return SessionResult(reasons, identity=identity, where=where, n_reordered=n_reordered)
    try:
        rows, missing = _rows(usable, columns, job)
    except (TooFewVolumesError, MatrixError, SeriesError) as error:
        return SessionResult(str(error), identity=identity, where=where, n_reordered=n_reordered)
    steps_s = tuple({run.t_r_s for run in usable if run.t_r_s is not None})
    return SessionResult(
        None,
        rows,
        missing,
        _mean_fd_mm(usable),
        _retained_s(usable),
        identity,
        where,
        n_reordered,
        steps_s,
    )


def _rows(
    runs: list[ParcelSeries | ParcelMatrix], columns: np.ndarray, job: SessionJob
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    series = [run for run in runs if isinstance(run, ParcelSeries)]
    if not series:
        matrices = [run for run in runs if isinstance(run, ParcelMatrix)]
        shrinkages = {matrix.shrinkage for matrix in matrices}
        if len(shrinkages) > 1:
            raise SeriesError("a session's matrices: some are shrunk, others not.")
        return matrix_rows(
            [matrix.correlation[np.ix_(columns, columns)] for matrix in matrices],
            kinds=job.kinds,
            asked=job.shrinkage,
            shrinkage=shrinkages.pop(),
        )
    if len(series) < len(runs):
        raise SeriesError("a session's runs: expected series or matrices, found both.")
    return connectivity_rows(
        [run.values[:, columns] for run in series],
        [run.kept_volumes for run in series],
        kinds=job.kinds,
        shrinkage=job.shrinkage,
    )


def read_run(run: Run) -> ParcelSeries | ParcelMatrix:
    """Return a run's signals or matrix, read from its file where it is one.

    Examples
    --------
    >>> file = ba.find_series(written / "reference" / "series")[0]
    >>> read_run(file).values.shape
    (120, 24)
    """
    if isinstance(run, ParcelSeries | ParcelMatrix):
        return run
    return read_matrix(run) if isinstance(run, MatrixFile) else read_series(run)


def first_order(sessions: list[Session]) -> tuple[str, ...] | None:
    """Return the parcels of the first series that can be read; None where none can."""
    for run in (run for session in sessions if session.reason is None for run in session.runs):
        try:
            return read_run(run).parcel_names
        except (SeriesError, MatrixError):
            # Its own session will say so.
            continue
    return None


def _in_order(
    run: ParcelSeries | ParcelMatrix, order: tuple[str, ...] | None
) -> ParcelSeries | ParcelMatrix:
    # Parcels that are not the same are left as they are: the comparison of series names them.
    if order is None or set(run.parcel_names) != set(order):
        return run
    return run.aligned(order) if isinstance(run, ParcelMatrix) else align_parcels(run, order)


def _identity(run: ParcelSeries | ParcelMatrix) -> Identity:
    return run.parcel_names, run.networks, run.atlas, run.cleaning_fingerprint


def _choose_parcels(
    run: ParcelSeries | ParcelMatrix, parcels: tuple[str, ...] | None, where: str
) -> tuple[Identity, np.ndarray]:
    names, networks, atlas, fingerprint = _identity(run)
    if parcels is None:
        return (names, networks, atlas, fingerprint), np.arange(len(names))
    position = {name: i for i, name in enumerate(names)}
    absent = [name for name in parcels if name not in position]
    if absent:
        raise SeriesError(
            f"{where}: {describe_parcels(parcels, names)}. Extract with the atlas the clock was "
            f"trained on; these series have atlas {atlas}."
        )
    columns = np.array([position[name] for name in parcels])
    return (parcels, tuple(networks[i] for i in columns), atlas, fingerprint), columns


def _mean_fd_mm(runs: list[ParcelSeries | ParcelMatrix]) -> float:
    values = [np.nan if r.quality.mean_fd_mm is None else r.quality.mean_fd_mm for r in runs]
    return float(np.average(values, weights=[max(r.quality.n_volumes, 1) for r in runs]))


def _retained_s(runs: list[ParcelSeries | ParcelMatrix]) -> float:
    # Unknown stays unknown: series made elsewhere may not state their repetition time.
    return float(
        sum(np.nan if r.quality.retained_s is None else r.quality.retained_s for r in runs)
    )
