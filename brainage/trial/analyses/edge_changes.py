"""Change of connectivity from baseline to one visit, person by person, with what adjusts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.connectivity import FeatureTable, ViewSpec
from brainage.errors import DesignError
from brainage.trial.analyses.regions import pair_edges
from brainage.trial.analyses.repeated_measures import baseline_covariates, model_data
from brainage.trial.analyses.robust_lines import covariate_columns
from brainage.trial.design.join import TrialDesign


@dataclass(frozen=True)
class EdgeChanges:
    """Edges of the people who were scanned at baseline and at one later visit.

    Parameters
    ----------
    people : DataFrame
        participant_id, arm, baseline_age, sex, site, strata and covariates; every arm.
    baseline, change : ndarray of shape (n_people, n_edges)
        In the view's unit; edges that are not in `usable` are 0.
    usable : ndarray of bool of shape (n_edges,)
        Measured in both scans of everyone.
    spec : ViewSpec
        What the edges are.
    covariates : tuple of str
        Those of the primary contrast, but for the baseline gap: each region has its own baseline.
    notes : tuple of str
        Who and what was left out.
    """

    people: pd.DataFrame
    baseline: np.ndarray
    change: np.ndarray
    usable: np.ndarray
    spec: ViewSpec
    covariates: tuple[str, ...]
    notes: tuple[str, ...]

    def count(self, *arms: str) -> int:
        """Return the number of people in these arms."""
        return int(self.people["arm"].isin(arms).sum())

    def fixed_columns(self, fixed_arms: tuple[str, ...]) -> np.ndarray:
        """Return intercept, arms that keep their label, and covariates."""
        label = self.people["arm"].to_numpy()
        cells = np.column_stack(
            [np.ones(len(label)), *[(label == arm).astype(float) for arm in fixed_arms]]
        )
        return np.column_stack([cells, covariate_columns(self.people, self.covariates, cells)])


def edge_changes(
    features: FeatureTable, design: TrialDesign, *, view: str, visit: str
) -> EdgeChanges:
    """Return the change of every edge from baseline to a visit.

    Parameters
    ----------
    features : FeatureTable
        Of the trial.
    design : TrialDesign
        Arms, visits, covariates.
    view : str
        A view of parcel pairs (fisher_z, pearson).
    visit : str
        A later visit.

    Returns
    -------
    changes : EdgeChanges

    Raises
    ------
    DesignError
        Unknown visit, another layout, two rows for one session, fewer than two people of an arm
        with both scans, no edge measured in all of them.
    """
    if visit not in design.later_visits:
        raise DesignError(
            f"local changes: expected a visit of {', '.join(design.later_visits)}, found '{visit}'."
        )
    if view not in features.views:
        raise DesignError(
            f"local changes: view '{view}': the trial's features hold "
            f"{', '.join(features.views) or 'none'}. Name one of parcel pairs in "
            "science.trial.local.view, or add it to science.connectivity.kinds."
        )
    spec = features[view].spec
    pair_edges(spec)
    first, last, people = _paired_rows(features, design, visit)
    people, notes = _with_covariates(people, design)
    kept = people.index.to_numpy()
    people = people.reset_index(drop=True)
    for arm in design.arms:
        n = int((people["arm"] == arm).sum())
        if n < 2:
            raise DesignError(
                f"local changes, {visit}: expected two people an arm with both scans, found {n} of "
                f"{arm}."
            )
    values = features[view].values
    baseline = np.asarray(values[first[kept]], dtype=float)
    follow_up = np.asarray(values[last[kept]], dtype=float)
    usable = np.isfinite(baseline).all(axis=0) & np.isfinite(follow_up).all(axis=0)
    if not usable.any():
        raise DesignError(f"local changes, {visit}: no edge was measured in every scan.")
    if not usable.all():
        notes.append(
            f"{int((~usable).sum())} of {len(usable)} edges were not measured in every scan at "
            f"baseline and {visit}, and are left out"
        )
    return EdgeChanges(
        people=people,
        baseline=np.where(usable, baseline, 0.0),
        change=np.where(usable, follow_up - baseline, 0.0),
        usable=usable,
        spec=spec,
        covariates=tuple(
            name for name in baseline_covariates(people, design) if name != "baseline_gap"
        ),
        notes=tuple(notes),
    )


def _paired_rows(
    features: FeatureTable, design: TrialDesign, visit: str
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Return feature rows at baseline and at the visit, and the people they belong to."""
    sessions = {each.label: each.session_id for each in design.visits}
    rows = features.rows.reset_index(drop=True)
    if rows.duplicated(["participant_id", "session_id"]).any():
        raise DesignError("local changes: two or more feature rows for one session; keep one.")
    person = rows["participant_id"].str.removeprefix("sub-")
    session = rows["session_id"].str.removeprefix("ses-")
    place = {}
    for label in (design.baseline, visit):
        here = session == sessions[label]
        place[label] = pd.Series(rows.index[here], index=person[here])
    both = place[design.baseline].index.intersection(place[visit].index)
    people = design.allocation[design.allocation["participant_id"].isin(both)]
    people = people.reset_index(drop=True)
    ids = people["participant_id"].to_numpy()
    first, last = (place[label][ids].to_numpy() for label in (design.baseline, visit))
    at_baseline = rows.iloc[first].reset_index(drop=True)
    own = {"baseline_age": at_baseline["age_years"].astype(float)}
    own |= {name: at_baseline[name] for name in ("sex", "site") if name not in people}
    return first, last, people.assign(**own)


def _with_covariates(people: pd.DataFrame, design: TrialDesign) -> tuple[pd.DataFrame, list[str]]:
    """Return people with a value of every covariate; a missing category is one of its own."""
    notes = []
    data = model_data(people, design)
    if data["baseline_age"].isna().all():
        # Connectivity without ages is compared without them; a clock's scores never lack one.
        data = data.assign(baseline_age=0.0)
        notes.append("ages are not known: connectivity is compared without age as covariate")
    names = [name for name in baseline_covariates(data, design) if name != "baseline_gap"]
    absent = data[names].isna().any(axis=1)
    if absent.any():
        which = ", ".join(name for name in names if data[name].isna().any())
        notes.append(f"{int(absent.sum())} participant(s) left out: no value of {which}")
    return data[~absent], notes
