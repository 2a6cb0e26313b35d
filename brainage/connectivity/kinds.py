"""One session's signals -> one float32 row for each kind of connectivity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainage.connectivity import covariance as cov
from brainage.connectivity import spd
from brainage.connectivity.views import FIXED_SHRINKAGE, LAYOUTS
from brainage.errors import MatrixError, TooFewVolumesError


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
        Keys of `LAYOUTS`.
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
    session = _Session(present, kept_volumes, shrinkage)
    rows = {}
    for kind in kinds:
        if LAYOUTS[kind] == "parcel":
            row = np.full(len(here), np.nan)
            row[here] = session.amplitude()
        else:
            matrix = np.full((len(here), len(here)), np.nan)
            matrix[np.ix_(here, here)] = session.matrix(kind)
            row = vectorise(matrix, LAYOUTS[kind])
        rows[kind] = row.astype(np.float32)
    return rows, missing


def vectorise(matrix: np.ndarray, layout: str) -> np.ndarray:
    """Lay out a (p, p) matrix as the row of a view (see `views.LAYOUTS`)."""
    if layout == "full":
        return matrix.ravel()
    if layout == "upper":
        return matrix[np.triu_indices(len(matrix), k=1)]
    return spd.half_vectorise(matrix)


class _Session:
    """Matrices of one session; what several kinds need is computed once."""

    def __init__(self, runs, kept_volumes, shrinkage):
        self._runs = runs
        self._shrinkage = shrinkage
        self._joined = np.vstack([cov.standardize(run) for run in runs])
        self._follows = _follows(kept_volumes)
        self._shrunk: np.ndarray | None = None

    def matrix(self, kind: str) -> np.ndarray:
        if kind == "pearson":
            return cov.pearson(self._joined)
        if kind == "fisher_z":
            return cov.fisher_z(cov.pearson(self._joined))
        if kind == "lagged":
            return cov.lagged_covariance(self._joined, follows=self._follows)
        if kind == "covariance":
            centered = np.vstack([run - run.mean(axis=0) for run in self._runs])
            return cov.estimate_covariance(centered, shrinkage=self._shrinkage)
        if kind in ("log_correlation", "log_correlation_direction"):
            correlation = cov.shrink_fixed(cov.pearson(self._joined), FIXED_SHRINKAGE[kind])
            return spd.logm(correlation, n_threads=1)
        if kind == "log_covariance":
            relative = self._relative()
            covariance = relative.T @ relative / len(relative)
            return spd.logm(cov.shrink_fixed(covariance, FIXED_SHRINKAGE[kind]), n_threads=1)
        if kind == "shrunk_correlation":
            return self._correlation()
        self._need_invertible(kind)
        if kind == "partial":
            return cov.partial_correlation(self._correlation())
        if kind == "log_euclidean":
            return spd.logm(self._correlation(), n_threads=1)
        if kind == "tangent":
            return self._correlation()
        raise MatrixError(f"connectivity kind '{kind}': expected one of {', '.join(LAYOUTS)}.")

    def amplitude(self) -> np.ndarray:
        return cov.relative_amplitude(self._relative())

    def _relative(self) -> np.ndarray:
        return np.vstack([cov.remove_gain(run) for run in self._runs])

    def _correlation(self) -> np.ndarray:
        if self._shrunk is None:
            self._shrunk = cov.estimate_covariance(self._joined, shrinkage=self._shrinkage)
        return self._shrunk

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
    parts = []
    for volumes in kept_volumes:
        parts += [np.diff(volumes) == 1, [False]]
    return np.concatenate(parts[:-1]).astype(bool)
