"""build_features: series files and people -> FeatureTable, one pass over the files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from brainage.connectivity.features import FeatureTable, write_tables
from brainage.connectivity.kinds import connectivity_rows
from brainage.connectivity.options import Kind
from brainage.connectivity.sessions import EXCLUDED, ROWS, Session, gather_sessions, tidy_rows
from brainage.connectivity.store import open_store
from brainage.connectivity.views import LAYOUTS, View, ViewSpec, describe_parcels, spec_shrinkage
from brainage.errors import BrainAgeWarning, MatrixError, SeriesError, TooFewVolumesError
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile, align_parcels, read_series

# Sessions a worker takes at a time: enough to hide the hand-over, few enough to hold in memory.
_CHUNK = 8


def build_features(
    series: Iterable[SeriesFile | ParcelSeries],
    people: pd.DataFrame,
    *,
    kinds: Sequence[str] = ("fisher_z",),
    shrinkage: str = "ledoit_wolf",
    parcel_presence: float = 0.0,
    incomplete_scans: str = "impute",
    parcels: Sequence[str] | None = None,
    n_jobs: int = 1,
    progress: Progress = silent,
    folder: str | Path | None = None,
) -> FeatureTable:
    """Turn parcel series into connectivity features, one row a session.

    Parameters
    ----------
    series : iterable of SeriesFile or ParcelSeries
        Runs; those of one session are joined after each was standardised. Rows come in the order
        of each session's first run.
    people : DataFrame
        See `tables.PEOPLE`; a row with session_id "n/a" stands for all of a person's sessions.
        Only the columns named there are read.
    kinds : sequence of str, default=("fisher_z",)
        Views to make (`options.Kind`).
    shrinkage : {"none", "ledoit_wolf", "oas"}, default="ledoit_wolf"
        See `ConnectivityOptions`.
    parcel_presence : float, default=0.0
        Keep the parcels that vary in at least this share of the usable sessions. 0 keeps all.
    incomplete_scans : {"impute", "exclude"}, default="impute"
        Sessions that lack a kept parcel: NaN edges for the clock's pipeline to fill, or excluded.
    parcels : sequence of str, optional
        Use exactly these parcels, in this order (a frozen spec's `parcel_names`, when scoring);
        `parcel_presence` is then not applied.
    n_jobs : int, default=1
        Worker processes. Never changes a number.
    progress : Progress, optional
        Told of every finished session.
    folder : str or Path, optional
        Write the views there, memory-mapped afterwards, instead of holding them in memory.

    Returns
    -------
    features : FeatureTable
        Sessions without features are in `.excluded`, with the reason.

    Raises
    ------
    SeriesError
        No series; series of differing parcels, atlas or cleaning; no usable session.

    Warns
    -----
    BrainAgeWarning
        Series whose parcels stand in another order than the first one's: they are matched by name;
        amplitude of series without; lagged pairs of series of several repetition times.
    """
    _check_choices(kinds, shrinkage, incomplete_scans)
    sessions = gather_sessions(series, people)
    job = _Job(
        tuple(kinds),
        shrinkage,
        tuple(parcels) if parcels is not None else None,
        _first_order(sessions),
    )
    strict = incomplete_scans == "exclude"
    if parcels is not None or parcel_presence <= 0:
        return _collect(
            sessions,
            job,
            strict=strict,
            dropped=(),
            n_jobs=n_jobs,
            progress=progress,
            folder=folder,
        )
    survey = replace(job, kinds=())
    kept, dropped = _present_parcels(
        _run(sessions, survey, n_jobs, _relabel(progress, "parcels")), parcel_presence
    )
    return _collect(
        sessions,
        replace(job, parcels=kept),
        strict=strict,
        dropped=dropped,
        n_jobs=n_jobs,
        progress=progress,
        folder=folder,
    )


@dataclass(frozen=True)
class _Job:
    kinds: tuple[str, ...]
    shrinkage: str
    parcels: tuple[str, ...] | None
    order: tuple[str, ...] | None


@dataclass(frozen=True)
class _Result:
    """What a worker hands back of one session; `rows` is None where it is not used."""

    reason: str | None
    rows: dict[str, np.ndarray] | None = None
    missing: np.ndarray | None = None
    mean_fd_mm: float = np.nan
    retained_s: float = np.nan
    identity: tuple | None = None
    where: str = ""
    n_reordered: int = 0
    t_r_s: tuple[float, ...] = ()


def _collect(sessions, job: _Job, *, strict, dropped, n_jobs, progress, folder) -> FeatureTable:
    rows, excluded, spec_of = [], [], {}
    n_reordered, steps_s = 0, set()
    with open_store(folder, job.kinds, len(sessions)) as store:
        identity = where = None
        for session, result in zip(sessions, _run(sessions, job, n_jobs, progress), strict=True):
            if result.identity is not None:
                identity, where = _same_identity(identity, where, result)
            n_reordered += result.n_reordered
            reason = result.reason
            if reason is None and strict and result.missing.any():
                reason = _missing_words(result.missing, identity[0])
            if reason is not None:
                excluded.append((session.participant_id, session.session_id, reason))
                continue
            store.append(result.rows)
            steps_s.update(result.t_r_s)
            rows.append(
                {
                    **session.person,
                    "participant_id": session.participant_id,
                    "session_id": session.session_id,
                    "mean_fd_mm": result.mean_fd_mm,
                    "retained_s": result.retained_s,
                }
            )
        excluded_table = pd.DataFrame(excluded, columns=list(EXCLUDED.names), dtype=object)
        if not rows:
            raise SeriesError(
                f"none of {len(sessions)} sessions can be used; the first: "
                f"sub-{excluded[0][0]} session {excluded[0][1]}: {excluded[0][2]}."
            )
        if n_reordered:
            warnings.warn(
                f"{n_reordered} series list their {len(job.order)} parcels in another order than "
                "the first one; they were matched by name.",
                BrainAgeWarning,
                stacklevel=3,
            )
        for kind in job.kinds:
            spec_of[kind] = _spec(kind, job.shrinkage, identity)
        views = {kind: View(store.finish(kind), spec_of[kind]) for kind in job.kinds}
    _warn_without_amplitude(views)
    _warn_of_several_lags(views, steps_s)
    table = FeatureTable(views, tidy_rows(pd.DataFrame(rows), ROWS), excluded_table, dropped)
    if folder is None:
        return table
    write_tables(table, Path(folder))
    return FeatureTable.load(folder)


def _warn_without_amplitude(views: dict[str, View]) -> None:
    if "amplitude" not in views:
        return
    values = views["amplitude"].values
    without = int((np.nan_to_num(values) == 0).all(axis=1).sum())
    if not without:
        return
    meaning = (
        "a clock gives that view no weight and learns from the others, and log_covariance is a "
        "correlation's logarithm"
        if without == len(values)
        else "they stand beside others that hold it, and a clock will take the difference for age"
    )
    warnings.warn(
        f"{without} of {len(values)} sessions hold no amplitude: their series were standardised in "
        f"time; {meaning}. For amplitude give series in scanner units (science.cleaning."
        "standardize: none).",
        BrainAgeWarning,
        stacklevel=4,
    )


def _warn_of_several_lags(views: dict[str, View], steps_s: set[float]) -> None:
    if "lagged" not in views or not steps_s or max(steps_s) <= 1.01 * min(steps_s):
        return
    warnings.warn(
        f"lagged: one volume later is {min(steps_s):g} s later in some series and {max(steps_s):g} "
        "s in others; a clock may take that difference for age. Leave out the view, or take "
        "series of one repetition time.",
        BrainAgeWarning,
        stacklevel=4,
    )


def _spec(kind: str, shrinkage: str, identity: tuple) -> ViewSpec:
    names, networks, atlas, fingerprint = identity
    return ViewSpec(
        kind=kind,
        shrinkage=spec_shrinkage(kind, shrinkage),
        layout=LAYOUTS[kind],
        parcel_names=names,
        networks=networks,
        atlas=atlas,
        cleaning_fingerprint=fingerprint,
    )


def _same_identity(first: tuple | None, first_where: str | None, result: _Result):
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


def _missing_words(missing: np.ndarray, names: tuple[str, ...]) -> str:
    lacking = [name for name, gone in zip(names, missing, strict=True) if gone]
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    return f"no signal in {len(lacking)} parcel(s): {', '.join(lacking[:3])}{more}"


def _present_parcels(results: Iterator[_Result], share: float):
    identity = where = None
    present, n_usable = 0, 0
    for result in results:
        if result.identity is not None:
            identity, where = _same_identity(identity, where, result)
        if result.reason is None:
            present = present + ~result.missing
            n_usable += 1
    if not n_usable:
        raise SeriesError("parcel_presence: expected usable sessions, found none.")
    keep = np.asarray(present) >= share * n_usable - 1e-9
    names = np.array(identity[0], dtype=object)
    if keep.sum() < 2:
        raise SeriesError(
            f"parcel_presence {share:g}: expected at least two parcels with a signal in that "
            f"share of {n_usable} sessions, found {keep.sum()}. Lower it."
        )
    return tuple(names[keep]), tuple(names[~keep])


def _run(sessions: list[Session], job: _Job, n_jobs: int, progress: Progress) -> Iterator[_Result]:
    chunks = [sessions[start : start + _CHUNK] for start in range(0, len(sessions), _CHUNK)]
    if n_jobs == 1:
        batches = (_compute_chunk(chunk, job) for chunk in chunks)
    else:
        batches = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="3*n_jobs")(
            delayed(_compute_chunk)(chunk, job) for chunk in chunks
        )
    done = 0
    for batch in batches:
        for result in batch:
            yield result
            done += 1
            progress(done, len(sessions), "features")


def _relabel(progress: Progress, label: str) -> Progress:
    return lambda done, total, _: progress(done, total, label)


def _compute_chunk(sessions: list[Session], job: _Job) -> list[_Result]:
    # One BLAS thread whatever n_jobs is: the bits must not depend on how work was spread.
    with threadpool_limits(limits=1, user_api="blas"):
        return [_compute(session, job) for session in sessions]


def _compute(session: Session, job: _Job) -> _Result:
    where = f"sub-{session.participant_id} session {session.session_id}"
    if session.reason is not None:
        return _Result(session.reason, where=where)
    try:
        found = [_opened(run) for run in session.runs]
    except SeriesError as error:
        return _Result(str(error), where=where)
    runs = [_in_order(run, job.order) for run in found]
    n_reordered = sum(a is not b for a, b in zip(found, runs, strict=True))
    identities = {_identity(run) for run in runs}
    if len(identities) > 1:
        first, second = sorted(identities, key=str)[:2]
        _same_identity(first, where, _Result(None, identity=second, where=where))
    usable = [run for run in runs if run.quality.exclusion is None]
    identity, columns = _choose_parcels(runs[0], job.parcels, where)
    if not usable:
        reasons = "; ".join(dict.fromkeys(str(run.quality.exclusion) for run in runs))
        return _Result(reasons, identity=identity, where=where, n_reordered=n_reordered)
    try:
        rows, missing = connectivity_rows(
            [run.values[:, columns] for run in usable],
            [run.kept_volumes for run in usable],
            kinds=job.kinds,
            shrinkage=job.shrinkage,
        )
    except (TooFewVolumesError, MatrixError) as error:
        return _Result(str(error), identity=identity, where=where, n_reordered=n_reordered)
    steps_s = tuple({run.t_r_s for run in usable if run.t_r_s is not None})
    return _Result(
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


def _opened(run: SeriesFile | ParcelSeries) -> ParcelSeries:
    return run if isinstance(run, ParcelSeries) else read_series(run)


def _first_order(sessions: list[Session]) -> tuple[str, ...] | None:
    """Return the parcels of the first series that can be read; None where none can."""
    for run in (run for session in sessions if session.reason is None for run in session.runs):
        try:
            return _opened(run).parcel_names
        except SeriesError:
            # Its own session will say so.
            continue
    return None


def _in_order(run: ParcelSeries, order: tuple[str, ...]) -> ParcelSeries:
    # Parcels that are not the same are left as they are: the comparison of series names them.
    return align_parcels(run, order) if set(run.parcel_names) == set(order) else run


def _identity(run: ParcelSeries) -> tuple:
    return run.parcel_names, run.networks, run.atlas, run.cleaning_fingerprint


def _choose_parcels(run: ParcelSeries, parcels: tuple[str, ...] | None, where: str):
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


def _mean_fd_mm(runs: list[ParcelSeries]) -> float:
    values = [np.nan if r.quality.mean_fd_mm is None else r.quality.mean_fd_mm for r in runs]
    return float(np.average(values, weights=[max(r.quality.n_volumes, 1) for r in runs]))


def _retained_s(runs: list[ParcelSeries]) -> float:
    # Unknown stays unknown: series made elsewhere may not state their repetition time.
    return float(
        sum(np.nan if r.quality.retained_s is None else r.quality.retained_s for r in runs)
    )


def _check_choices(kinds: Sequence[str], shrinkage: str, incomplete_scans: str) -> None:
    known = get_args(Kind)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds or isinstance(kinds, str):
        raise SeriesError(f"kinds: expected a list of {', '.join(known)}; found {kinds!r}.")
    if shrinkage not in ("none", "ledoit_wolf", "oas"):
        raise SeriesError(f"shrinkage: expected none, ledoit_wolf or oas, found '{shrinkage}'.")
    if incomplete_scans not in ("impute", "exclude"):
        raise SeriesError(
            f"incomplete_scans: expected 'impute' or 'exclude', found '{incomplete_scans}'."
        )
