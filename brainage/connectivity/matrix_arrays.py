"""One scan's square matrix of a file that holds those of all scans."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from brainage.errors import SeriesError
from brainage.series import read_scan_array


def array_row(path: Path, index: int, triangle: str | None) -> np.ndarray:
    """Return one scan's square matrix.

    Parameters
    ----------
    path : Path
        See `read_scan_array`.
    index : int
        The scan's row.
    triangle : {"upper", "lower"} or None
        Order of half a matrix: row by row above the diagonal (`numpy.triu_indices`), or row by row
        below it (`numpy.tril_indices`, `nilearn.connectome.sym_matrix_to_vec`).

    Raises
    ------
    SeriesError
        Half a matrix whose order is not stated, or whose length is no triangle's.
    """
    row = read_scan_array(path).values[index]
    if row.ndim == 2:
        return np.asarray(row, dtype=np.float64)
    if triangle is None:
        raise SeriesError(
            f"{path}: half a matrix a row, in an order that the file does not state. State it: "
            "paths.<cohort>.triangle: upper (row by row above the diagonal, numpy.triu_indices) or "
            "lower (row by row below it, numpy.tril_indices, nilearn.sym_matrix_to_vec)."
        )
    return _squared(np.asarray(row, dtype=np.float64), triangle, path)


def _squared(row: np.ndarray, triangle: str, path: Path) -> np.ndarray:
    side = (math.isqrt(8 * len(row) + 1) + 1) // 2
    if side * (side - 1) // 2 != len(row):
        raise SeriesError(f"{path}: {len(row)} values a row are half of no square matrix.")
    indices = np.triu_indices if triangle == "upper" else np.tril_indices
    with_diagonal = indices(side - 1)
    # A row of so many values is half a matrix without its diagonal, or of one parcel less with it;
    # only the latter has the same number, 1 or 0, at every place of the diagonal.
    on_it = row[with_diagonal[0] == with_diagonal[1]]
    if len(on_it) > 2 and any(np.abs(on_it - value).max() < 1e-3 for value in (0.0, 1.0)):
        matrix = np.zeros((side - 1, side - 1))
        matrix[with_diagonal] = row
    else:
        matrix = np.zeros((side, side))
        matrix[indices(side, 1 if triangle == "upper" else -1)] = row
        np.fill_diagonal(matrix, 0.5)
    out = matrix + matrix.T
    if len(out) < side:
        np.fill_diagonal(out, np.diag(out) / 2)
    return out
