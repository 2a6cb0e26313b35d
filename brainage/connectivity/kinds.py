"""What a kind of connectivity is: one record each, that options, rows, specs and words all read.

To add a kind: write its record here. It is then a choice of ``science.connectivity.kinds``, has a
layout and words, and is refused of matrices if it says that it needs the series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from brainage.connectivity import covariance as cov
from brainage.connectivity import spd
from brainage.errors import MatrixError
from brainage.showing import Shown

Layout = Literal["upper", "upper_with_diagonal", "full", "parcel"]
#: What the clock learns of a view in the training fold (`clock.preparation`).
Learnt = Literal["tangent", "direction"]


class Signals(Protocol):
    """What a kind may ask of one session's signals (`session_rows.SessionSignals`)."""

    def pearson(self) -> np.ndarray:
        """Correlation (p, p), not shrunk."""

    def shrunk_correlation(self, kind: str | None = None) -> np.ndarray:
        """Correlation (p, p), shrunk as was asked for; `kind` needs it to be invertible."""

    def log_correlation(self, weight: float) -> np.ndarray:
        """Logarithm (p, p) of the correlation shrunk by a fixed weight."""

    def covariance(self) -> np.ndarray:
        """Covariance (p, p) of the centred runs, shrunk as was asked for."""

    def relative_covariance(self) -> np.ndarray:
        """Covariance (p, p) of signals in units of the run's typical amplitude, not shrunk."""

    def amplitude(self) -> np.ndarray:
        """Relative log amplitude (p,)."""

    def lagged(self) -> np.ndarray:
        """Lag-1 cross-covariance (p, p), row leads column."""


@dataclass(frozen=True, repr=False)
class KindRecord(Shown):
    """One kind of connectivity.

    Parameters
    ----------
    name : str
        As in the config.
    words : str
        For the report.
    layout : {"upper", "upper_with_diagonal", "full", "parcel"}
        How its matrix becomes a row: the upper triangle without diagonal; with diagonal and
        off-diagonal elements times sqrt(2) (`spd.half_vectorise`); all p x p elements row by row;
        or one value a parcel.
    compute : callable
        `Signals` -> (p, p), or (p,) in the layout "parcel".
    shrinkage : "asked", "none" or float, default="none"
        The estimator that the options ask for; none whatever they ask for; or a fixed weight of
        the identity, which does not vary with scan length. The two weights were chosen on ABIDE
        (docs/accuracy.md): one near the plain covariance's geometry, one near the logarithm's.
    learnt_in_fold : {"tangent", "direction"} or None, default=None
        What the clock's training fold learns of it.
    of_matrix : callable or None, default=None
        Pearson correlation (p, p) -> the same as `compute`; None: it needs the series.

    Examples
    --------
    >>> record = ba.KINDS["fisher_z"]
    >>> record.layout, record.words
    ('upper', 'Fisher z of the Pearson correlation')
    """

    name: str
    words: str
    layout: Layout
    compute: Callable[[Signals], np.ndarray]
    shrinkage: Literal["asked", "none"] | float = "none"
    learnt_in_fold: Learnt | None = None
    of_matrix: Callable[[np.ndarray], np.ndarray] | None = None

    def stated_shrinkage(self, asked: str) -> str:
        """Return the shrinkage it really has when `asked` was asked for."""
        if self.shrinkage == "asked":
            return asked
        return self.shrinkage if isinstance(self.shrinkage, str) else f"fixed_{self.shrinkage:g}"


def _log_shrunk(matrix: np.ndarray, weight: float) -> np.ndarray:
    return spd.logm(cov.shrink_fixed(matrix, weight), n_threads=1)


def _log(matrix: np.ndarray) -> np.ndarray:
    return spd.logm(matrix, n_threads=1)


def _same(matrix: np.ndarray) -> np.ndarray:
    return matrix


