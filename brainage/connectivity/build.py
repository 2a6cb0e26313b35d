"""build_features: series files and people -> FeatureTable, one pass over the files."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed

from brainage.connectivity.features import FeatureTable, write_tables
from brainage.connectivity.kinds import KINDS
from brainage.connectivity.matrices import MatrixFile, ParcelMatrix
from brainage.connectivity.matrix_rows import refuse_kinds_of_series
from brainage.connectivity.session_features import (
    Identity,
    SessionJob,
    SessionResult,
    compute_sessions,
    first_order,
    same_identity,
)
from brainage.connectivity.sessions import EXCLUDED, ROWS, Session, gather_sessions, tidy_rows
from brainage.connectivity.store import open_store
from brainage.connectivity.views import View, ViewSpec
from brainage.errors import BrainAgeWarning, SeriesError
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, SeriesFile
from brainage.wording import listed
from brainage.workers import processes

# Sessions a worker takes at a time: enough to hide the hand-over, few enough to hold in memory.
_CHUNK = 8


def build_features(
    series: Iterable[SeriesFile | ParcelSeries | MatrixFile | ParcelMatrix],
    people: pd.DataFrame,
    *,
    kinds: str | Sequence[str] = ("fisher_z",),
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
    series : iterable of SeriesFile, ParcelSeries, MatrixFile or ParcelMatrix
        Runs; those of one session are joined after each was standardised (of matrices the mean is
        taken, in Fisher z). Rows come in the order of each session's first run.
    people : DataFrame
        See `tables.PEOPLE`; a row with session_id "n/a" stands for all of a person's sessions.
        Only the columns named there are read.
    kinds : str or sequence of str, default=("fisher_z",)
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
        No series; series of differing parcels, atlas or cleaning; no usable session; a kind that
        a matrix cannot give.

    Warns
    -----
    BrainAgeWarning
        Series whose parcels stand in another order than the first one's: they are matched by name;
        amplitude of series without; lagged pairs of series of several repetition times.

    Examples
    --------
    >>> people = ba.read_people(written / "reference" / "participants.tsv")
    >>> files = ba.find_series(written / "reference" / "series")[:6]
    >>> ba.build_features(files, people, kinds=["fisher_z", "partial"])
    FeatureTable
      scans: 6 of 6 people
      views: fisher_z: 6 x 276, partial: 6 x 276
      rows: table, 6 rows: 9: participant_id, session_id, ..., retained_s
      excluded: table, 0 rows: participant_id, session_id, reason
      dropped_parcels: none
    """
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    _check_choices(kinds, shrinkage, incomplete_scans)
    runs = list(series)
    if any(isinstance(run, MatrixFile | ParcelMatrix) for run in runs):
        refuse_kinds_of_series(kinds)
    sessions = gather_sessions(runs, people)
    job = SessionJob(
        kinds,
        shrinkage,
        tuple(parcels) if parcels is not None else None,
        first_order(sessions),
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


def _collect(
    sessions: list[Session],
    job: SessionJob,
    *,
    strict: bool,
    dropped: tuple[str, ...],
    n_jobs: int,
    progress: Progress,
    folder: str | Path | None,
) -> FeatureTable:
    rows: list[dict] = []
    excluded: list[tuple[str, str, str]] = []
    n_reordered, identity, where = 0, None, ""
    steps_s: set[float] = set()
    with open_store(folder, job.kinds, len(sessions)) as store:
        for session, result in zip(sessions, _run(sessions, job, n_jobs, progress), strict=True):
            identity, where = same_identity(identity, where, result)
            n_reordered += result.n_reordered
            reason = result.reason or (_lacks(result) if strict else None)
            if reason is not None or result.rows is None:
                excluded.append((session.participant_id, session.session_id, reason or "no rows"))
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
        if not rows or identity is None:
            raise SeriesError(
                f"none of {len(sessions)} sessions can be used; the first: "
                f"sub-{excluded[0][0]} session {excluded[0][1]}: {excluded[0][2]}."
            )
        if n_reordered:
            warnings.warn(
                f"{n_reordered} series list their {len(identity[0])} parcels in another order than "
                "the first one; they were matched by name.",
                BrainAgeWarning,
                stacklevel=3,
            )
        specs = {kind: _spec(kind, job.shrinkage, identity) for kind in job.kinds}
        views = {kind: View(store.finish(kind), spec) for kind, spec in specs.items()}
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


def _spec(kind: str, shrinkage: str, identity: Identity) -> ViewSpec:
    names, networks, atlas, fingerprint = identity
    return ViewSpec(
        kind=kind,
        shrinkage=KINDS[kind].stated_shrinkage(shrinkage),
        layout=KINDS[kind].layout,
        parcel_names=names,
        networks=networks,
        atlas=atlas,
        cleaning_fingerprint=fingerprint,
    )


def _lacks(result: SessionResult) -> str | None:
    """Say which parcels a session lacks; None: none."""
    if result.missing is None or result.identity is None or not result.missing.any():
        return None
    names = result.identity[0]
    lacking = [name for name, gone in zip(names, result.missing, strict=True) if gone]
    return f"no signal in {len(lacking)} parcel(s): {listed(lacking, most=3)}"


def _present_parcels(
    results: Iterator[SessionResult], share: float
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    identity, where, n_usable = None, "", 0
    present: np.ndarray | None = None
    for result in results:
        identity, where = same_identity(identity, where, result)
        if result.reason is None and result.missing is not None:
            here = (~result.missing).astype(int)
            present = here if present is None else present + here
            n_usable += 1
    if present is None or identity is None:
        raise SeriesError("parcel_presence: expected usable sessions, found none.")
    keep = present >= share * n_usable - 1e-9
    if keep.sum() < 2:
        raise SeriesError(
            f"parcel_presence {share:g}: expected at least two parcels with a signal in that "
            f"share of {n_usable} sessions, found {keep.sum()}. Lower it."
        )
    named = list(zip(identity[0], keep.tolist(), strict=True))
    return tuple(n for n, kept in named if kept), tuple(n for n, kept in named if not kept)


def _run(
    sessions: list[Session], job: SessionJob, n_jobs: int, progress: Progress
) -> Iterator[SessionResult]:
    chunks = [sessions[start : start + _CHUNK] for start in range(0, len(sessions), _CHUNK)]
    if n_jobs == 1:
        batches = (compute_sessions(chunk, job) for chunk in chunks)
    else:
        batches = processes(n_jobs, return_as="generator", pre_dispatch="3*n_jobs")(
            delayed(compute_sessions)(chunk, job) for chunk in chunks
        )
    done = 0
    for batch in batches:
        for result in batch:
            yield result
            done += 1
            progress(done, len(sessions), "features")


def _relabel(progress: Progress, label: str) -> Progress:
    return lambda done, total, _: progress(done, total, label)


def _check_choices(kinds: Sequence[str], shrinkage: str, incomplete_scans: str) -> None:
    known = tuple(KINDS)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        raise SeriesError(f"kinds: expected a list of {', '.join(known)}; found {kinds!r}.")
    if shrinkage not in ("none", "ledoit_wolf", "oas"):
        raise SeriesError(f"shrinkage: expected none, ledoit_wolf or oas, found '{shrinkage}'.")
    if incomplete_scans not in ("impute", "exclude"):
        raise SeriesError(
            f"incomplete_scans: expected 'impute' or 'exclude', found '{incomplete_scans}'."
        )
