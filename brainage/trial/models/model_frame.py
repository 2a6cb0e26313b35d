"""A trial's long table made into a design matrix, with every doubt about it raised here.

Two mean models share this door. ``form="change"``: one mean per arm and visit, for a response
that is already a change from baseline. ``form="constrained"``: the first visit is the baseline,
its mean is common to all arms (they were randomised after it), and each arm but control has its
own departure from control at each later visit.

Covariates are centred at their mean over the analysed rows (categories: at their share of the
rows), so that a cell of arm and visit *is* the least-squares mean at observed margins, the same
as ``emmeans(..., weights = "proportional")`` in R and the OM option of SAS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError

Form = Literal["change", "constrained"]

#: Analysed people below which an arm at a visit is small: there Satterthwaite's errors reject too
#: often and HC3's too seldom (docs/validation.md).
FEW_PEOPLE = 60

#: A column whose part outside the others' span is smaller than this share of it is aliased.
_ALIASED = 1e-9


@dataclass(frozen=True)
class ModelFrame:
    """Design matrix, response and bookkeeping of one model.

    Parameters
    ----------
    design : ndarray of shape (n_rows, n_columns)
        Cells of arm and visit first, then the centred covariates.
    response : ndarray of shape (n_rows,)
        In the response's own unit.
    person, arm, visit : ndarray of int of shape (n_rows,)
        Codes; person counts from 0 to n_participants - 1, rows are sorted by person and visit.
    ids : ndarray of shape (n_participants,)
        Participant behind each person code.
    column_names : tuple of str
        Names of the design's columns.
    arms, visits : tuple of str
        Control first; in order of time.
    form : {"change", "constrained"}
        Mean model.
    covariates : tuple of str
        Covariates in the model, "name x visit" if crossed.
    notes : tuple of str
        What was left out and why, to print.
    """

    design: np.ndarray
    response: np.ndarray
    person: np.ndarray
    arm: np.ndarray
    visit: np.ndarray
    ids: np.ndarray
    column_names: tuple[str, ...]
    arms: tuple[str, ...]
    visits: tuple[str, ...]
    form: Form
    covariates: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_participants(self) -> int:
        """Number of participants with at least one analysed row."""
        return len(self.ids)

    @property
    def later_visits(self) -> tuple[str, ...]:
        """Visits at which arms may differ (all of them in the change form)."""
        return self.visits[1:] if self.form == "constrained" else self.visits

    def smallest_cell(self) -> tuple[str, str, int]:
        """Return the arm and later visit with the fewest analysed people, and their number."""
        counts = np.zeros((len(self.arms), len(self.visits)), dtype=int)
        np.add.at(counts, (self.arm, self.visit), 1)
        counts = counts[:, len(self.visits) - len(self.later_visits) :]
        arm, visit = np.unravel_index(int(np.argmin(counts)), counts.shape)
        return self.arms[arm], self.later_visits[visit], int(counts[arm, visit])

    def weights_of(self, arm: str, visit: str) -> np.ndarray:
        """Return the coefficients' weights in the least-squares mean of an arm at a visit."""
        a = _index(arm, self.arms, "arm")
        t = _index(visit, self.visits, "visit")
        weights = np.zeros(self.design.shape[1])
        cells = cell_design(np.array([a]), np.array([t]), self)
        weights[: cells.shape[1]] = cells[0]
        return weights


def cell_design(arm: np.ndarray, visit: np.ndarray, frame: ModelFrame | _Cells) -> np.ndarray:
    """Return the indicator columns of arm and visit for rows with these codes.

    Parameters
    ----------
    arm, visit : ndarray of int of shape (n_rows,)
        Codes.
    frame : object with arms, visits and form
        What the codes mean.

    Returns
    -------
    cells : ndarray of shape (n_rows, n_cells)
    """
    n_arms, n_visits = len(frame.arms), len(frame.visits)
    if frame.form == "change":
        return np.eye(n_arms * n_visits)[arm * n_visits + visit]
    departures = np.eye(n_arms * n_visits)[arm * n_visits + visit]
    later = [a * n_visits + t for a in range(1, n_arms) for t in range(1, n_visits)]
    return np.hstack([np.eye(n_visits)[visit], departures[:, later]])


