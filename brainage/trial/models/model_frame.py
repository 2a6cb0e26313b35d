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
from brainage.trial.models.covariates import (
    covariate_columns,
    refuse_baseline_as_covariate,
    without_aliased,
)

Form = Literal["change", "constrained"]

#: Analysed people below which an arm at a visit is small: there Satterthwaite's errors reject too
#: often and HC3's too seldom (docs/validation.md).
FEW_PEOPLE = 60


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
    arm, visit = _codes(rows["arm"], arms), _codes(rows["visit"], visits)
    _check_cells(arm, visit, arms=arms, visits=visits, form=form)
    person, ids = pd.factorize(rows["participant_id"])
    order = np.lexsort((visit, person))
    rows, arm, visit, person = rows.iloc[order], arm[order], visit[order], person[order]
    values = rows[response].to_numpy(dtype=float)
    _check_response(values, response)
    cells = cell_design(arm, visit, _Cells(arms, visits, form))
    columns, names, owners = covariate_columns(
        rows, visit, visits, covariates=covariates, crossed_with_visit=crossed_with_visit
    )
    if form == "constrained":
        refuse_baseline_as_covariate(columns, names, values, visit)
    kept, dropped = without_aliased(cells, columns, names, visit)
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
    arm_of: dict[object, object] = {}
    seen = set()
    cells = (rows[name].tolist() for name in ("participant_id", "visit", "arm"))
    for person, visit, arm in zip(*cells, strict=True):
        if (person, visit) in seen:
            raise DesignError(f"participant {person}, visit {visit}: two or more rows; keep one.")
        seen.add((person, visit))
        if arm_of.setdefault(person, arm) != arm:
            found = ", ".join(sorted(rows.loc[rows["participant_id"] == person, "arm"].unique()))
            raise DesignError(f"participant {person}: expected one arm, found {found}.")


def _codes(labels: pd.Series, known: tuple[str, ...]) -> np.ndarray:
    """Return where each label stands among those known; all of them are by now."""
    place = {label: i for i, label in enumerate(known)}
    return np.array([place[label] for label in labels.tolist()], dtype=int)


def _check_cells(
    arm: np.ndarray,
    visit: np.ndarray,
    *,
    arms: tuple[str, ...],
    visits: tuple[str, ...],
    form: Form,
) -> None:
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
