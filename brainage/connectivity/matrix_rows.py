"""Rows of features from matrices made elsewhere, in the place of series.

A matrix knows neither volumes nor lags nor amplitudes: kinds that need them are refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brainage.connectivity.kinds import KINDS, KindRecord, kind_record, whole_row
from brainage.errors import MatrixError, SeriesError


def refuse_kinds_of_series(kinds: Sequence[str]) -> None:
    """Refuse the kinds that no matrix can give.

    Raises
    ------
    SeriesError
        Kinds that need the series.

    Examples
    --------
    >>> refuse_kinds_of_series(["fisher_z"])
    >>> refuse_kinds_of_series(["lagged"])
    Traceback (most recent call last):
        ...
    brainage.errors.SeriesError: matrices cannot give lagged: these need the series. Of ...
    """
    without = [kind for kind in kinds if kind in KINDS and KINDS[kind].of_matrix is None]
    if without:
        possible = [name for name, record in KINDS.items() if record.of_matrix is not None]
        raise SeriesError(
            f"matrices cannot give {', '.join(without)}: these need the series. Of matrices there "
            f"are {', '.join(possible)}. In a study file `extends: recommended_matrices` takes "
            "what matrices have of the default, `extends: fisher_z_ridge` Fisher z alone."
        )


def matrix_rows(
    correlations: Sequence[np.ndarray],
    *,
    kinds: Sequence[str],
    asked: str,
    shrinkage: str = "none",
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Compute each kind's row of one session.

    Parameters
    ----------
    correlations : sequence of ndarray of shape (p, p)
        Of the session's runs; several are averaged in Fisher z, each with the same weight.
    kinds : sequence of str
        Keys of `KINDS` that a matrix can give.
    asked : str
        The shrinkage that the options ask for.
    shrinkage : str, default="none"
        The shrinkage that the matrices have.

    Returns
    -------
    rows : dict of str to ndarray of shape (n_features,), float32
        As `session_rows.connectivity_rows`.
    missing : ndarray of shape (p,), bool
        Parcels without a signal in at least one run.

    Raises
    ------
    SeriesError
        A kind of another shrinkage than the matrices have.
    MatrixError
        Fewer than two parcels; a matrix without an inverse or logarithm where one is taken.
    """
    missing = np.any([np.isnan(np.diag(matrix)) for matrix in correlations], axis=0)
    here = ~missing
    if here.sum() < 2:
        raise MatrixError(f"expected two parcels with a signal, found {here.sum()}.")
    present = [matrix[np.ix_(here, here)] for matrix in correlations]
    mean = present[0] if len(present) == 1 else _mean_in_fisher_z(present)
    refuse_kinds_of_series(kinds)
    rows = {}
    for kind in kinds:
        record = kind_record(kind)
        _refuse_other_shrinkage(record, asked, shrinkage)
        if record.shrinkage == "asked" and kind != "shrunk_correlation":
            _need_positive_definite(mean, kind)
        values = record.of_matrix(mean) if record.of_matrix is not None else mean
        rows[kind] = whole_row(values, here, record.layout)
    return rows, missing


def _refuse_other_shrinkage(record: KindRecord, asked: str, shrinkage: str) -> None:
    if record.shrinkage == "asked" and asked != shrinkage:
        why = (
            "the weight depends on the volumes, which a matrix does not hold"
            if shrinkage == "none"
            else "the matrices were shrunk by the tool that made them"
        )
        raise SeriesError(
            f"matrices cannot give {record.name} with shrinkage '{asked}': {why}. Set "
            f"science.connectivity.shrinkage: {shrinkage}, or take another kind."
        )
    if record.shrinkage != "asked" and shrinkage != "none":
        raise SeriesError(
            f"matrices cannot give {record.name}: the tool that made them shrank them "
            f"({shrinkage}), by a weight they do not hold. Take shrunk_correlation, tangent or "
            "partial, or the series."
        )


def _mean_in_fisher_z(correlations: Sequence[np.ndarray]) -> np.ndarray:
    z = [np.arctanh(np.clip(matrix, -1 + 1e-7, 1 - 1e-7)) for matrix in correlations]
    mean = np.tanh(np.mean(z, axis=0))
    np.fill_diagonal(mean, 1.0)
    return mean


def _need_positive_definite(matrix: np.ndarray, kind: str) -> None:
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if not smallest > 1e-10 * len(matrix):
        raise MatrixError(
            f"{kind}: expected a positive definite matrix, found one whose smallest eigenvalue is "
            f"{smallest:.2g} (fewer volumes than parcels?). Take pearson, fisher_z or "
            "log_correlation."
        )