def cell_names(arms: tuple[str, ...], visits: tuple[str, ...], form: Form) -> list[str]:
    """Return the names of the columns of `cell_design`."""
    if form == "change":
        return [f"{a} at {t}" for a in arms for t in visits]
    return [f"at {t}" for t in visits] + [
        f"{a} minus {arms[0]} at {t}" for a in arms[1:] for t in visits[1:]
    ]


@dataclass(frozen=True)
class _Cells:
    arms: tuple[str, ...]
    visits: tuple[str, ...]
    form: Form


def build_model_frame(
    data: pd.DataFrame,
    *,
    response: str,
    arms: tuple[str, ...],
    visits: tuple[str, ...],
    covariates: tuple[str, ...] = (),
    crossed_with_visit: tuple[str, ...] = (),
    form: Form = "change",
) -> ModelFrame:
    """Check a long table and make its design matrix.

    Parameters
    ----------
    data : DataFrame
        One row a participant and visit: participant_id, arm, visit, the response and the
        covariates. Rows at visits that are not in `visits` are not read; rows without a response
        are missing visits.
    response : str
        Column of the response.
    arms : tuple of str
        Control first.
    visits : tuple of str
        In order of time; with form="constrained" the first is the baseline.
    covariates : tuple of str, default=()
        Columns measured before randomisation; text is categorical, numbers are linear.
    crossed_with_visit : tuple of str, default=()
        Those of `covariates` that have a slope of their own at each visit.
    form : {"change", "constrained"}, default="change"
        Mean model.

    Returns
    -------
    frame : ModelFrame

    Raises
    ------
    DesignError
        Absent columns, repeated rows, a participant in two arms, an unknown arm, an arm without
        people at a visit, a constant response, a covariate that cannot be told from arm.
    """
    arms, visits = tuple(arms), tuple(visits)
    rows, notes = _checked_rows(data, response, arms, visits, tuple(covariates))
    _check_cells(rows, arms, visits, form)
    arm = np.asarray(pd.Categorical(rows["arm"], categories=list(arms)).codes, dtype=int)
    visit = np.asarray(pd.Categorical(rows["visit"], categories=list(visits)).codes, dtype=int)
    person, ids = pd.factorize(rows["participant_id"])
    order = np.lexsort((visit, person))
    rows, arm, visit, person = rows.iloc[order], arm[order], visit[order], person[order]
    values = rows[response].to_numpy(dtype=float)
    _check_response(values, response)
    cells = cell_design(arm, visit, _Cells(arms, visits, form))
    columns, names, owners = _covariate_columns(rows, visit, visits, covariates, crossed_with_visit)
    if form == "constrained":
        _refuse_baseline_as_covariate(columns, names, values, visit)
    kept, dropped = _without_aliased(cells, columns, names, visit)
    notes += [f"covariate column {names[j]} left out: {why}" for j, why in dropped]
    crossed = [c for c in covariates if c in crossed_with_visit and len(visits) > 1]
    used = {owners[j] for j in kept}
    return ModelFrame(
        design=np.hstack([cells, columns[:, kept]]),
        response=values,
        person=person,
        arm=arm,
        visit=visit,
        ids=np.asarray(ids),
        column_names=tuple(cell_names(arms, visits, form) + [names[j] for j in kept]),
        arms=arms,
        visits=visits,
        form=form,
        covariates=tuple(f"{c} x visit" if c in crossed else c for c in covariates if c in used),
        notes=tuple(notes),
    )


def _index(label: str, labels: tuple[str, ...], kind: str) -> int:
    if label not in labels:
        raise DesignError(f"{kind} '{label}': expected one of {', '.join(labels)}.")
    return labels.index(label)


