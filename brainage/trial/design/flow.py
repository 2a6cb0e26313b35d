"""Participant flow (CONSORT): randomised, scanned, excluded with reasons, analysed."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from brainage.errors import DesignError
from brainage.tables import WHOLE_BRAIN
from brainage.trial.design.join import TrialData, TrialDesign
from brainage.trial.results.schemas import EXCLUSIONS, FLOW


def participant_flow(
    data: TrialData, design: TrialDesign, exclusions: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count people by arm and visit, and check that the counts add up.

    Parameters
    ----------
    data : TrialData
        Scores joined to the design.
    design : TrialDesign
        Everyone who was randomised.
    exclusions : DataFrame, optional
        participant_id, session_id, reason: scans without a score. A session that was scored all
        the same (another of its runs was good) is not excluded.

    Returns
    -------
    flow : DataFrame
        Schema `FLOW`.
    excluded : DataFrame
        Schema `EXCLUSIONS`: one row an excluded scan of a randomised person at a planned visit.

    Raises
    ------
    DesignError
        The counts do not add up.
    """
    scored = _scored(data)
    excluded = _excluded(scored, design, exclusions)
    with_change = _people_with_change(data)
    lacking = _without_covariate(design)
    rows = []
    for arm in design.arms:
        randomised = set(design.allocation.loc[design.allocation["arm"] == arm, "participant_id"])
        at_baseline = scored.get(design.baseline, set())
        for visit in (design.baseline, *design.later_visits):
            seen = scored.get(visit, set()) & randomised
            mine = excluded[(excluded["arm"] == arm) & (excluded["visit"] == visit)]
            n_excluded = mine["participant_id"].nunique()
            first = visit == design.baseline
            usable = seen & (with_change if first else at_baseline)
            rows.append(
                {
                    "arm": arm,
                    "visit": visit,
                    "randomised": len(randomised),
                    "scanned": len(seen) + n_excluded,
                    "not_scanned": len(randomised) - len(seen) - n_excluded,
                    "excluded": n_excluded,
                    "scored": len(seen),
                    "without_baseline": 0 if first else len(seen - at_baseline),
                    "baseline_only": len(seen - with_change) if first else 0,
                    "without_covariate": len(usable & lacking),
                    "analysed": len(usable - lacking),
                    "reasons": _reasons(mine),
                }
            )
    flow = pd.DataFrame(rows, columns=list(FLOW.names))
    check_flow(flow)
    return flow, excluded


def check_flow(flow: pd.DataFrame) -> None:
    """Check that every line of a flow table adds up.

    Raises
    ------
    DesignError
        Naming the arm, the visit and the sum that fails.
    """
    sums = {
        "randomised": ["scanned", "not_scanned"],
        "scanned": ["excluded", "scored"],
        "scored": ["analysed", "without_baseline", "baseline_only", "without_covariate"],
    }
    counts = flow[[name for name in FLOW.names if FLOW[name].kind == "integer"]]
    for total, parts in sums.items():
        wrong = flow[(flow[parts].sum(axis=1) != flow[total]) | (counts < 0).any(axis=1)]
        if len(wrong):
            row = wrong.iloc[0]
            terms = " + ".join(f"{name} {row[name]}" for name in parts)
            raise DesignError(
                f"participant flow, {row['arm']} at {row['visit']}: {total} "
                f"{row[total]} is not {terms}. Check the exclusions table for "
                "people counted twice."
            )


def check_analysed(flow: pd.DataFrame, n_observations: int, *, baseline: str) -> None:
    """Check that the model analysed the people the flow says it did.

    Parameters
    ----------
    flow : DataFrame
        From `participant_flow`.
    n_observations : int
        Changes from baseline in the fitted model.
    baseline : str
        Label of the baseline visit.

    Raises
    ------
    DesignError
        The two numbers differ.
    """
    later = int(flow.loc[flow["visit"] != baseline, "analysed"].sum())
    if later != n_observations:
        raise DesignError(
            f"participant flow: {later} changes from baseline are analysed by its "
            f"counts, {n_observations} by the model. Check the covariates of the "
            "allocation table."
        )


def _without_covariate(design: TrialDesign) -> set[str]:
    names = list(dict.fromkeys(design.options.covariates))
    lacking = design.allocation[names].isna().any(axis=1)
    return set(design.allocation.loc[lacking, "participant_id"])


def _scored(data: TrialData) -> dict[str, set[str]]:
    scans = data.scans
    if (scans["network"] == WHOLE_BRAIN).any():
        scans = scans[scans["network"] == WHOLE_BRAIN]
    return {visit: set(rows["participant_id"]) for visit, rows in scans.groupby("visit")}


def _people_with_change(data: TrialData) -> set[str]:
    changes = data.changes
    if (changes["network"] == WHOLE_BRAIN).any():
        changes = changes[changes["network"] == WHOLE_BRAIN]
    return set(changes["participant_id"])


def _excluded(
    scored: dict[str, set[str]], design: TrialDesign, exclusions: pd.DataFrame | None
) -> pd.DataFrame:
    if exclusions is None or not len(exclusions):
        return pd.DataFrame({name: pd.Series(dtype=object) for name in EXCLUSIONS.names})
    absent = [c for c in ("participant_id", "session_id", "reason") if c not in exclusions]
    if absent:
        raise DesignError(
            f"exclusions: expected participant_id, session_id and reason; absent: "
            f"{', '.join(absent)}."
        )
    visits = {visit.session_id: visit.label for visit in design.visits}
    arms = design.allocation.set_index("participant_id")["arm"]
    table = exclusions.assign(
        participant_id=exclusions["participant_id"].astype(str).str.removeprefix("sub-"),
        session_id=exclusions["session_id"].astype(str).str.removeprefix("ses-"),
        reason=exclusions["reason"].fillna("no reason given").astype(str),
    )
    table = table.assign(
        visit=table["session_id"].map(visits), arm=table["participant_id"].map(arms)
    )
    used = [
        person in scored.get(visit, ())
        for person, visit in zip(table["participant_id"], table["visit"], strict=True)
    ]
    keep = table["visit"].notna() & table["arm"].notna() & ~pd.Series(used, index=table.index)
    table = table.loc[keep, list(EXCLUSIONS.names)]
    return table.drop_duplicates(["participant_id", "session_id"], ignore_index=True)


def _reasons(excluded: pd.DataFrame) -> str | None:
    counts = Counter(excluded["reason"])
    return "; ".join(f"{reason} ({n})" for reason, n in counts.most_common()) or None