_RECORDS = (
    KindRecord(
        "pearson",
        "Pearson correlation",
        "upper",
        lambda signals: signals.pearson(),
        of_matrix=_same,
    ),
    KindRecord(
        "fisher_z",
        "Fisher z of the Pearson correlation",
        "upper",
        lambda signals: cov.fisher_z(signals.pearson()),
        of_matrix=cov.fisher_z,
    ),
    KindRecord(
        "partial",
        "partial correlation",
        "upper",
        lambda signals: cov.partial_correlation(signals.shrunk_correlation("partial")),
        "asked",
        of_matrix=cov.partial_correlation,
    ),
    KindRecord(
        "shrunk_correlation",
        "shrunk correlation",
        "upper",
        lambda signals: signals.shrunk_correlation(),
        "asked",
        of_matrix=_same,
    ),
    KindRecord(
        "covariance",
        "covariance",
        "upper_with_diagonal",
        lambda signals: signals.covariance(),
        "asked",
    ),
    # Holds the scan's shrunk correlation itself; the tangent space is the training fold's.
    KindRecord(
        "tangent",
        "tangent-space covariance",
        "upper_with_diagonal",
        lambda signals: signals.shrunk_correlation("tangent"),
        "asked",
        learnt_in_fold="tangent",
        of_matrix=_same,
    ),
    KindRecord(
        "log_euclidean",
        "log-Euclidean correlation",
        "upper_with_diagonal",
        lambda signals: _log(signals.shrunk_correlation("log_euclidean")),
        "asked",
        of_matrix=_log,
    ),
    KindRecord(
        "log_correlation",
        "matrix logarithm of the correlation (shrunk by 0.3)",
        "upper_with_diagonal",
        lambda signals: signals.log_correlation(0.3),
        0.3,
        of_matrix=lambda matrix: _log_shrunk(matrix, 0.3),
    ),
    # Holds the logarithm; the training fold's mean is taken off in the clock.
    KindRecord(
        "log_correlation_direction",
        "its direction from the training mean (unit length)",
        "upper_with_diagonal",
        lambda signals: signals.log_correlation(0.3),
        0.3,
        learnt_in_fold="direction",
        of_matrix=lambda matrix: _log_shrunk(matrix, 0.3),
    ),
    KindRecord(
        "log_correlation_direction_80",
        "direction from the training mean of the matrix logarithm of the correlation shrunk by 0.8",
        "upper_with_diagonal",
        lambda signals: signals.log_correlation(0.8),
        0.8,
        learnt_in_fold="direction",
        of_matrix=lambda matrix: _log_shrunk(matrix, 0.8),
    ),
    KindRecord(
        "log_covariance",
        "matrix logarithm of the gain-free covariance (shrunk by 0.8)",
        "upper_with_diagonal",
        lambda signals: _log_shrunk(signals.relative_covariance(), 0.8),
        0.8,
    ),
    KindRecord("lagged", "lag-1 cross-covariance", "full", lambda signals: signals.lagged()),
    KindRecord(
        "amplitude",
        "relative amplitude of each parcel (log standard deviation)",
        "parcel",
        lambda signals: signals.amplitude(),
    ),
)
#: Every kind by name, in the order of the docs.
KINDS = {record.name: record for record in _RECORDS}
#: Layout by kind.
LAYOUTS: dict[str, Layout] = {name: record.layout for name, record in KINDS.items()}


def kind_record(name: str) -> KindRecord:
    """Return a kind's record.

    Raises
    ------
    MatrixError
        There is no such kind.
    """
    if name not in KINDS:
        raise MatrixError(f"connectivity kind '{name}': expected one of {', '.join(KINDS)}.")
    return KINDS[name]


def vectorise(matrix: np.ndarray, layout: Layout) -> np.ndarray:
    """Lay out a (p, p) matrix, or (p,) values, as the row of a view."""
    if layout == "parcel":
        return matrix
    if layout == "full":
        return matrix.ravel()
    if layout == "upper":
        return matrix[np.triu_indices(len(matrix), k=1)]
    return spd.half_vectorise(matrix)


def whole_row(values: np.ndarray, here: np.ndarray, layout: Layout) -> np.ndarray:
    """Return a row of all parcels, float32, from what was computed on those that are there.

    Parameters
    ----------
    values : ndarray of shape (n_here, n_here) or (n_here,)
        Of the parcels with a signal.
    here : ndarray of shape (p,), bool
        Which those are; every edge of the others is NaN.
    layout : str
        Of the kind.
    """
    p = len(here)
    if layout == "parcel":
        row = np.full(p, np.nan)
        row[here] = values
        return row.astype(np.float32)
    matrix = np.full((p, p), np.nan)
    matrix[np.ix_(here, here)] = values
    return vectorise(matrix, layout).astype(np.float32)