def _checked_rows(
    data: pd.DataFrame,
    response: str,
    arms: tuple[str, ...],
    visits: tuple[str, ...],
    covariates: tuple[str, ...],
) -> tuple[pd.DataFrame, list[str]]:
    needed = ["participant_id", "arm", "visit", response, *covariates]
    absent = [name for name in dict.fromkeys(needed) if name not in data]
    if absent:
        raise DesignError(
            f"model data: no column {', '.join(absent)}; the table has "
            f"{', '.join(map(str, data.columns))}."
        )
    if len(arms) < 2 or len(set(arms)) < len(arms) or len(set(visits)) < len(visits) or not visits:
        raise DesignError(
            f"model: expected two or more different arms and different visits, "
            f"found arms {arms} and visits {visits}."
        )
    if not pd.api.types.is_numeric_dtype(data[response]):
        raise DesignError(f"response '{response}': expected numbers, found {data[response].dtype}.")
    rows = data.loc[data["visit"].isin(visits), list(dict.fromkeys(needed))]
    strange = sorted(map(str, set(rows["arm"].unique()) - set(arms)))
    if strange:
        raise DesignError(
            f"arm column: expected {', '.join(arms)}, also found "
            f"{', '.join(strange)}; name them or leave their rows out."
        )
    _check_people(rows)
    notes = []
    values = rows[response].to_numpy(dtype=float)
    rows = rows[np.isfinite(values)]
    gaps = rows[list(covariates)].isna()
    if gaps.to_numpy().any():
        people = rows.loc[gaps.any(axis=1), "participant_id"].nunique()
        which = ", ".join(name for name in covariates if gaps[name].any())
        notes.append(f"{people} participant(s) left out of the model: no value of {which}")
        rows = rows[~gaps.any(axis=1)]
    if not len(rows):
        raise DesignError(f"response '{response}': no row with a value at {', '.join(visits)}.")
    return rows, notes


def _check_people(rows: pd.DataFrame) -> None:
    repeated = rows.duplicated(["participant_id", "visit"])
    if repeated.any():
        person, visit = rows.loc[repeated, ["participant_id", "visit"]].iloc[0]
        raise DesignError(f"participant {person}, visit {visit}: two or more rows; keep one.")
    codes, ids = pd.factorize(rows["participant_id"])
    arms = pd.factorize(rows["arm"])[0]
    first = np.full(len(ids), -1)
    first[codes[::-1]] = arms[::-1]
    if (first[codes] != arms).any():
        person = ids[codes[np.argmax(first[codes] != arms)]]
        found = ", ".join(sorted(rows.loc[rows["participant_id"] == person, "arm"].unique()))
        raise DesignError(f"participant {person}: expected one arm, found {found}.")


def _check_cells(
    rows: pd.DataFrame, arms: tuple[str, ...], visits: tuple[str, ...], form: Form
) -> None:
    arm = pd.Categorical(rows["arm"], categories=list(arms)).codes
    visit = pd.Categorical(rows["visit"], categories=list(visits)).codes
    counts = np.zeros((len(arms), len(visits)), dtype=int)
    np.add.at(counts, (arm, visit), 1)
    if form == "constrained" and (len(visits) < 2 or not counts[:, 0].any()):
        raise DesignError(
            "constrained form: expected the baseline visit first and one later "
            f"visit at least, found {visits} with baseline rows absent or no later "
            "visit."
        )
    first = 1 if form == "constrained" else 0
    empty = [f"{arms[a]} at {visits[t]}" for a, t in np.argwhere(counts == 0) if t >= first]
    if empty:
        raise DesignError(
            f"no analysed scan for: {', '.join(empty)}. Every arm needs people at "
            "every visit; leave that visit or arm out of the model."
        )


def _check_response(values: np.ndarray, response: str) -> None:
    if np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()):
        raise DesignError(
            f"response '{response}': constant ({values[0]:g} in all {len(values)} "
            "rows); there is nothing to model."
        )


def _covariate_columns(
    rows: pd.DataFrame,
    visit: np.ndarray,
    visits: tuple[str, ...],
    covariates: tuple[str, ...],
    crossed_with_visit: tuple[str, ...],
) -> tuple[np.ndarray, list[str], list[str]]:
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


def _refuse_baseline_as_covariate(
    columns: np.ndarray, names: list[str], values: np.ndarray, visit: np.ndarray
) -> None:
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


def _without_aliased(
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
