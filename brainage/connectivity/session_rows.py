"""One session's signals -> one float32 row for each kind of connectivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainage.connectivity import covariance as cov
from brainage.connectivity import spd
from brainage.connectivity.kinds import kind_record, whole_row
from brainage.errors import TooFewVolumesError


def connectivity_rows(
    runs: Sequence[np.ndarray],
    kept_volumes: Sequence[np.ndarray],
    *,
    kinds: Sequence[str],
    shrinkage: str,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Compute each kind's row of one session.

    Parameters
    ----------
    runs : sequence of ndarray of shape (n_kept, p)
        The session's runs. Each is standardised on its own (for "covariance": only centred; for
        "log_covariance" and "amplitude": divided by one gain) before they are joined in time, so
        that level and gain of a run do not look like signal.
    kept_volumes : sequence of ndarray of shape (n_kept,), int
        Index of each row in its run as scanned.
    kinds : sequence of str
        Keys of `KINDS`.
    shrinkage : {"none", "ledoit_wolf", "oas"}
        For the kinds that shrink.

    Returns
    -------
    rows : dict of str to ndarray of shape (n_features,), float32
        NaN for every edge of a missing parcel. A kind that depends on all parcels at once
        (partial, shrunk, log_euclidean) is computed on the parcels that are there.
    missing : ndarray of shape (p,), bool
        Parcels without a signal in at least one run.

    Raises
    ------
    TooFewVolumesError
        Fewer than 10 volumes, or not more volumes than parcels where an inverse or a logarithm
        is taken of an unshrunk matrix.
    """
    missing = np.any([cov.find_missing(run) for run in runs], axis=0)
    here = ~missing
    if here.sum() < 2:
        raise TooFewVolumesError(f"expected two parcels with a signal, found {here.sum()}.")
    present = [run[:, here].astype(np.float64) for run in runs]
    n_volumes = sum(map(len, present))
    if min(map(len, present)) < 2 or n_volumes < cov.MIN_VOLUMES:
        raise TooFewVolumesError(
            f"expected at least {cov.MIN_VOLUMES} kept volumes, found {n_volumes}."
        )
    signals = SessionSignals(present, kept_volumes, shrinkage)
    records = [kind_record(kind) for kind in kinds]
    rows = {
        record.name: whole_row(record.compute(signals), here, record.layout) for record in records
    }
    return rows, missing


class SessionSignals:
    """Matrices of one session's signals (`kinds.Signals`); what several need is computed once."""

    def __init__(
        self, runs: Sequence[np.ndarray], kept_volumes: Sequence[np.ndarray], shrinkage: str
    ) -> None:
        self._runs = runs
        self._shrinkage = shrinkage
        self._joined = np.vstack([cov.standardize(run) for run in runs])
        self._follows = _follows(kept_volumes)
        self._pearson: np.ndarray | None = None
        self._shrunk: np.ndarray | None = None
        self._logarithm: spd.ShrunkLogarithm | None = None

    def pearson(self) -> np.ndarray:
        """Correlation (p, p), not shrunk."""
        if self._pearson is None:
            self._pearson = cov.pearson(self._joined)
        return self._pearson

    def log_correlation(self, weight: float) -> np.ndarray:
        """Logarithm (p, p) of the correlation shrunk by a fixed weight."""
        if self._logarithm is None:
            self._logarithm = spd.ShrunkLogarithm(self.pearson())
        return self._logarithm.at(weight)

    def shrunk_correlation(self, kind: str | None = None) -> np.ndarray:
        """Correlation (p, p), shrunk as was asked for; `kind` needs it to be invertible."""
        if kind is not None:
            self._need_invertible(kind)
        if self._shrunk is None:
            self._shrunk = cov.estimate_covariance(self._joined, shrinkage=self._shrinkage)
        return self._shrunk

    def covariance(self) -> np.ndarray:
        """Covariance (p, p) of the centred runs, shrunk as was asked for."""
        centered = np.vstack([run - run.mean(axis=0) for run in self._runs])
        return cov.estimate_covariance(centered, shrinkage=self._shrinkage)

    def relative_covariance(self) -> np.ndarray:
        """Covariance (p, p) of signals in units of the run's typical amplitude, not shrunk."""
        relative = self._relative()
        return relative.T @ relative / len(relative)

    def amplitude(self) -> np.ndarray:
        """Relative log amplitude (p,)."""
        return cov.relative_amplitude(self._relative())

    def lagged(self) -> np.ndarray:
        """Lag-1 cross-covariance (p, p), row leads column."""
        return cov.lagged_covariance(self._joined, follows=self._follows)

    def _relative(self) -> np.ndarray:
        return np.vstack([cov.remove_gain(run) for run in self._runs])

    def _need_invertible(self, kind: str) -> None:
        # Centring each run costs one degree of freedom a run.
        n_volumes, n_parcels = self._joined.shape
        if self._shrinkage == "none" and n_volumes - len(self._runs) < n_parcels:
            raise TooFewVolumesError(
                f"{kind} without shrinkage: expected more kept volumes than the {n_parcels} "
                f"parcels, found {n_volumes}. Use shrinkage 'ledoit_wolf' or 'oas'."
            )


def _follows(kept_volumes: Sequence[np.ndarray]) -> np.ndarray:
    """Say which rows of the joined runs directly follow the row before them."""
    parts: list[np.ndarray] = []
    for volumes in kept_volumes:
        parts += [np.diff(volumes) == 1, np.array([False])]
    return np.concatenate(parts[:-1]).astype(bool)
