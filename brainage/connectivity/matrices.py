"""Correlation matrices that other tools made: read and checked, never repaired."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from brainage.connectivity.matrix_arrays import array_row
from brainage.errors import MatrixError, SeriesError
from brainage.series import (
    NumberTable,
    ScanQuality,
    SeriesFile,
    cleaning_of_name,
    labels_of,
    mean_fd_mm,
    read_number_table,
    sidecar_of,
    stated_networks,
)
from brainage.showing import Shown
from brainage.wording import listed

MatrixValues = Literal["pearson", "fisher_z", "ledoit_wolf"]
Triangle = Literal["upper", "lower"]

#: What names and sidecars call a measure, in small letters without signs.
_MEASURES: dict[str, MatrixValues] = {
    **dict.fromkeys(("pearson", "pearsoncorrelation", "correlation", "corr"), "pearson"),
    **dict.fromkeys(("fisherz", "fisherztransformed", "zcorrelation", "pearsonz"), "fisher_z"),
}
#: Tools whose "Pearson correlation" is nilearn's, that is, Ledoit-Wolf shrunk (giga_connectome
#: 0.5.1, measured: its matrices equal the shrunk correlation of its series to the last digit).
_SHRINKING_TOOLS = ("giga_connectome",)
_OTHER_MEASURE = re.compile(
    "partial|precision|covariance|tangent|spearman|kendall|mutual|coherence|distance"
)
#: Digits that a printed correlation may have lost.
_ROUNDING = 1e-3
_ASYMMETRY = 1e-4


@dataclass(frozen=True, repr=False)
class MatrixFile(SeriesFile):
    r"""One matrix's file and labels; not yet opened. Made by `matrix_files.find_matrices`.

    `values` says what its numbers are (None: told by name, sidecar or diagonal), `triangle` in
    which order half a matrix is written.

    Examples
    --------
    >>> values = np.corrcoef(examples.series().values.T)
    >>> path = folder / "sub-01_atlas-own_desc-correlation_matrix.tsv"
    >>> pd.DataFrame(values).to_csv(path, sep="\t", header=False, index=False)
    >>> (file,) = ba.find_matrices(folder)
    >>> file.participant_id, file.atlas
    ('01', 'own')
    """

    values: MatrixValues | None = None
    triangle: Triangle | None = None


@dataclass(frozen=True, repr=False)
class ParcelMatrix(Shown):
    r"""Pearson correlations of one run's parcels.

    Parameters
    ----------
    participant_id, session_id, run, task : str
        BIDS labels without prefixes; "n/a" where there is none.
    correlation : ndarray of shape (p, p), float64
        Symmetric, diagonal 1. A missing parcel is a row and column of NaN.
    parcel_names : tuple of str
        p unique names.
    networks : tuple of (str or None)
        Network of each parcel.
    atlas : str
        Name of the atlas.
    cleaning_fingerprint : str
        As of series: equal for what one tool cleaned alike.
    quality : ScanQuality
        What is known of the scan; its volumes are not.
    shrinkage : {"none", "ledoit_wolf"}, default="none"
        Of the correlation, by the tool that made it.

    Examples
    --------
    >>> values = np.corrcoef(examples.series().values.T)
    >>> path = folder / "sub-01_atlas-own_desc-correlation_matrix.tsv"
    >>> pd.DataFrame(values).to_csv(path, sep="\t", header=False, index=False)
    >>> matrix = ba.read_matrix(ba.find_matrices(folder)[0])
    >>> matrix.correlation.shape, matrix.participant_id
    ((24, 24), '01')
    """

    participant_id: str
    session_id: str
    run: str
    task: str
    correlation: np.ndarray
    parcel_names: tuple[str, ...]
    networks: tuple[str | None, ...]
    atlas: str
    cleaning_fingerprint: str
    quality: ScanQuality
    shrinkage: str = "none"
    cleaning: str = "cleaned and correlated elsewhere"
    t_r_s: None = None

    @property
    def missing(self) -> np.ndarray:
        """Boolean (p,): parcels without a signal."""
        return np.isnan(np.diag(self.correlation))

    def aligned(self, parcel_names: tuple[str, ...]) -> ParcelMatrix:
        """Return the matrix with the same parcels in another order."""
        if parcel_names == self.parcel_names:
            return self
        position = {name: i for i, name in enumerate(self.parcel_names)}
        order = [position[name] for name in parcel_names]
        return replace(
            self,
            correlation=self.correlation[np.ix_(order, order)],
            parcel_names=parcel_names,
            networks=tuple(self.networks[i] for i in order),
        )


def read_matrix(file: MatrixFile) -> ParcelMatrix:
    r"""Read one matrix and check it.

    Parameters
    ----------
    file : MatrixFile
        From `matrix_files.find_matrices`.

    Returns
    -------
    matrix : ParcelMatrix
        Of a Fisher z matrix the correlations behind it.

    Raises
    ------
    SeriesError
        The file is no matrix of numbers, or what its numbers are is not known.
    MatrixError
        Not square, not symmetric, correlations above 1, a parcel that is partly missing.

    Examples
    --------
    >>> path = folder / "sub-01_atlas-own_desc-correlation_matrix.tsv"
    >>> values = np.corrcoef(examples.series().values.T)
    >>> pd.DataFrame(values).to_csv(path, sep="\t", header=False, index=False)
    >>> ba.read_matrix(ba.find_matrices(folder)[0]).correlation.shape
    (24, 24)
    """
    meta: dict[str, Any] = {}
    if file.index is None:
        meta = sidecar_of(file.path, also="timeseries")
        table = read_number_table(file.path)
        matrix, names = table.values, _names(table)
        where = str(file.path)
    else:
        matrix = array_row(file.path, file.index, file.triangle)
        where = f"{file.path}: row {file.index + 1} (participant {file.participant_id})"
        names = None
    square = _square(matrix, where)
    kind = _values_of(file, meta, square, where)
    correlation = _checked(square, kind, where)
    names = _chosen_names(file, names, len(correlation), where)
    networks = file.networks or stated_networks(meta, len(names), file.path)
    shrinkage = "ledoit_wolf" if kind == "ledoit_wolf" else "none"
    return ParcelMatrix(
        participant_id=file.participant_id,
        session_id=file.session_id,
        run=file.run,
        task=file.task,
        correlation=correlation,
        parcel_names=names,
        networks=networks,
        atlas=file.atlas,
        shrinkage=shrinkage,
        cleaning_fingerprint=cleaning_of_name(file.path, file.atlas, names)
        if file.index is None
        else cleaning_of_name(Path("array"), file.atlas, names),
        quality=ScanQuality(
            mean_fd_mm=None if file.index is not None else mean_fd_mm(file.path, meta),
            n_volumes=0,
            n_kept=0,
            retained_s=None,
            coverage=None,
        ),
    )


def _names(table: NumberTable) -> tuple[str, ...] | None:
    if table.rows is not None and table.columns is not None and table.rows != table.columns:
        raise MatrixError(f"{table.path}: the names before the rows are not those above them.")
    return table.columns or table.rows


def _chosen_names(
    file: MatrixFile, own: tuple[str, ...] | None, n_parcels: int, where: str
) -> tuple[str, ...]:
    names = file.parcels or own or tuple(f"parcel_{i + 1}" for i in range(n_parcels))
    if len(names) != n_parcels:
        raise SeriesError(f"{where}: {n_parcels} parcels, but {len(names)} names.")
    numbered = own is not None and own == tuple(map(str, range(n_parcels)))
    if file.parcels and own and not numbered and own != file.parcels:
        raise SeriesError(
            f"{where}: its own parcel names are not those of paths.<cohort>.parcels "
            f"({listed(own, most=3)} against {listed(file.parcels, most=3)})."
        )
    return names


def _square(matrix: np.ndarray, where: str) -> np.ndarray:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise MatrixError(
            f"{where}: expected a square matrix, found {' x '.join(map(str, matrix.shape))}."
        )
    return np.asarray(matrix, dtype=np.float64)


def _values_of(
    file: MatrixFile, meta: dict[str, Any], matrix: np.ndarray, where: str
) -> MatrixValues:
    """Return whether a matrix holds Pearson or Fisher z: stated, named, or told by its diagonal."""
    if file.values is not None:
        return file.values
    code = meta.get("Code")
    if isinstance(code, str) and any(tool in code for tool in _SHRINKING_TOOLS):
        return "ledoit_wolf"
    labels = labels_of(file.path.name) if file.index is None else {}
    words = [labels.get(key) for key in ("meas", "measure", "stat", "desc")] + [meta.get("Measure")]
    for word in words:
        plain = re.sub("[^a-z]", "", word.lower()) if isinstance(word, str) else ""
        if _OTHER_MEASURE.search(plain):
            raise SeriesError(
                f"{where}: holds '{word}'; expected Pearson correlation or its Fisher z."
            )
        if plain in _MEASURES:
            return _MEASURES[plain]
    diagonal, off = np.diag(matrix), matrix[~np.eye(len(matrix), dtype=bool)]
    ones = not np.isnan(diagonal).all() and np.nanmax(np.abs(diagonal - 1)) < _ROUNDING
    # Fisher z of 1 is infinite: with ones on the diagonal these are correlations.
    if ones and np.nanmax(np.abs(off), initial=0) <= 1 + _ROUNDING:
        return "pearson"
    raise SeriesError(
        f"{where}: whether its numbers are Pearson correlations or Fisher z is neither in its name "
        "nor in a sidecar. State it: paths.<cohort>.matrix_values: pearson (or fisher_z, or "
        "ledoit_wolf for correlations that were shrunk)."
    )


def _checked(matrix: np.ndarray, kind: MatrixValues, where: str) -> np.ndarray:
    """Return correlations with a diagonal of 1 and NaN for missing parcels."""
    off = matrix.copy()
    np.fill_diagonal(off, 0.0)
    missing = _missing_parcels(off, where)
    present = off[np.ix_(~missing, ~missing)]
    _check_diagonal(np.diag(matrix)[~missing], kind, where)
    apart = np.abs(present - present.T).max(initial=0)
    scale = max(1.0, np.abs(present).max(initial=0))
    if apart > _ASYMMETRY * scale:
        half = " (one triangle filled?)" if not np.tril(present, -1).any() else ""
        raise MatrixError(
            f"{where}: expected a symmetric matrix, found elements {apart:.2g} apart from their "
            f"mirror images{half}."
        )
    present = (present + present.T) / 2
    if kind == "fisher_z":
        present = np.tanh(present)
    elif np.abs(present).max(initial=0) > 1 + _ROUNDING:
        raise MatrixError(
            f"{where}: expected correlations from -1 to 1, found {np.abs(present).max():.3g}. If "
            "it holds Fisher z: paths.<cohort>.matrix_values: fisher_z."
        )
    present = np.clip(present, -1.0, 1.0)
    np.fill_diagonal(present, 1.0)
    out = np.full(matrix.shape, np.nan)
    out[np.ix_(~missing, ~missing)] = present
    return out


def _missing_parcels(off: np.ndarray, where: str) -> np.ndarray:
    """Return which parcels have no value with any other; zeros throughout are none either."""
    absent = np.isnan(off) | (off == 0)
    np.fill_diagonal(absent, True)
    missing = absent.all(axis=0) & absent.all(axis=1)
    partly = np.isnan(off[np.ix_(~missing, ~missing)]).any(axis=0)
    if partly.any():
        raise MatrixError(
            f"{where}: {int(partly.sum())} parcel(s) lack correlations with some of the others. A "
            "missing parcel is n/a with all of them."
        )
    return missing


def _check_diagonal(diagonal: np.ndarray, kind: MatrixValues, where: str) -> None:
    if kind == "fisher_z" or np.isnan(diagonal).all() or not len(diagonal):
        return
    if not any(np.abs(diagonal - value).max() < _ROUNDING for value in (0.0, 1.0)):
        raise MatrixError(
            f"{where}: expected a diagonal of ones (or of zeros), found {np.nanmin(diagonal):.3g} "
            f"to {np.nanmax(diagonal):.3g}: a covariance?"
        )
