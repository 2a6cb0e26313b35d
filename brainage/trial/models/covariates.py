"""Covariates as columns of a design matrix, and which of them can be told from arm and visit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.errors import DesignError

#: A column whose part outside the others' span is smaller than this share of it is aliased.
_ALIASED = 1e-9


def covariate_columns(
    rows: pd.DataFrame,
    visit: np.ndarray,
    visits: tuple[str, ...],
    *,
    covariates: tuple[str, ...],
    crossed_with_visit: tuple[str, ...],
) -> tuple[np.ndarray, list[str], list[str]]:
    """Return every covariate's centred columns, their names, and the covariate of each.

    Parameters
    ----------
    rows : DataFrame
        Analysed rows, n_rows of them.
    visit : ndarray of int of shape (n_rows,)
        Codes of `visits`.
    visits : tuple of str
        In order of time.
    covariates : tuple of str
        Columns of `rows`.
    crossed_with_visit : tuple of str
        Those of them with a column of their own at each visit.

    Returns
    -------
    columns : ndarray of shape (n_rows, n_columns)
    names : list of str
    owners : list of str
    """
    columns, names, owners = [], [], []
    for name in covariates:
        for label, column in code_covariate(rows[name], name):
            centred = column - column.mean()
            if name in crossed_with_visit and len(visits) > 1:
                for t, visit_name in enumerate(visits):
                    columns.append(np.where(visit == t, centred, 0.0))
                    names.append(f"{label} at {visit_name}")
                    owners.append(name)
            else:
                columns.append(centred)
                names.append(label)
                owners.append(name)
    stacked = np.column_stack(columns) if columns else np.empty((len(rows), 0))
    return stacked, names, owners


def code_covariate(values: pd.Series, name: str) -> list[tuple[str, np.ndarray]]:
    """Return the columns (n_rows,) that stand for one covariate, each with its name.

    Numbers are one column; text is an indicator of each level but the first in order, and one
    column of zeros where there is one level. Infinite values are a `DesignError`.
    """
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(dtype=float)
        if not np.isfinite(numbers).all():
            raise DesignError(f"covariate '{name}': infinite values.")
        return [(name, numbers)]
    text = values.astype(str)
    levels = sorted(text.unique())
    return [
        (f"{name}[{level}]", (text == level).to_numpy(dtype=float)) for level in levels[1:]
    ] or [(name, np.zeros(len(text)))]


def refuse_baseline_as_covariate(
    columns: np.ndarray, names: list[str], values: np.ndarray, visit: np.ndarray
) -> None:
    """Refuse a covariate that is the response at baseline: the constrained form holds it."""
    first = visit == 0
    centred = values[first] - values[first].mean()
    for j, name in enumerate(names):
        column = columns[first, j] - columns[first, j].mean() if first.any() else columns[:0, j]
        scale = np.abs(centred).max()
        if scale > 0 and np.allclose(column, centred, atol=1e-9 * scale):
            raise DesignError(
                f"covariate '{name}': equals the response at baseline, which the "
                "constrained form already holds; leave it out."
            )


def _outside(column: np.ndarray, others: np.ndarray) -> float:
    """Return the share of a column's length that lies outside the span of others."""
    length = np.linalg.norm(column)
    if length == 0:
        return 0.0
    basis, singular, _ = np.linalg.svd(others, full_matrices=False)
    basis = basis[:, singular > 1e-12 * singular[0]]
    return float(np.linalg.norm(column - basis @ (basis.T @ column)) / length)


def without_aliased(
    cells: np.ndarray, columns: np.ndarray, names: list[str], visit: np.ndarray
) -> tuple[list[int], list[tuple[int, str]]]:
    """Return the covariate columns to keep, and those left out with the reason.

    A column that says nothing beyond the visits and the covariates before it can go (R's ``lm``
    does the same); one that arm explains entirely cannot: the arm's effect would be the
    covariate's, so that is an error.
    """
    everything = np.hstack([cells, columns])
    triangle = np.abs(np.diag(np.linalg.qr(everything, mode="r")))
    if everything.shape[1] <= len(everything):
        lengths = np.linalg.norm(everything, axis=0)
        if (lengths > 0).all() and (triangle > _ALIASED * lengths).all():
            return list(range(columns.shape[1])), []
    kept: list[int] = []
    dropped: list[tuple[int, str]] = []
    visit_cells = np.eye(visit.max() + 1)[visit]
    for j, name in enumerate(names):
        column = columns[:, j]
        if np.abs(column).max() < 1e-12 or _outside(
            column, np.hstack([visit_cells, columns[:, kept]])
        ) < np.sqrt(_ALIASED):
            dropped.append((j, "constant, or determined by the covariates before it"))
        elif _outside(column, np.hstack([cells, columns[:, kept]])) < np.sqrt(_ALIASED):
            raise DesignError(
                f"covariate '{name}': determined by arm in the analysed rows, so "
                "its effect and the arm's cannot be told apart; leave the covariate "
                "out, or the arm."
            )
        else:
            kept.append(j)
    return kept, dropped
